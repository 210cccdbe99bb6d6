import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayWidth, joinToWidth, padToWidth, truncateToWidth, wrapToWidth } from '../../src/format/text-width.ts';

test.each([
  ['plain', 5],
  ['日本語', 6],
  ['e\u0301', 1],
  ['👩‍💻', 2],
  ['❤️', 2],
  ['\u001b[31mred\u001b[39m', 3],
  ['●', 1],
])('%j takes %i columns', (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

describe('truncateToWidth', () => {
  test('cuts to the width, keeps colours closed', () => {
    expect(truncateToWidth('snapshot', 5)).toBe('snap…');
    expect(truncateToWidth('日本語', 4)).toBe('日…');
    expect(truncateToWidth('\u001b[31mred text\u001b[39m', 4)).toBe('\u001b[31mred…\u001b[39m');
    expect(truncateToWidth('short', 5)).toBe('short');
    expect(truncateToWidth('any', 0)).toBe('');
  });

  test('never takes more room than given', () => {
    const piece = fc.constantFrom('a', ' ', '日', '👩‍💻', 'e\u0301', '\u001b[1m', '\u001b[22m');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (pieces, width) => {
        expect(displayWidth(truncateToWidth(pieces.join(''), width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('joinToWidth', () => {
  test('begins a new line where a piece would not fit', () => {
    const lines = joinToWidth(['id-of-a-snapshot', '+1 ~2 -3', '8 MB new'], '   ', { width: 20, indent: '  ' });
    expect(lines).toEqual(['id-of-a-snapshot', '  +1 ~2 -3', '  8 MB new']);
  });

  test('cuts what is longer than a line', () => {
    expect(wrapToWidth('abcdefghij kl', 6, '  ')).toEqual(['abcdef', '  ghij', '  kl']);
    expect(wrapToWidth('one line', Number.POSITIVE_INFINITY)).toEqual(['one line']);
  });

  test('every line fits, and no letter is lost', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '日'), minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 10 }), fc.integer({ min: 8, max: 40 }), (words, width) => {
        const lines = wrapToWidth(words.join(' '), width, '  ');
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
      }),
    );
  });
});

test('padding counts columns, not characters', () => {
  expect(padToWidth('日', 4)).toBe('日  ');
});
