/*
 * Finds what two versions of an object have in common, the way git's diff-delta does: the base is cut into blocks of 16
 * bytes, each known by a hash; the target is rolled over byte by byte, and where a block matches, the match is drawn out
 * in both directions.
 */

const blockBytes = 16;
const chainMax = 16;
const copyBytesMax = 0x10000;
const insertBytesMax = 127;
/** Less than this in common costs more to name than to repeat. */
const matchBytesMin = 8;
const prime = 0x01000193;
/** prime to the power of blockBytes: what the byte that leaves the window had been multiplied by. */
const leavingFactor = power(prime, blockBytes);

/** The blocks of one base, findable by hash. Bases are below 2 GiB. */
export interface DeltaIndex {
  readonly base: Uint8Array;
  /** Block number plus one by hash; 0 for none. */
  readonly heads: Uint32Array;
  /** The next block with that hash. */
  readonly next: Uint32Array;
  readonly mask: number;
}

/** Indexes a base; costs about its size in time and a half of it in memory. */
export function indexBase(base: Uint8Array): DeltaIndex {
  const blocks = Math.floor(base.length / blockBytes);
  const slots = 2 ** Math.ceil(Math.log2(Math.max(16, blocks)));
  const heads = new Uint32Array(slots);
  const next = new Uint32Array(blocks);
  // From the end, so that of equal blocks the first is tried first.
  for (let block = blocks - 1; block >= 0; block--) {
    const slot = hashAt(base, block * blockBytes) & (slots - 1);
    next[block] = heads[slot]!;
    heads[slot] = block + 1;
  }
  return { base, heads, next, mask: slots - 1 };
}

/**
 * Writes a delta that makes `target` of the indexed base, or returns null when it would be longer than `sizeBytesMax`.
 */
export function makeDelta(index: DeltaIndex, target: Uint8Array, sizeBytesMax: number): Uint8Array | null {
  const writer = new DeltaWriter(sizeBytesMax);
  writer.size(index.base.length);
  writer.size(target.length);
  const last = target.length - blockBytes;
  let done = 0;
  let at = 0;
  let hash = last >= 0 ? hashAt(target, 0) : 0;
  while (at <= last) {
    const match = longestMatch(index, target, { at, done, hash });
    if (match === null) {
      if (at < last) hash = roll(hash, target[at]!, target[at + blockBytes]!);
      at++;
      continue;
    }
    if (!writer.insert(target, done, match.targetStart)) return null;
    if (!writer.copy(match.baseStart, match.sizeBytes)) return null;
    done = match.targetStart + match.sizeBytes;
    at = done;
    if (at <= last) hash = hashAt(target, at);
  }
  return writer.insert(target, done, target.length) ? writer.take() : null;
}

interface Match {
  readonly baseStart: number;
  readonly targetStart: number;
  readonly sizeBytes: number;
}

function longestMatch(
  { base, heads, next, mask }: DeltaIndex,
  target: Uint8Array,
  from: { at: number; done: number; hash: number },
): Match | null {
  let best: Match | null = null;
  let tries = chainMax;
  for (let entry = heads[from.hash & mask]!; entry !== 0 && tries > 0; entry = next[entry - 1]!, tries--) {
    let baseStart = (entry - 1) * blockBytes;
    let targetStart = from.at;
    let end = 0;
    const room = Math.min(base.length - baseStart, target.length - targetStart);
    while (end < room && base[baseStart + end] === target[targetStart + end]) end++;
    if (end < matchBytesMin) continue;
    // What is waiting to be inserted may belong to the match as well.
    while (targetStart > from.done && baseStart > 0 && base[baseStart - 1] === target[targetStart - 1]) {
      baseStart--;
      targetStart--;
      end++;
    }
    if (best === null || end > best.sizeBytes) best = { baseStart, targetStart, sizeBytes: end };
  }
  return best;
}

function hashAt(bytes: Uint8Array, start: number): number {
  let hash = 0;
  for (let i = start; i < start + blockBytes; i++) hash = (Math.imul(hash, prime) + bytes[i]! + 1) | 0;
  return hash;
}

function roll(hash: number, leaving: number, entering: number): number {
  return (Math.imul(hash, prime) + entering + 1 - Math.imul(leaving + 1, leavingFactor)) | 0;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

class DeltaWriter {
  readonly #sizeBytesMax: number;
  #bytes: Uint8Array;
  #sizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
    this.#bytes = new Uint8Array(Math.min(1024, sizeBytesMax + 64));
  }

  size(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80);
    this.#byte(rest);
  }

  /** Returns false when the delta has become too long. */
  insert(target: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at += insertBytesMax) {
      const piece = target.subarray(at, Math.min(end, at + insertBytesMax));
      if (this.#sizeBytes + 1 + piece.length > this.#sizeBytesMax) return false;
      this.#room(piece.length + 1);
      this.#bytes[this.#sizeBytes++] = piece.length;
      this.#bytes.set(piece, this.#sizeBytes);
      this.#sizeBytes += piece.length;
    }
    return true;
  }

  copy(start: number, sizeBytes: number): boolean {
    for (let done = 0; done < sizeBytes; done += copyBytesMax) {
      if (this.#sizeBytes + 7 > this.#sizeBytesMax) return false;
      this.#copyOne(start + done, Math.min(copyBytesMax, sizeBytes - done));
    }
    return true;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }

  #copyOne(start: number, sizeBytes: number): void {
    this.#room(8);
    const codeAt = this.#sizeBytes++;
    let code = 0x80;
    for (let i = 0; i < 4; i++) {
      const byte = (start >>> (8 * i)) & 0xff;
      if (byte === 0) continue;
      code |= 1 << i;
      this.#bytes[this.#sizeBytes++] = byte;
    }
    // A size of 65,536 is written as none.
    for (let i = 0; i < 2; i++) {
      const byte = ((sizeBytes % copyBytesMax) >>> (8 * i)) & 0xff;
      if (byte === 0) continue;
      code |= 0x10 << i;
      this.#bytes[this.#sizeBytes++] = byte;
    }
    this.#bytes[codeAt] = code;
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#sizeBytes++] = value;
  }

  #room(neededBytes: number): void {
    if (this.#sizeBytes + neededBytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#sizeBytes + neededBytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
