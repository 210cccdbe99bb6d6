import type { SealedPack } from '../../ports/object-writer.ts';

/** A pack whose entries are all there and that only lacks its object count, trailer, index and final name. */
export interface FinishJob {
  readonly kind: 'finish';
  readonly directory: string;
  /** Where its bytes are: in a temporary file, or in memory with room for the header in front. */
  readonly body:
    | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number }
    | { readonly kind: 'memory'; readonly bytes: Uint8Array };
  readonly ids: Uint8Array<ArrayBuffer>;
  readonly crcs: Uint32Array<ArrayBuffer>;
  readonly offsets: Uint32Array<ArrayBuffer>;
}

/** A foreign pack to be copied unchanged. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly directory: string;
  readonly packPath: string;
  readonly indexPath: string;
  /** Set to 1 by the main thread to give up. */
  readonly canceled: Int32Array;
}

export type PackJob = FinishJob | CopyJob;

/** What a worker answers, jobs in the order they came. An error travels as its parts. */
export type PackJobAnswer =
  | { readonly pack: SealedPack }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } };
