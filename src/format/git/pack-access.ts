import { ByteLru } from '../../lib/byte-lru.ts';
import type { GitObject } from '../../ports/object-reader.ts';
import type { ObjectType } from '../../ports/object-writer.ts';
import { objectCorrupt } from './corrupt.ts';
import { applyDelta } from './delta.ts';
import { objectIdOf } from './object-id.ts';
import { decodeEntryHeader, type EntryHeader, inflateContent, objectBytesMax, tooLarge } from './pack-entry.ts';
import type { PackIndex } from './pack-index.ts';

export interface PackAccessOptions {
  readonly packIndex: PackIndex;
  /** Returns exactly the bytes `[start, end)` of the pack. They must not change afterwards, nor pin much more memory. */
  readonly readRange: (start: number, end: number) => Uint8Array | Promise<Uint8Array>;
  /** No object, and no base on the way to one, may be larger. `objectBytesMax` of pack-entry.ts unless told. */
  readonly sizeBytesMax?: number;
  /** Memory for bases that other deltas may need; 16 MiB unless told. */
  readonly baseCacheBytes?: number;
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

/** Git itself writes chains of at most 4,095 deltas. A circle of deltas is longer than any limit. */
export const deltaDepthMax = 4095;

// The bytes made on the way to one object, in multiples of the largest: each of 4,095 bases may be just within the limit.
const workFactorMax = 32;
const firstReadBytes = 64 * 1024;
const keptDeltaBytesMax = 16 * 1024 * 1024;
const nothing = new Uint8Array(0);

/** Opens one pack for reading single objects, whoever wrote it: nothing in it is trusted. Opening reads nothing. */
export function openPackAccess(options: PackAccessOptions): PackAccess {
  const { packIndex, readRange } = options;
  const limit = options.sizeBytesMax ?? objectBytesMax;
  const bases = new ByteLru<number, GitObject>(options.baseCacheBytes ?? 16 * 1024 * 1024);

  async function read(position: number, { sizeBytesMax = limit }: { sizeBytesMax?: number | undefined } = {}) {
    const object = bases.get(position) ?? (await resolve(position, Math.min(limit, sizeBytesMax)));
    if (object.content.length > sizeBytesMax) throw tooLarge(object.content.length, sizeBytesMax);
    if (objectIdOf(object.type, object.content) !== packIndex.idAt(position)) {
      bases.delete(position);
      throw objectCorrupt(`The object ${packIndex.idAt(position)} does not have the content its name promises.`);
    }
    return object;
  }

  /** Walks down the chain of deltas to something whole, then applies them on the way back. */
  async function resolve(position: number, sizeBytesMax: number): Promise<GitObject> {
    const deltas: Entry[] = [];
    let keptBytes = 0;
    let at = position;
    let object = bases.get(at);
    while (object === undefined) {
      const entry = await readEntry(at);
      if (entry.header.kind === 'object') {
        object = { type: entry.header.type, content: await inflate(entry, deltas.length === 0 ? sizeBytesMax : limit) };
        if (deltas.length > 0) bases.set(at, object, object.content.length);
        break;
      }
      if (deltas.length === deltaDepthMax) {
        throw objectCorrupt(
          `The object ${packIndex.idAt(position)} has a chain of deltas too long, or one without end.`,
        );
      }
      at = basePosition(entry);
      keptBytes += entry.bytes?.length ?? 0;
      deltas.push({ ...entry, head: nothing, bytes: keptBytes <= keptDeltaBytesMax ? entry.bytes : null });
      object = bases.get(at);
    }
    return applyAll(object, deltas, sizeBytesMax);
  }

  async function applyAll(base: GitObject, deltas: readonly Entry[], sizeBytesMax: number): Promise<GitObject> {
    const type: ObjectType = base.type;
    let content = base.content;
    let workBytes = 0;
    for (const entry of deltas.toReversed()) {
      const delta = await inflate(entry, limit);
      content = applyDelta(content, delta, { sizeBytesMax: entry === deltas[0] ? sizeBytesMax : limit });
      workBytes += content.length;
      if (workBytes > limit * workFactorMax)
        throw objectCorrupt('A chain of deltas takes more work than any real one.');
      bases.set(entry.position, { type, content }, content.length);
    }
    return { type, content };
  }

  async function readEntry(position: number): Promise<Entry> {
    const start = packIndex.offsetAt(position);
    const end = packIndex.endAt(position);
    const firstEnd = Math.min(end, start + firstReadBytes);
    const bytes = await readRange(start, firstEnd);
    return {
      position,
      start,
      end,
      header: decodeEntryHeader(bytes, 0),
      head: bytes,
      bytes: firstEnd === end ? bytes : null,
    };
  }

  async function inflate(entry: Entry, sizeBytesMax: number): Promise<Uint8Array> {
    const { sizeBytes, dataStart } = entry.header;
    if (sizeBytes > sizeBytesMax) throw tooLarge(sizeBytes, sizeBytesMax);
    const bytes = entry.bytes ?? (await readRange(entry.start, entry.end));
    return inflateContent(bytes.subarray(dataStart), sizeBytes).content;
  }

  function basePosition(entry: Entry): number {
    const { header } = entry;
    const base =
      header.kind === 'offset_delta'
        ? packIndex.findOffset(entry.start - header.baseDistance)
        : header.kind === 'ref_delta'
          ? packIndex.find(entry.head, header.baseIdStart)
          : -1;
    if (base < 0) throw objectCorrupt(`The base of the delta ${packIndex.idAt(entry.position)} is not in its pack.`);
    return base;
  }

  return { packIndex, read };
}

interface Entry {
  readonly position: number;
  readonly start: number;
  readonly end: number;
  readonly header: EntryHeader;
  /** The first bytes of the entry, its header among them; let go once the base is known. */
  readonly head: Uint8Array;
  /** All of the entry, when it is small enough to be kept. */
  readonly bytes: Uint8Array | null;
}
