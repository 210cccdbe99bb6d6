import { expect, test } from 'vitest';
import { applyDelta } from '../../../src/format/git/delta.ts';
import { deltaCopy, deltaSize } from '../../support/pack-builder.ts';

const base = Buffer.from('the quick brown fox');
const limit = { sizeBytesMax: 1 << 20 };

function delta(sizes: { base?: number; result: number }, ...instructions: (Buffer | string)[]): Buffer {
  const parts = instructions.map((part) =>
    typeof part === 'string' ? Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]) : part,
  );
  return Buffer.concat([deltaSize(sizes.base ?? base.length), deltaSize(sizes.result), ...parts]);
}

test('copies and inserts', () => {
  const result = applyDelta(base, delta({ result: 15 }, 'a ', deltaCopy(4, 6), deltaCopy(9, 4), 'dog'), limit);
  expect(result.toString()).toBe('a quick  brodog');
});

test('makes an empty object of nothing', () => {
  expect(applyDelta(base, delta({ result: 0 }), limit)).toHaveLength(0);
});

test('reads a copy of size 0 as 64 KiB', () => {
  const large = Buffer.alloc(0x10000 + 5, 7);
  const result = applyDelta(large, delta({ base: large.length, result: 0x10000 }, Buffer.from([0x80])), limit);
  expect(result).toEqual(large.subarray(0, 0x10000));
});

test('copies from offsets whose top bit is set', () => {
  // Offset 0xff000000 is far outside: it must not come out negative and so inside.
  expect(() => applyDelta(base, delta({ result: 1 }, Buffer.from([0x98, 0xff, 1])), limit)).toThrow(/outside/);
});

test.each([
  ['a base of another size', delta({ base: 5, result: 0 })],
  ['a result larger than allowed', delta({ result: limit.sizeBytesMax + 1 })],
  ['a copy beyond the base', delta({ result: 4 }, deltaCopy(17, 4))],
  ['a copy beyond the result', delta({ result: 3 }, deltaCopy(0, 4))],
  ['an insert beyond the result', delta({ result: 1 }, 'ab')],
  ['a result shorter than stated', delta({ result: 5 }, deltaCopy(0, 4))],
  ['the reserved instruction', delta({ result: 1 }, Buffer.from([0]))],
  ['an insert cut short', delta({ result: 5 }, Buffer.from([5, 97]))],
  ['a copy cut short', delta({ result: 1 }, Buffer.from([0x91, 0]))],
  ['sizes cut short', Buffer.from([0x80])],
  ['nothing at all', Buffer.alloc(0)],
  ['sizes without end', Buffer.alloc(2000, 0x80)],
  ['sizes beyond measure', Buffer.alloc(2000, 0xff)],
])('refuses %s', (_, bytes) => {
  expect(() => applyDelta(base, bytes, limit)).toThrow(expect.objectContaining({ code: 'object_corrupt' }));
});

test('refuses a delta cut anywhere', () => {
  const whole = delta({ result: 15 }, 'a ', deltaCopy(4, 6), deltaCopy(9, 4), 'dog');
  for (let length = 0; length < whole.length; length++) {
    expect(() => applyDelta(base, whole.subarray(0, length), limit)).toThrow(/delta/);
  }
});
