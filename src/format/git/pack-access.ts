import type { GitObject } from '../../ports/object-reader.ts';
import { objectCorrupt } from './corrupt.ts';
import { openEntryReader, type ReadRange } from './entry-reader.ts';
import { objectIdOf } from './object-id.ts';
import type { EntryHeader } from './pack-entry.ts';
import type { PackIndex } from './pack-index.ts';

export interface PackAccessOptions {
  readonly packIndex: PackIndex;
  readonly readRange: ReadRange;
  /** No object, and no base on the way to one, may be larger. `objectBytesMax` of pack-entry.ts unless told. */
  readonly sizeBytesMax?: number | undefined;
  /** Memory for bases that other deltas may need; 16 MiB unless told. */
  readonly baseCacheBytes?: number | undefined;
}

/** Single objects of one pack. */
export interface PackAccess {
  readonly packIndex: PackIndex;
  /**
   * Returns the object at a position of the index, deltas resolved within the pack, its hash checked against its name.
   * The content may be shared with later answers: do not write to it.
   * @throws {HoldfastError} `object_corrupt` when anything on the way is malformed, too deep, too large or not what it claims
   */
  read(position: number, options?: { readonly sizeBytesMax?: number | undefined }): Promise<GitObject>;
}

/** Opens one indexed pack for reading single objects, whoever wrote it: nothing in it is trusted. Opening reads nothing. */
export function openPackAccess(options: PackAccessOptions): PackAccess {
  const { packIndex } = options;
  const entries = openEntryReader({
    ...options,
    startAt: (position) => packIndex.offsetAt(position),
    endAt: (position) => packIndex.endAt(position),
    baseOf: (position, header, head) => basePosition(packIndex, { position, header, head }),
  });
  return {
    packIndex,
    async read(position, { sizeBytesMax } = {}) {
      const object = await entries.read(position, sizeBytesMax);
      const id = packIndex.idAt(position);
      if (objectIdOf(object.type, object.content) === id) return object;
      entries.forget(position);
      throw objectCorrupt(`The object ${id} does not have the content its name promises.`);
    },
  };
}

function basePosition(
  packIndex: PackIndex,
  delta: { readonly position: number; readonly header: EntryHeader; readonly head: Uint8Array },
): number {
  const { position, header, head } = delta;
  if (header.kind === 'offset_delta') return packIndex.findOffset(packIndex.offsetAt(position) - header.baseDistance);
  return header.kind === 'ref_delta' ? packIndex.find(head, header.baseIdStart) : -1;
}
