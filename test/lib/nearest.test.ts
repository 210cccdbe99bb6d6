import { expect, test } from 'vitest';
import { nearestOf } from '../../src/lib/nearest.ts';

const commands = ['init', 'snapshot', 'status', 'list', 'restore', 'reindex'];

test.each([
  ['snapshto', 'snapshot'],
  ['snapshots', 'snapshot'],
  ['stauts', 'status'],
  ['Restore', 'restore'],
  ['lst', 'list'],
  ['xyz', null],
  ['q', null],
  ['', null],
])('%j is most like %j', (word, nearest) => {
  expect(nearestOf(word, commands)).toBe(nearest);
});

test('a very long word costs no more than a long one', () => {
  expect(nearestOf('x'.repeat(1_000_000), commands)).toBeNull();
});
