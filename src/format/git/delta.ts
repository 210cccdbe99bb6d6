import { objectCorrupt } from './corrupt.ts';

/** The two sizes a delta states before its instructions. */
export interface DeltaSizes {
  readonly baseBytes: number;
  readonly resultBytes: number;
  readonly instructionsStart: number;
}

/**
 * Reads the sizes a delta begins with.
 * @throws {HoldfastError} `object_corrupt` when cut short or beyond 2^53
 */
export function decodeDeltaSizes(delta: Uint8Array): DeltaSizes {
  const base = decodeSize(delta, 0);
  const result = decodeSize(delta, base.next);
  return { baseBytes: base.value, resultBytes: result.value, instructionsStart: result.next };
}

/**
 * Applies a delta to its base. Every copy stays inside the base and the result is exactly as long as stated.
 * @throws {HoldfastError} `object_corrupt` when malformed, made for another base, or the result exceeds `sizeBytesMax`
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array, options: { sizeBytesMax: number }): Buffer {
  const { baseBytes, resultBytes, instructionsStart } = decodeDeltaSizes(delta);
  if (baseBytes !== base.length) throw objectCorrupt('A delta was made for a base of another size.');
  if (resultBytes > options.sizeBytesMax) {
    throw objectCorrupt(`A delta makes an object of ${resultBytes} bytes; at most ${options.sizeBytesMax} are taken.`);
  }
  const result = Buffer.allocUnsafe(resultBytes);
  let written = 0;
  for (let at = instructionsStart; at < delta.length;) {
    const instruction = delta[at++]!;
    if (instruction & 0x80) {
      let offset = 0;
      let size = 0;
      if (instruction & 0x01) offset = delta[at++]!;
      if (instruction & 0x02) offset += delta[at++]! << 8;
      if (instruction & 0x04) offset += delta[at++]! << 16;
      // Multiplied, not shifted: the top bit would make it negative.
      if (instruction & 0x08) offset += delta[at++]! * 0x1000000;
      if (instruction & 0x10) size = delta[at++]!;
      if (instruction & 0x20) size += delta[at++]! << 8;
      if (instruction & 0x40) size += delta[at++]! << 16;
      if (size === 0) size = 0x10000;
      if (at > delta.length || offset + size > base.length || written + size > resultBytes) throw outOfBounds();
      result.set(base.subarray(offset, offset + size), written);
      written += size;
    } else {
      if (instruction === 0) throw objectCorrupt('A delta holds an instruction that git reserves.');
      if (at + instruction > delta.length || written + instruction > resultBytes) throw outOfBounds();
      result.set(delta.subarray(at, at + instruction), written);
      written += instruction;
      at += instruction;
    }
  }
  // Also keeps unwritten memory from showing: a short result is never returned.
  if (written !== resultBytes) throw objectCorrupt('A delta makes an object shorter than it states.');
  return result;
}

const sizeMax = Number.MAX_SAFE_INTEGER;

function decodeSize(delta: Uint8Array, start: number): { value: number; next: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; ; scale *= 128) {
    const byte = delta[at++];
    if (byte === undefined) throw objectCorrupt('A delta is cut short.');
    value += (byte & 0x7f) * scale;
    if (value > sizeMax || scale > sizeMax) throw objectCorrupt('A delta states an impossible size.');
    if (!(byte & 0x80)) return { value, next: at };
  }
}

function outOfBounds(): Error {
  return objectCorrupt('A delta copies from outside its base or beyond its result.');
}
