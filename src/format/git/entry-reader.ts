import { ByteLru } from '../../lib/byte-lru.ts';
import type { GitObject } from '../../ports/object-reader.ts';
import { objectCorrupt } from './corrupt.ts';
import { applyDelta } from './delta.ts';
import { decodeEntryHeader, type EntryHeader, inflateContent, objectBytesMax, tooLarge } from './pack-entry.ts';

/** Returns exactly the bytes `[start, end)` of a pack. They must not change afterwards, nor pin much more memory. */
export type ReadRange = (start: number, end: number) => Uint8Array | Promise<Uint8Array>;

export interface EntryReaderOptions {
  readonly readRange: ReadRange;
  /** Entries go by number: where each begins and ends. */
  readonly startAt: (entry: number) => number;
  readonly endAt: (entry: number) => number;
  /** The entry a delta builds on, or -1 when the pack has none. `head` holds the delta's header. */
  readonly baseOf: (entry: number, header: EntryHeader, head: Uint8Array) => number;
  /** No object, and no base on the way to one, may be larger. `objectBytesMax` unless told. */
  readonly sizeBytesMax?: number | undefined;
  /** Memory for bases that other deltas may need; 16 MiB unless told. */
  readonly baseCacheBytes?: number | undefined;
}

export interface EntryReader {
  /**
   * Returns the object of an entry, deltas resolved, its name not checked. The content may be shared with later answers.
   * @throws {HoldfastError} `object_corrupt` when anything on the way is malformed, too deep or too large
   */
  read(entry: number, sizeBytesMax?: number): Promise<GitObject>;
  /** Forgets what was kept of an entry that turned out not to be what it claims. */
  forget(entry: number): void;
}

/** Git itself writes chains of at most 4,095 deltas. A circle of deltas is longer than any limit. */
export const deltaDepthMax = 4095;

// The bytes made on the way to one object, in multiples of the largest: each of 4,095 bases may be just within the limit.
const workFactorMax = 32;
const firstReadBytes = 64 * 1024;
const keptDeltaBytesMax = 16 * 1024 * 1024;
const nothing = new Uint8Array(0);

/** Opens the entries of one pack for reading, whoever wrote it: nothing in it is trusted. Opening reads nothing. */
export function openEntryReader(options: EntryReaderOptions): EntryReader {
  const { readRange } = options;
  const limit = options.sizeBytesMax ?? objectBytesMax;
  const bases = new ByteLru<number, GitObject>(options.baseCacheBytes ?? 16 * 1024 * 1024);

  /** Walks down the chain of deltas to something whole, then applies them on the way back. */
  async function resolve(entry: number, sizeBytesMax: number): Promise<GitObject> {
    const deltas: OpenEntry[] = [];
    let keptBytes = 0;
    let at = entry;
    let object = bases.get(at);
    while (object === undefined) {
      const open = await readEntry(at);
      if (open.header.kind === 'object') {
        object = { type: open.header.type, content: await inflate(open, deltas.length === 0 ? sizeBytesMax : limit) };
        if (deltas.length > 0) bases.set(at, object, object.content.length);
        break;
      }
      if (deltas.length === deltaDepthMax) throw objectCorrupt('A chain of deltas is too long, or has no end.');
      at = options.baseOf(at, open.header, open.head);
      if (at < 0) throw objectCorrupt('The base of a delta is not in its pack.');
      keptBytes += open.bytes?.length ?? 0;
      deltas.push({ ...open, head: nothing, bytes: keptBytes <= keptDeltaBytesMax ? open.bytes : null });
      object = bases.get(at);
    }
    return applyAll(object, deltas, sizeBytesMax);
  }

  async function applyAll(base: GitObject, deltas: readonly OpenEntry[], sizeBytesMax: number): Promise<GitObject> {
    let object = base;
    let workBytes = 0;
    for (const open of deltas.toReversed()) {
      const delta = await inflate(open, limit);
      const content = applyDelta(object.content, delta, { sizeBytesMax: open === deltas[0] ? sizeBytesMax : limit });
      workBytes += content.length;
      if (workBytes > limit * workFactorMax)
        throw objectCorrupt('A chain of deltas takes more work than any real one.');
      object = { type: base.type, content };
      bases.set(open.entry, object, content.length);
    }
    return object;
  }

  async function readEntry(entry: number): Promise<OpenEntry> {
    const start = options.startAt(entry);
    const end = options.endAt(entry);
    const firstEnd = Math.min(end, start + firstReadBytes);
    const head = await readRange(start, firstEnd);
    return { entry, start, end, header: decodeEntryHeader(head, 0), head, bytes: firstEnd === end ? head : null };
  }

  async function inflate(open: OpenEntry, sizeBytesMax: number): Promise<Uint8Array> {
    const { sizeBytes, dataStart } = open.header;
    if (sizeBytes > sizeBytesMax) throw tooLarge(sizeBytes, sizeBytesMax);
    const bytes = open.bytes ?? (await readRange(open.start, open.end));
    return inflateContent(bytes.subarray(dataStart), sizeBytes).content;
  }

  return {
    async read(entry, sizeBytesMax = limit) {
      const object = bases.get(entry) ?? (await resolve(entry, Math.min(limit, sizeBytesMax)));
      if (object.content.length > sizeBytesMax) throw tooLarge(object.content.length, sizeBytesMax);
      return object;
    },
    forget: (entry) => bases.delete(entry),
  };
}

interface OpenEntry {
  readonly entry: number;
  readonly start: number;
  readonly end: number;
  readonly header: EntryHeader;
  /** The first bytes of the entry, its header among them; let go once the base is known. */
  readonly head: Uint8Array;
  /** All of the entry, when it is small enough to be kept. */
  readonly bytes: Uint8Array | null;
}
