import { expect, test } from 'vitest';
import { addSum, hasRightSum } from '../../src/format/sum-json.ts';

const document = Buffer.from(addSum('{\n  "format": 1,\n  "name": "caf\u00e9"\n}\n'));

test('the sum is the last key of a document that stays JSON', () => {
  const parsed = JSON.parse(document.toString()) as Record<string, unknown>;
  expect(Object.keys(parsed)).toEqual(['format', 'name', 'sum']);
  expect(hasRightSum(document)).toBe(true);
});

test('every flipped bit, every cut and every byte more is noticed', () => {
  for (let at = 0; at < document.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(document);
      flipped[at]! ^= 1 << bit;
      expect(hasRightSum(flipped)).toBe(false);
    }
    expect(hasRightSum(document.subarray(0, at))).toBe(false);
  }
  expect(hasRightSum(Buffer.concat([document, Buffer.from('\n')]))).toBe(false);
});
