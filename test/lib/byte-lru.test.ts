import { expect, test } from 'vitest';
import { ByteLru } from '../../src/lib/byte-lru.ts';

test('keeps what was asked for last, up to its size', () => {
  const lru = new ByteLru<string, number>(100);
  lru.set('a', 1, 40);
  lru.set('b', 2, 40);
  expect(lru.get('a')).toBe(1);
  lru.set('c', 3, 40);
  expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3]);
});

test('counts a replaced value once', () => {
  const lru = new ByteLru<string, number>(100);
  for (let i = 0; i < 10; i++) lru.set('a', i, 45);
  lru.set('b', 1, 45);
  expect([lru.get('a'), lru.get('b')]).toEqual([9, 1]);
});

test('does not let one large value push all others out', () => {
  const lru = new ByteLru<string, number>(100);
  lru.set('a', 1, 10);
  lru.set('large', 2, 60);
  expect([lru.get('a'), lru.get('large')]).toEqual([1, undefined]);
});
