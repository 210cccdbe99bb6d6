import { expect, test } from 'vitest';
import { firstOfNextMonth, intervalMs } from '../../src/app/intervals.ts';

test('an interval is a word or a duration', () => {
  expect(intervalMs('off')).toBeNull();
  expect(intervalMs('continuous')).toBe(0);
  expect(intervalMs('weekly')).toBe(604_800_000);
  expect(intervalMs(90_000)).toBe(90_000);
});

test.each([
  ['2026-11-20T21:00:00.000Z', '2026-12-01T00:00:00.000Z'],
  ['2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00.000Z'],
  ['2026-01-31T10:00:00.000Z', '2026-02-01T00:00:00.000Z'],
  ['2026-03-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'],
])('what ran at %s is due again on the first of the next month', (last, due) => {
  expect(new Date(firstOfNextMonth(Date.parse(last))).toISOString()).toBe(due);
});
