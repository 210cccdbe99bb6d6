import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chunksMark,
  isShortened,
  readStoredName,
  storedChunkedName,
  storedName,
} from '../../src/format/chunked-name.ts';
import type { ByteString } from '../../src/lib/bytes.ts';

describe('stored names', () => {
  test('marks chunked files, escapes what looks marked, leaves the rest alone', () => {
    expect(storedChunkedName('film.mkv')).toBe('film.mkv.holdfast-chunks');
    expect(storedName('film.mkv')).toBe('film.mkv');
    expect(storedName('film.mkv.holdfast-chunks')).toBe('film.mkv.holdfast-chunks~');
    expect(storedName('film.mkv.holdfast-chunks~~')).toBe('film.mkv.holdfast-chunks~~~');
    expect(storedName('.holdfast-chunks')).toBe('.holdfast-chunks~');
    expect(storedName('holdfast-chunks~')).toBe('holdfast-chunks~');
    expect(storedChunkedName('a.holdfast-chunks')).toBe('a.holdfast-chunks.holdfast-chunks');
  });

  test('shortens a name that would become too long, and knows it again', () => {
    const name = 'n'.repeat(240);
    const stored = storedChunkedName(name);
    const digest = createHash('sha1').update(name).digest('hex');
    expect(stored).toBe(`${'n'.repeat(198)}~${digest}${chunksMark}`);
    expect(stored.length).toBe(255);
    expect(storedChunkedName('n'.repeat(239))).toBe(`${'n'.repeat(239)}${chunksMark}`);
    const read = readStoredName(stored);
    expect(read.kind).toBe('chunked-shortened');
    if (read.kind !== 'chunked-shortened') return;
    expect(read.isTrueName(name)).toBe(true);
    expect(read.isTrueName(`${name}n`)).toBe(false);
  });

  test('cuts a shortened name between characters', () => {
    const name = `${'n'.repeat(197)}\u00e2\u0082\u00ac${'n'.repeat(55)}`; // a euro sign across byte 198
    expect(storedChunkedName(name)).toMatch(/^n{197}~[0-9a-f]{40}\.holdfast-chunks$/);
  });

  test('cannot be made to collide by a file named like a shortened one', () => {
    const long = 'n'.repeat(250);
    const posing = storedChunkedName(long).slice(0, -chunksMark.length);
    expect(isShortened(posing)).toBe(true);
    expect(storedChunkedName(posing)).not.toBe(storedChunkedName(long));
  });

  test('gives every name back, and no two entries of a folder one name', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 20 }), (entries) => {
        const stored = entries.map(({ name, isChunked }) => (isChunked ? storedChunkedName(name) : storedName(name)));
        expect(new Set(stored).size).toBe(entries.length);
        stored.forEach((storedAs, i) => {
          expect(readsBackAs(storedAs, entries[i]!)).toBe(true);
          // Only a plain name of 255 bytes that itself ends in the mark grows beyond what file systems take.
          expect(storedAs.length).toBeLessThanOrEqual(entries[i]!.isChunked ? 255 : 256);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

function readsBackAs(storedAs: ByteString, { name, isChunked }: { name: ByteString; isChunked: boolean }): boolean {
  const read = readStoredName(storedAs);
  if (read.kind === 'chunked-shortened') return isChunked && isShortened(name) && read.isTrueName(name);
  return read.name === name && read.kind === (isChunked ? 'chunked' : 'plain');
}

const piece = fc.constantFrom(
  'a',
  'b.c',
  '~',
  chunksMark,
  `${chunksMark}~`,
  `~${'0a'.repeat(20)}`,
  '\u00e2',
  'n'.repeat(120),
);
const name: fc.Arbitrary<ByteString> = fc
  .array(piece, { minLength: 1, maxLength: 5 })
  .map((pieces) => pieces.join('').slice(0, 255));
const entry = fc.record({ name, isChunked: fc.boolean() });
