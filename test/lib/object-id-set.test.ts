import { expect, test } from 'vitest';
import { ObjectIdSet } from '../../src/lib/object-id-set.ts';
import { seededRandom } from '../support/random.ts';

test('holds what was added, and nothing else, through many growths', () => {
  const count = 40_000;
  const ids = seededRandom(1).bytes(count * 20);
  const set = new ObjectIdSet({ seed: 5 });
  const added = Array.from({ length: count }, (_, i) => i).filter((i) => i % 2 === 0);
  expect(added.every((i) => set.add(ids, i * 20))).toBe(true);
  expect(added.some((i) => set.add(ids, i * 20))).toBe(false);
  expect(set.size).toBe(count / 2);
  expect(Array.from({ length: count }, (_, i) => set.has(ids, i * 20)).filter(Boolean)).toHaveLength(count / 2);
  expect(added.every((i) => set.has(ids, i * 20))).toBe(true);
});

test('tells ids apart that differ in one bit', () => {
  const set = new ObjectIdSet();
  const id = new Uint8Array(20);
  set.add(id, 0);
  for (let bit = 0; bit < 160; bit++) {
    const other = new Uint8Array(20);
    other[bit >> 3] = 1 << (bit & 7);
    expect(set.has(other, 0)).toBe(false);
  }
  expect(set.has(id, 0)).toBe(true);
});

test('reads ids at any place of a larger buffer', () => {
  const set = new ObjectIdSet();
  const buffer = Uint8Array.from({ length: 30 }, (_, i) => i);
  set.add(buffer, 3);
  expect(set.has(buffer.slice(3), 0)).toBe(true);
  expect(set.has(buffer, 4)).toBe(false);
});
