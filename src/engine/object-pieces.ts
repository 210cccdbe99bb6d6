import type { ObjectStorage, StorageKey } from '../ports/object-storage.ts';

const pieceBytes = 4 * 1024 * 1024;

/** Yields a stored object, or one version of it, in pieces, so that memory does not grow with it. */
export async function* objectPieces(
  storage: ObjectStorage,
  object: { readonly key: StorageKey; readonly sizeBytes: number; readonly storageVersionId?: string },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { key, sizeBytes, storageVersionId } = object;
  const version = storageVersionId === undefined ? {} : { storageVersionId };
  for (let start = 0; start < sizeBytes; start += pieceBytes) {
    const range = { start, end: Math.min(sizeBytes, start + pieceBytes) };
    yield await storage.get(key, { range, ...version, signal });
  }
}

/** Bytes at hand, where pieces are asked for. */
export async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
