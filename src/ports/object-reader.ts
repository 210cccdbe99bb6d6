import type { ObjectId } from '../model/ids.ts';
import type { ObjectType } from './object-writer.ts';

export interface GitObject {
  readonly type: ObjectType;
  readonly content: Uint8Array;
}

/** Where an object lies: pack by number, byte range of its entry within the pack. */
export interface ObjectLocation {
  readonly pack: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** A pack the reader knows: where it is stored and how large it is. */
export interface KnownPack {
  readonly key: string;
  readonly sizeBytes: number;
  readonly objectCount: number;
}

/**
 * Git objects across all packs of a store, found by binary search over pack indexes and read by byte ranges. Every
 * object returned has been hashed and matches its name; every delta resolved within limits. Packs are hostile input:
 * anything malformed, too deep or too large is `object_corrupt` or `pack_corrupt` in bounded time and memory.
 */
export interface ObjectReader {
  readonly packs: readonly KnownPack[];
  has(id: ObjectId): boolean;
  locate(id: ObjectId): ObjectLocation | null;
  /** @throws {HoldfastError} `object_corrupt`, `pack_corrupt`, `pack_missing`; `object_missing` when no pack holds it */
  read(id: ObjectId, options?: { signal?: AbortSignal; sizeBytesMax?: number }): Promise<GitObject>;
  /** Raw bytes of one pack, for callers that decode many entries at once; theirs to keep or to give away. */
  readRange(pack: number, start: number, end: number, options?: { signal?: AbortSignal }): Promise<Uint8Array>;
  /** All object names in one pack, ordered by their offset, with their byte ranges. */
  entries(pack: number): Iterable<{ id: ObjectId; start: number; end: number }>;
}
