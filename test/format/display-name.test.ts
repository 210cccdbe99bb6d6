import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayName, displayText, jsonPath } from '../../src/format/display-name.ts';
import { byteStringOf, byteStringOfText, bytesOf } from '../../src/lib/bytes.ts';

const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const invisible = /\p{Default_Ignorable_Code_Point}/u;

describe('displayName', () => {
  test.each([
    ['plain.md', 'plain.md'],
    ['notes/my plan.md', 'notes/my plan.md'],
    ['äöü/日本語.md', 'äöü/日本語.md'],
    ['a\nb', String.raw`a\nb`],
    ['a\tb\rc', String.raw`a\tb\rc`],
    ['\u001b[2J', String.raw`\x1b[2J`],
    ['\u0007\u007f', String.raw`\x07\x7f`],
    ['\u009b31m', String.raw`\u{9b}31m`],
    ['\u202egpj.exe', String.raw`\u{202e}gpj.exe`],
    ['zero\u200bwidth', String.raw`zero\u{200b}width`],
    ['line\u2028break', String.raw`line\u{2028}break`],
    ['back\\slash', String.raw`back\\slash`],
    [' lead', String.raw`\x20lead`],
    ['trail  ', String.raw`trail\x20\x20`],
    ['a /b', String.raw`a\x20/b`],
    ['-rf', '-rf'],
    ['❤️.md', '❤️.md'],
    ['tag\u{e0041}', String.raw`tag\u{e0041}`],
  ])('%j is shown as %s', (name, shown) => {
    expect(displayName(byteStringOfText(name))).toBe(shown);
  });

  test('invalid UTF-8 is shown byte by byte, what is valid around it as it is', () => {
    expect(displayName(byteStringOf(Uint8Array.of(0x61, 0xff, 0xc3, 0xa4, 0xc3)))).toBe(String.raw`a\xffä\xc3`);
    expect(displayName(byteStringOf(Uint8Array.of(0xed, 0xa0, 0x80)))).toBe(String.raw`\xed\xa0\x80`);
  });

  test('any bytes at all come out inert, on one line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const shown = displayName(byteStringOf(bytes));
        expect(shown).not.toMatch(harmful);
        expect(shown.replaceAll(/\p{Extended_Pictographic}\ufe0f/gu, '')).not.toMatch(invisible);
        expect(shown.isWellFormed()).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('different names are shown differently', () => {
    const piece = fc.constantFrom('a', ' ', '\\', 'x20', 'xff', 'n', '\n', '/', '\u200b', '\u{1f600}', 'u{200b}');
    const name = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((parts) => byteStringOfText(parts.join(''))),
      fc.uint8Array({ maxLength: 6 }).map(byteStringOf),
    );
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(a !== b);
        expect(displayName(a)).not.toBe(displayName(b));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('displayText', () => {
  test('any text comes out inert', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(displayText(text)).not.toMatch(harmful);
      }),
      { numRuns: 3000 },
    );
    expect(displayText('broken \ud800 pair')).toBe(String.raw`broken \u{d800} pair`);
  });

  test('is cut to a length without breaking a character', () => {
    expect(displayText('x'.repeat(5000))).toHaveLength(1024);
    expect(displayText('ab😀cd', { charsMax: 4 })).toBe('ab…');
    expect(displayText('abcd', { charsMax: 4 })).toBe('abcd');
  });
});

test('JSON carries the true name, and the bytes where it is no UTF-8', () => {
  expect(jsonPath(byteStringOfText('a\u001b\u202eb'))).toEqual({ path: 'a\u001b\u202eb' });
  const bytes = Uint8Array.of(0x61, 0xff);
  const { path, path_b64: encoded } = jsonPath(byteStringOf(bytes));
  expect(path).toBe('a\ufffd');
  expect(Buffer.from(encoded!, 'base64')).toEqual(bytesOf(byteStringOf(bytes)));
});
