import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkSizes, findChunkEnd } from '../../src/format/chunker.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('findChunkEnd', () => {
  test('cuts where it always did: other cuts would store every large file again', () => {
    expect(cutsOf(deterministicBytes(8 * MiB, 1))).toEqual(goldenCuts);
  });

  test('follows its own description', () => {
    const bytes = deterministicBytes(3 * MiB, 2);
    expect(cutsOf(bytes)).toEqual(cutsByDescription(bytes));
  });

  test('keeps every chunk but the last between the bounds', () => {
    const sizes = sizesOf(deterministicBytes(64 * MiB, 3));
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(chunkSizes.min);
      expect(size).toBeLessThanOrEqual(chunkSizes.max);
    }
    const average = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    expect(average).toBeGreaterThan(0.9 * MiB);
    expect(average).toBeLessThan(1.4 * MiB);
  });

  test('cuts bytes without any variation at the upper bound', () => {
    expect(sizesOf(Buffer.alloc(10 * MiB))).toEqual([4 * MiB, 4 * MiB, 2 * MiB]);
  });

  test.each([0, 1, 31, 256 * KiB - 1, 256 * KiB])('keeps %i bytes whole', (size) => {
    expect(findChunkEnd(deterministicBytes(size, 4), 0, size)).toBe(size);
  });

  test('does not depend on where the reader stopped, once it sees a whole chunk', () => {
    const bytes = deterministicBytes(9 * MiB, 5);
    const whole = findChunkEnd(bytes, 0, bytes.length);
    for (const extra of [0, 1, 1000, 3 * MiB]) {
      expect(findChunkEnd(bytes, 0, chunkSizes.max + extra)).toBe(whole);
    }
  });

  test('does not depend on what stands before the chunk', () => {
    const bytes = deterministicBytes(5 * MiB, 6);
    const shifted = Buffer.concat([deterministicBytes(777, 7), bytes]);
    expect(findChunkEnd(shifted, 777, shifted.length) - 777).toBe(findChunkEnd(bytes, 0, bytes.length));
  });

  test('stores a handful of chunks anew after an edit, an insertion or a removal anywhere', () => {
    const bytes = deterministicBytes(12 * MiB, 8);
    const before = new Set(chunkDigests(bytes));
    fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.constantFrom('edit', 'insert', 'remove'), (at, kind) => {
        const kept = kind === 'insert' ? at : at + 1;
        const added = kind === 'remove' ? Buffer.alloc(0) : Buffer.of(bytes[at]! ^ 0xff);
        const after = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(kept)]);
        const fresh = chunkDigests(after).filter((digest) => !before.has(digest));
        expect(fresh.length).toBeGreaterThan(0);
        expect(fresh.length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 12 },
    );
  });
});

const goldenCuts: readonly number[] = [808256, 2595939, 3927940, 4314940, 5514420, 7122410, 8388608];

function cutsOf(bytes: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < bytes.length;) cuts.push((at = findChunkEnd(bytes, at, bytes.length)));
  return cuts;
}

function sizesOf(bytes: Uint8Array): number[] {
  return cutsOf(bytes).map((cut, i, cuts) => cut - (cuts[i - 1] ?? 0));
}

function chunkDigests(bytes: Uint8Array): string[] {
  let start = 0;
  return cutsOf(bytes).map((end) => {
    const digest = createHash('sha1').update(bytes.subarray(start, end)).digest('hex');
    start = end;
    return digest;
  });
}

/** The definition in the docstring of `findChunkEnd`, word for word and slowly. */
function cutsByDescription(bytes: Uint8Array): number[] {
  const gear = Array.from({ length: 256 }, (_, b) => {
    let x = BigInt.asUintN(32, BigInt(b + 1) * 0x9e3779b9n);
    x = BigInt.asUintN(32, (x ^ (x >> 16n)) * 0x85ebca6bn);
    x = BigInt.asUintN(32, (x ^ (x >> 13n)) * 0xc2b2ae35n);
    return Number(x ^ (x >> 16n));
  });
  const hashAt = (p: number): number => {
    let hash = 0;
    for (let k = 0; k < 32; k++) hash = (hash + Math.imul(gear[bytes[p - 1 - k]!]!, 2 ** k)) >>> 0;
    return hash;
  };
  const cuts: number[] = [];
  for (let start = 0; start < bytes.length;) {
    let p = Math.min(bytes.length, start + 256 * KiB);
    const isCut = (): boolean => hashAt(p) < (p < start + MiB ? 2 ** 10 : 2 ** 14);
    while (p < bytes.length && p < start + 4 * MiB && !isCut()) p++;
    cuts.push(p);
    start = p;
  }
  return cuts;
}
