import type { ObjectId, Sha256 } from '../model/ids.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/**
 * Objects already encoded as pack entries, back to back in `bytes`: entry i is `bytes[offsets[i] .. offsets[i+1])`
 * (`offsets` has one more element than there are objects), its name is `ids[20*i .. 20*i+20)`, its CRC-32 `crcs[i]`.
 */
export interface EncodedObjects {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly ids: Uint8Array;
  readonly crcs: Uint32Array;
}

/** A finished pack on this machine's disk, durable, with its index beside it. */
export interface SealedPack {
  /** 40 hex digits: the pack's own trailing checksum, which names it `pack-<hash>.pack`. */
  readonly hash: string;
  readonly packPath: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly indexPath: string;
  readonly indexSizeBytes: number;
  readonly indexSha256: Sha256;
  readonly objectCount: number;
}

/** An object to be packed with those like it; `likeness` is the same number for versions of one file. */
export interface PackableObject {
  readonly id: ObjectId;
  readonly type: ObjectType;
  readonly content: Uint8Array;
  readonly likeness: number;
}

/** Answers whether an object needs no storing because the store holds it. Names are raw 20-byte ids. */
export interface KnownObjects {
  /** `ids` holds the name at `ids[start .. start+20)`. */
  has(ids: Uint8Array, start: number): boolean;
  /**
   * All known names, sorted, 20 bytes each, in shared memory so that workers can search it. May be large: asked for
   * only when many files must be read again.
   */
  table(): SharedArrayBuffer;
}

/**
 * Collects new objects into packs in one directory. An object that is known or was added already is skipped. Packs
 * are closed at a size limit, so one capture may give several. Nothing is durable before `seal` returns.
 */
export interface ObjectWriter extends AsyncDisposable {
  /** True when the object is known to the store or already added here. */
  has(ids: Uint8Array, start: number): boolean;
  /** Hashes, and unless known compresses and adds, one object; returns its name. */
  add(type: ObjectType, content: Uint8Array): ObjectId;
  /**
   * Adds entries encoded elsewhere, skipping duplicates. Returns when the writer can take more (back-pressure); the
   * batch's memory is the caller's again then.
   */
  addEncoded(batch: EncodedObjects): Promise<void>;
  /** Copies a whole foreign pack (and its index) unchanged, checking its trailing checksum on the way. */
  copyPack(source: { packPath: string; indexPath: string }, options?: { signal?: AbortSignal }): Promise<SealedPack>;
  /** Number of objects and bytes added so far, copied packs included. */
  readonly objectCount: number;
  readonly sizeBytes: number;
  /** Finishes all packs: written, fsynced, renamed to their final names, directory fsynced. Empty when nothing was added. */
  seal(options?: { signal?: AbortSignal }): Promise<readonly SealedPack[]>;
}
