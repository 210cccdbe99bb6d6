import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { storedSizeBytes, writeStored } from '../../../src/format/git/stored-data.ts';
import { deterministicBytes } from '../../support/deterministic-bytes.ts';

const sizes = [0, 1, 7, 8, 3839, 3840, 3841, 65534, 65535, 65536, 131070, 1_000_003];

test.each(sizes)('stored %i bytes are what zlib takes back, of the size promised', (size) => {
  for (const content of [deterministicBytes(size), Buffer.alloc(size, 0xff)]) {
    const out = Buffer.alloc(storedSizeBytes(size) + 8, 0xaa);
    const end = writeStored(out, 3, content);
    expect(end).toBe(3 + storedSizeBytes(size));
    expect(out.subarray(end).every((byte) => byte === 0xaa)).toBe(true);
    expect(inflateSync(out.subarray(3, end)).equals(content)).toBe(true);
  }
});
