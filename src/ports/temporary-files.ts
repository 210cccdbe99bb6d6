import type { Sha256 } from '../model/ids.ts';

/** Bytes collected on disk before they go elsewhere, so that memory does not grow with them. */
export interface TemporaryFile extends Disposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** A private place for files that live no longer than one call. What a kill left there is removed at the next use. */
export interface TemporaryFiles {
  collect(pieces: AsyncIterable<Uint8Array>): Promise<TemporaryFile>;
}
