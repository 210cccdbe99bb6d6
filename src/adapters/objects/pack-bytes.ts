import { hash } from 'node:crypto';
import { sha256Of } from '../../format/digest.ts';
import { packCorrupt } from '../../format/git/corrupt.ts';
import { packTrailerBytes } from '../../format/git/pack-entry.ts';
import type { ByteLru } from '../../lib/byte-lru.ts';
import type { PackSource } from '../../ports/object-access.ts';
import type { FetchRange } from './fetch-pack.ts';
import type { PackCache } from './pack-cache.ts';

export interface PackBytesOptions {
  readonly source: PackSource;
  readonly fetch: FetchRange;
  /** True where reading costs no request: then small blocks, and no copies on disk. */
  readonly isLocal: boolean;
  /** Shared by all packs of a reader. */
  readonly blocks: ByteLru<string, Uint8Array>;
  readonly cache: PackCache;
}

const localBlockBytes = 64 * 1024;
const remoteBlockBytes = 1024 * 1024;
/** A pack in the store up to this size is fetched whole, with one request, and kept. */
export const wholePackBytesMax = 4 * 1024 * 1024;

/**
 * Reads ranges of one pack through a cache of blocks: what lies together (the trees at the end of a pack) comes with few
 * requests. Neighbouring blocks that are missing are fetched with one request; nothing is fetched twice at a time.
 */
export class PackBytes {
  readonly #options: PackBytesOptions;
  readonly #sizeBytes: number;
  readonly #blockBytes: number;
  readonly #isWhole: boolean;
  readonly #pending = new Map<number, Promise<Uint8Array>>();

  constructor(options: PackBytesOptions) {
    this.#options = options;
    this.#sizeBytes = options.source.ref.sizeBytes;
    this.#isWhole = !options.isLocal && this.#sizeBytes <= wholePackBytesMax;
    this.#blockBytes = this.#isWhole ? wholePackBytesMax : options.isLocal ? localBlockBytes : remoteBlockBytes;
  }

  /** Returns a copy of bytes `[start, end)`, at once where they are at hand. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    const first = Math.floor(start / this.#blockBytes);
    const last = Math.floor((end - 1) / this.#blockBytes);
    if (end <= start || end > this.#sizeBytes) throw packCorrupt('A pack index points outside its pack.');
    if (first !== last) return this.#readAcross({ start, end, first, last });
    const block = this.#block(first);
    const cut = (bytes: Uint8Array): Uint8Array => this.#cut(bytes, { block: first, start, end });
    return block instanceof Promise ? block.then(cut) : cut(block);
  }

  /** Reads a long run without filling the cache with it. */
  readOnce(start: number, end: number, signal?: AbortSignal): Uint8Array | Promise<Uint8Array> {
    if (this.#isWhole || end - start < this.#blockBytes) return this.read(start, end);
    return this.#options.fetch(start, end, signal);
  }

  async #readAcross(range: { start: number; end: number; first: number; last: number }): Promise<Uint8Array> {
    const { start, end, first, last } = range;
    const parts: (Uint8Array | Promise<Uint8Array>)[] = [];
    for (let block = first; block <= last; block++) {
      const runEnd = this.#endOfMissing(block, last);
      if (runEnd > block + 1) this.#fetchRun(block, runEnd);
      parts.push(this.#block(block));
    }
    const out = new Uint8Array(end - start);
    for (let block = first; block <= last; block++) {
      const part = this.#cut(await parts[block - first]!, { block, start, end });
      out.set(part, Math.max(0, block * this.#blockBytes - start));
    }
    return out;
  }

  /** The block after the last one of a run that nobody has or fetches, beginning at `block`. */
  #endOfMissing(block: number, last: number): number {
    let end = block;
    while (end <= last && !this.#pending.has(end) && this.#options.blocks.get(this.#keyOf(end)) === undefined) end++;
    return end;
  }

  #fetchRun(first: number, end: number): void {
    const start = first * this.#blockBytes;
    const run = Promise.resolve(this.#options.fetch(start, Math.min(this.#sizeBytes, end * this.#blockBytes)));
    for (let block = first; block < end; block++) {
      const at = (block - first) * this.#blockBytes;
      // Copied, so that one block kept does not keep the whole run.
      void this.#await(
        block,
        run.then((bytes) => new Uint8Array(bytes.subarray(at, at + this.#blockBytes))),
      );
    }
  }

  #block(block: number): Uint8Array | Promise<Uint8Array> {
    const kept = this.#options.blocks.get(this.#keyOf(block)) ?? this.#pending.get(block);
    if (kept !== undefined) return kept;
    const fetched = this.#isWhole ? this.#fetchWhole() : this.#fetchBlock(block);
    if (!(fetched instanceof Promise)) return this.#keep(block, fetched);
    return this.#await(block, fetched);
  }

  /** Notes that a block is on its way, so that nobody else asks for it. */
  #await(block: number, fetched: Promise<Uint8Array>): Promise<Uint8Array> {
    const pending = fetched.then((bytes) => this.#keep(block, bytes)).finally(() => this.#pending.delete(block));
    // Whoever asked sees the failure; blocks of a run that nobody came to ask for do not matter.
    pending.catch(() => {});
    this.#pending.set(block, pending);
    return pending;
  }

  #fetchBlock(block: number): Uint8Array | Promise<Uint8Array> {
    const start = block * this.#blockBytes;
    return this.#options.fetch(start, Math.min(this.#sizeBytes, start + this.#blockBytes));
  }

  async #fetchWhole(): Promise<Uint8Array> {
    const { source, cache, fetch } = this.#options;
    const { ref } = source;
    const cached = ref.sha256 === null ? null : cache.load('pack', ref.sha256);
    if (cached !== null) return cached;
    const bytes = await fetch(0, ref.sizeBytes);
    const sha256 = sha256Of(bytes);
    if (ref.sha256 === null) assertTrailer(bytes, ref.key);
    else if (sha256 !== ref.sha256) {
      throw packCorrupt(`The pack ${ref.key} does not match its checksum in the record.`);
    }
    cache.save('pack', sha256, bytes);
    return bytes;
  }

  #keep(block: number, bytes: Uint8Array): Uint8Array {
    this.#options.blocks.set(this.#keyOf(block), bytes, bytes.length);
    return bytes;
  }

  #keyOf(block: number): string {
    return `${this.#options.source.ref.key}:${block}`;
  }

  /** A copy of what one block has of the range: the caller may keep it, or give it to another thread. */
  #cut(bytes: Uint8Array, range: { block: number; start: number; end: number }): Uint8Array {
    const blockStart = range.block * this.#blockBytes;
    return new Uint8Array(bytes.subarray(Math.max(0, range.start - blockStart), range.end - blockStart));
  }
}

/** Without a record to compare with, the pack's own closing checksum, which also names it, is the proof. */
function assertTrailer(bytes: Uint8Array, key: string): void {
  const body = bytes.subarray(0, -packTrailerBytes);
  const trailer = Buffer.from(bytes.subarray(-packTrailerBytes)).toString('hex');
  if (hash('sha1', body, 'hex') === trailer && key.includes(trailer)) return;
  throw packCorrupt(`The pack ${key} does not match its own checksum.`);
}
