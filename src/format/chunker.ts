/** Bounds of a chunk in bytes. `normal` is where the easier test takes over; chunks of random data average 1.1 MiB. */
export const chunkSizes = { min: 256 * 1024, normal: 1024 * 1024, max: 4 * 1024 * 1024 } as const;

/** How many bytes before a position decide whether it is a cut. */
const windowBytes = 32;
/** Below `normal` the top 22 bits must be zero, from there on the top 18 (FastCDC's normalised chunking, level 2). */
const strictMask = ~0 << 10;
const easyMask = ~0 << 14;

// A constant, not made on first use: the compiler then folds its address and length into the loop (a third faster).
const gear = Int32Array.from({ length: 256 }, (_, byte) => gearOf(byte));

/**
 * Returns where the chunk that begins at `start` ends (exclusive). `end` is the end of the file, or at least
 * `start + chunkSizes.max`: a cut is never decided by where the caller happened to stop reading.
 *
 * This is FastCDC with a 32-bit gear hash. A position p is judged by the 32 bytes before it alone:
 *
 *     hash(p) = sum over k = 0..31 of gear[bytes[p - 1 - k]] * 2^k, modulo 2^32
 *     gear[b] = murmur3's 32-bit finaliser of (b + 1) * 0x9e3779b9 modulo 2^32
 *
 * The chunk ends at the first p from start + 256 KiB on whose hash has its top 22 bits zero; from start + 1 MiB on its
 * top 18 bits; at start + 4 MiB at the latest, and at the end of the file.
 */
export function findChunkEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= chunkSizes.min) return end;
  const stop = Math.min(end, start + chunkSizes.max);
  const normal = Math.min(stop, start + chunkSizes.normal);
  let hash = 0;
  // The byte before the first position that may be a cut: the loops below test each position as they complete it.
  let at = start + chunkSizes.min - 1;
  for (let k = at - windowBytes + 1; k < at; k++) hash = ((hash << 1) + gear[bytes[k]!]!) | 0;
  for (let phase = 0; phase < 2; phase++) {
    const mask = phase === 0 ? strictMask : easyMask;
    const until = phase === 0 ? normal - 1 : stop;
    // Eight steps a turn: a plain loop is bound by its own overhead and runs at a third of the speed.
    for (const unrolledUntil = until - 7; at < unrolledUntil; at += 8) {
      hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
      if ((hash & mask) === 0) return at + 1;
      hash = ((hash << 1) + gear[bytes[at + 1]!]!) | 0;
      if ((hash & mask) === 0) return at + 2;
      hash = ((hash << 1) + gear[bytes[at + 2]!]!) | 0;
      if ((hash & mask) === 0) return at + 3;
      hash = ((hash << 1) + gear[bytes[at + 3]!]!) | 0;
      if ((hash & mask) === 0) return at + 4;
      hash = ((hash << 1) + gear[bytes[at + 4]!]!) | 0;
      if ((hash & mask) === 0) return at + 5;
      hash = ((hash << 1) + gear[bytes[at + 5]!]!) | 0;
      if ((hash & mask) === 0) return at + 6;
      hash = ((hash << 1) + gear[bytes[at + 6]!]!) | 0;
      if ((hash & mask) === 0) return at + 7;
      hash = ((hash << 1) + gear[bytes[at + 7]!]!) | 0;
      if ((hash & mask) === 0) return at + 8;
    }
    for (; at < until; at++) {
      hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
      if ((hash & mask) === 0) return at + 1;
    }
  }
  return stop;
}

function gearOf(byte: number): number {
  let mixed = Math.imul(byte + 1, 0x9e3779b9);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
