import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  compressContent,
  decodeEntryHeader,
  decodePackHeader,
  decodeWholeEntry,
  encodePackHeader,
  inflateContent,
  writeEntryHeader,
} from '../../../src/format/git/pack-entry.ts';

const corrupt = expect.objectContaining({ code: 'object_corrupt' });

function entryOf(content: Uint8Array): Buffer {
  const header = Buffer.alloc(32);
  const length = writeEntryHeader(header, 0, { type: 'blob', sizeBytes: content.length });
  return Buffer.concat([header.subarray(0, length), compressContent(content)]);
}

describe('headers', () => {
  test('are golden bytes', () => {
    expect(encodePackHeader(258).toString('hex')).toBe('5041434b0000000200000102');
    const out = Buffer.alloc(32);
    expect(out.subarray(0, writeEntryHeader(out, 0, { type: 'tree', sizeBytes: 5 })).toString('hex')).toBe('25');
    expect(out.subarray(0, writeEntryHeader(out, 0, { type: 'blob', sizeBytes: 4096 })).toString('hex')).toBe('b08002');
  });

  test.each([0, 15, 16, 2047, 2048, 2 ** 31, 2 ** 32 + 7, 2 ** 52])('give back the size %d', (sizeBytes) => {
    const out = Buffer.alloc(40);
    const dataStart = writeEntryHeader(out, 3, { type: 'commit', sizeBytes });
    expect(decodeEntryHeader(out, 3)).toEqual({ kind: 'object', type: 'commit', sizeBytes, dataStart });
  });

  test.each(['PACK', 'PACK\0\0\0\u0003\0\0\0\0', 'KCAP\0\0\0\u0002\0\0\0\0'])(
    'of other packs are refused: %j',
    (text) => {
      expect(decodePackHeader(Buffer.from(text))).toBeNull();
    },
  );

  test.each([
    ['types git does not have', [0x00]],
    ['the reserved type', [0x50]],
    ['a size cut short', [0xb0]],
    ['a size without end', Array.from({ length: 2000 }, () => 0xb0)],
    ['a size beyond measure', [...Array.from({ length: 20 }, () => 0xff), 1]],
    ['a delta on itself', [0x60, 0x00]],
    ['a distance beyond measure', [0x60, ...Array.from({ length: 20 }, () => 0xff), 1]],
    ['a base name cut short', [0x70, 1, 2, 3]],
  ])('refuse %s', (_, bytes) => {
    expect(() => decodeEntryHeader(Uint8Array.from(bytes), 0)).toThrow(corrupt);
  });
});

describe('entries', () => {
  test.each([0, 1, 100, 4096, 70_000, 3_000_000])('of %d bytes come back, text or noise', (size) => {
    for (const content of [Buffer.alloc(size, 'some text '), randomBytes(size)]) {
      const entry = entryOf(content);
      const header = decodeEntryHeader(entry, 0);
      expect(header).toMatchObject({ kind: 'object', type: 'blob', sizeBytes: size });
      expect(Buffer.compare(inflateContent(entry.subarray(header.dataStart), size).content, content)).toBe(0);
      expect(entry.length).toBeLessThanOrEqual(size * 1.001 + 64);
    }
  });

  test('are compressed unless that is useless', () => {
    expect(compressContent(Buffer.alloc(1 << 20, 'notes and notes ')).length).toBeLessThan(10_000);
    const half = Buffer.concat([randomBytes(1 << 19), Buffer.alloc(1 << 19)]);
    expect(compressContent(half).length).toBeLessThan(half.length * 0.6);
  });

  test('must fill their range', () => {
    const entry = entryOf(Buffer.from('abc'));
    expect(decodeWholeEntry(Buffer.concat([Buffer.alloc(7), entry]), 7, 7 + entry.length)).toEqual({
      type: 'blob',
      content: Buffer.from('abc'),
    });
    expect(() => decodeWholeEntry(Buffer.concat([entry, Buffer.alloc(1)]), 0, entry.length + 1)).toThrow(corrupt);
    expect(() => decodeWholeEntry(entry, 0, entry.length - 1)).toThrow(corrupt);
    expect(() => decodeWholeEntry(Buffer.from([0x60, 1, 0]), 0, 3)).toThrow(corrupt);
  });

  test('must have the size they state', () => {
    const data = compressContent(Buffer.from('abcdef'));
    expect(() => inflateContent(data, 5)).toThrow(corrupt);
    expect(() => inflateContent(data, 7)).toThrow(corrupt);
    expect(inflateContent(Buffer.concat([data, Buffer.alloc(5)]), 6).consumedBytes).toBe(data.length);
  });

  test('claiming more than deflate can give are refused before any room is made', () => {
    for (const size of [2 ** 20, 2 ** 40])
      expect(() => inflateContent(compressContent(Buffer.alloc(100)), size)).toThrow(corrupt);
  });
});
