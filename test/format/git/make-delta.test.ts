import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta } from '../../../src/format/git/delta.ts';
import { indexBase, makeDelta } from '../../../src/format/git/make-delta.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 400 }).map((value) => Buffer.from(value));
const bytes = fc.uint8Array({ maxLength: 5000 }).map((value) => Buffer.from(value));

function roundTrip(base: Uint8Array, target: Uint8Array): number {
  const delta = makeDelta(indexBase(base), target, target.length * 2 + 64)!;
  expect(Buffer.compare(applyDelta(base, delta, { sizeBytesMax: target.length }), target)).toBe(0);
  return delta.length;
}

describe('a delta', () => {
  test('makes the target of the base, whatever both are', () => {
    fc.assert(
      fc.property(fc.oneof(text, bytes), fc.oneof(text, bytes), (base, target) => {
        expect(roundTrip(base, target)).toBeGreaterThan(0);
      }),
    );
  });

  test('of an edited text is small: pieces of the base, cut, moved and repeated, are copied', () => {
    const edits = fc.array(fc.tuple(fc.nat(20_000), fc.nat(3000), fc.string({ maxLength: 20 })), { maxLength: 6 });
    const base = Buffer.from(Array.from({ length: 2000 }, (_, i) => `line ${(i * 7919) % 100_003}\n`).join(''));
    fc.assert(
      fc.property(edits, (pieces) => {
        const target = Buffer.concat(
          pieces.flatMap(([start, size, more]) => [base.subarray(start, start + size), Buffer.from(more)]),
        );
        const inserted = pieces.reduce((sum, [, , more]) => sum + Buffer.byteLength(more), 0);
        // Each piece: one copy of at most 7 bytes, and what does not fill a block at either end.
        expect(roundTrip(base, target)).toBeLessThan(inserted + pieces.length * 64 + 16);
      }),
    );
  });

  test('of sizes at the edges of copy instructions is right', () => {
    const base = Buffer.alloc(200_000);
    for (let i = 0; i < base.length; i++) base[i] = (Math.imul(i, 2654435761) >>> 13) & 0xff;
    for (const size of [0, 15, 16, 17, 0xffff, 0x10000, 0x10001, 0x20000, 199_999]) {
      for (const start of [0, 1, 255, 256, 257]) {
        expect(roundTrip(base, base.subarray(start, start + size))).toBeGreaterThan(0);
      }
    }
  });

  test('is given up when it becomes too long', () => {
    const base = Buffer.alloc(1000, 'a');
    expect(makeDelta(indexBase(base), Buffer.alloc(1000, 'b'), 500)).toBeNull();
  });
});
