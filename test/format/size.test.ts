import { describe, expect, test } from 'vitest';
import { formatCount, formatSize, parseSize } from '../../src/format/size.ts';

describe('parseSize', () => {
  test.each([
    ['0', 0],
    ['1024', 1024],
    ['8MiB', 8_388_608],
    ['8M', 8_388_608],
    ['1.5 GB', 1_500_000_000],
    ['500kb', 500_000],
    ['1TiB', 1_099_511_627_776],
  ])('%s', (text, sizeBytes) => {
    expect(parseSize(text)).toBe(sizeBytes);
  });

  test.each(['', 'MiB', '-1', '1ib', '1 MB x', '0x10', '1e9', '9'.repeat(20)])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [8_100_000, '8.1 MB'],
  [412_000_000, '412 MB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [1_300_000_000, '1.3 GB'],
  [Number.MAX_SAFE_INTEGER, '9.0 PB'],
])('%d bytes are %s', (sizeBytes, shown) => {
  expect(formatSize(sizeBytes)).toBe(shown);
});

test('counts have their thousands apart', () => {
  expect([7, 12_408, 1_000_000].map(formatCount)).toEqual(['7', '12,408', '1,000,000']);
});
