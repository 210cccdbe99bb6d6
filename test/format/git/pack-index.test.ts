import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodePackIndex } from '../../../src/format/git/encode-pack-index.ts';
import { parsePackIndex } from '../../../src/format/git/pack-index.ts';
import type { ObjectId } from '../../../src/model/ids.ts';
import { seededRandom } from '../../support/random.ts';

const corrupt = expect.objectContaining({ code: 'pack_corrupt' });
const packSizeBytes = 2 ** 40;

function sample(count: number, offsetOf: (i: number) => number = (i) => 12 + i * 10) {
  const random = seededRandom(count);
  const ids = random.bytes(count * 20);
  return {
    ids,
    crcs: Uint32Array.from({ length: count }, () => random.int(2 ** 32)),
    offsets: Float64Array.from({ length: count }, (_, i) => offsetOf(i)),
    packTrailer: Buffer.alloc(20, 9),
  };
}

/** Alters an index and makes its own checksum right again. */
function altered(bytes: Buffer, change: (bytes: Buffer) => Buffer | void): Buffer {
  const copy = Buffer.from(bytes);
  const changed = change(copy) ?? copy;
  createHash('sha1')
    .update(changed.subarray(0, -20))
    .digest()
    .copy(changed, changed.length - 20);
  return changed;
}

describe('a pack index', () => {
  test.each([0, 1, 2, 300, 5000])('of %d objects finds each of them', (count) => {
    const columns = sample(count);
    const packIndex = parsePackIndex(encodePackIndex(columns), { packSizeBytes });
    expect(packIndex).toMatchObject({ objectCount: count, packHash: '09'.repeat(20) });
    for (let i = 0; i < count; i++) {
      const position = packIndex.find(columns.ids, i * 20);
      expect(packIndex.offsetAt(position)).toBe(12 + i * 10);
      expect(packIndex.crcAt(position)).toBe(columns.crcs[i]);
      expect(packIndex.endAt(position)).toBe(i + 1 < count ? 22 + i * 10 : packSizeBytes - 20);
      expect(packIndex.findOffset(12 + i * 10)).toBe(position);
      expect(packIndex.byOffset()[i]).toBe(position);
    }
    expect(packIndex.findId('00'.repeat(20) as ObjectId)).toBe(-1);
    expect(packIndex.findId('ff'.repeat(20) as ObjectId)).toBe(-1);
    expect(packIndex.findOffset(13)).toBe(-1);
  });

  test('holds offsets beyond 2 GiB', () => {
    const offsets = [12, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, 2 ** 39];
    const columns = sample(offsets.length, (i) => offsets[i]!);
    const packIndex = parsePackIndex(encodePackIndex(columns), { packSizeBytes });
    expect(packIndex.bytes.length).toBe(8 + 1024 + 5 * 28 + 3 * 8 + 40);
    for (let i = 0; i < offsets.length; i++) {
      expect(packIndex.offsetAt(packIndex.find(columns.ids, i * 20))).toBe(offsets[i]);
    }
  });

  test('sorts names that share their first bytes', () => {
    const columns = sample(200);
    for (let i = 0; i < 200; i++) columns.ids.fill(0xab, i * 20, i * 20 + 12);
    const packIndex = parsePackIndex(encodePackIndex(columns), { packSizeBytes });
    for (let i = 0; i < 200; i++) expect(packIndex.offsetAt(packIndex.find(columns.ids, i * 20))).toBe(12 + i * 10);
  });
});

describe('a hostile pack index', () => {
  const whole = encodePackIndex(sample(40));
  const neighbours = Array.from({ length: 39 }, (_, i) => 1032 + i * 20).find((at) => whole[at] === whole[at + 20])!;
  const names = 8 + 1024;
  const offsets = names + 40 * 24;

  test.each<[string, (bytes: Buffer) => Buffer | void]>([
    ['another magic', (bytes) => void bytes.writeUInt8(0, 0)],
    ['another version', (bytes) => void bytes.writeUInt8(3, 7)],
    ['a fan-out that falls', (bytes) => void bytes.writeUInt32BE(39, 8 + 10 * 4)],
    ['a fan-out beyond the count', (bytes) => void bytes.writeUInt32BE(41, 8 + 254 * 4)],
    ['a count beyond its size', (bytes) => void bytes.writeUInt32BE(41, 8 + 255 * 4)],
    ['a count of four billion', (bytes) => void bytes.fill(0xff, 8 + 255 * 4, 8 + 256 * 4)],
    ['names out of order', (bytes) => void bytes.fill(0xff, neighbours + 1, neighbours + 20)],
    ['a name twice', (bytes) => void bytes.copy(bytes, names + 20, names, names + 20)],
    ['a first byte its fan-out denies', (bytes) => void bytes.writeUInt8(bytes[names + 39 * 20]! - 1, names + 39 * 20)],
    ['an offset inside the pack header', (bytes) => void bytes.writeUInt32BE(11, offsets)],
    ['an offset beyond the table of large ones', (bytes) => void bytes.writeUInt32BE(0x80000001, offsets)],
    [
      'a large offset that nothing uses',
      (bytes) => Buffer.concat([bytes.subarray(0, -40), Buffer.alloc(8), bytes.subarray(-40)]),
    ],
    ['a byte too many', (bytes) => Buffer.concat([bytes.subarray(0, -40), Buffer.alloc(1), bytes.subarray(-40)])],
  ])('with %s is refused', (_, change) => {
    expect(() => parsePackIndex(altered(whole, change), { packSizeBytes })).toThrow(corrupt);
  });

  test('with two objects at one offset is refused when entries are asked for', () => {
    const bytes = altered(whole, (copy) => void copy.copy(copy, offsets + 4, offsets, offsets + 4));
    expect(() => parsePackIndex(bytes, { packSizeBytes }).byOffset()).toThrow(corrupt);
  });

  test('that points outside its pack is refused', () => {
    expect(() => parsePackIndex(whole, { packSizeBytes: 12 + 39 * 10 + 20 })).toThrow(corrupt);
  });

  test('cut or altered at any byte is refused', () => {
    for (let i = 0; i < whole.length; i++) {
      expect(() => parsePackIndex(whole.subarray(0, i), { packSizeBytes })).toThrow(corrupt);
      const flipped = Buffer.from(whole);
      flipped[i]! ^= 1 << (i % 8);
      expect(() => parsePackIndex(flipped, { packSizeBytes })).toThrow(corrupt);
    }
  });
});
