import { describe, expect, test } from 'vitest';
import { formatAge, formatDuration, parseDuration } from '../../src/format/duration.ts';

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['2w', 1_209_600_000],
  ])('%s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  test.each(['', '90', 's', '-1s', '1 s', '1y', '1s2', '1e3s', '9'.repeat(30) + 'w'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

test.each([
  [0, '0.0 s'],
  [1234, '1.2 s'],
  [9_949, '9.9 s'],
  [9_951, '10 s'],
  [59_499, '59 s'],
  [59_500, '1 min'],
  [200_000, '3 min 20 s'],
  [7_260_000, '2 h 1 min'],
  [3_599_999, '1 h'],
  [187_200_000, '2 d 4 h'],
])('%d ms lasts %s', (durationMs, shown) => {
  expect(formatDuration(durationMs)).toBe(shown);
});

test.each([
  [-120_000, 'in the future'],
  [-1, 'just now'],
  [9_000, 'just now'],
  [59_999, '59 s ago'],
  [60_000, '1 min ago'],
  [7_260_000, '2 h ago'],
  [90_000_000, '1 d ago'],
  [86_400_000 * 800, '2 y ago'],
])('%d ms is %s', (ageMs, shown) => {
  expect(formatAge(ageMs)).toBe(shown);
});
