import { describe, expect, test } from 'vitest';
import { decodeStoreHeader, encodeStoreHeader, type StoreHeader } from '../../src/format/store-header.ts';
import { isHoldfastError } from '../../src/model/errors.ts';
import { withRightSum } from '../support/right-sum.ts';

const header: StoreHeader = {
  vaultId: 'f3a9c1d2e4b5a697',
  vaultName: 'notes',
  createdAt: '2026-04-16T12:00:00.000Z',
  createdBy: 'holdfast 0.1.0 on laptop',
  cipher: null,
};
const bytes = Buffer.from(encodeStoreHeader(header));

function codeOf(input: Uint8Array | string): string {
  try {
    decodeStoreHeader(Buffer.from(input));
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the header of a store', () => {
  test('comes back as it was, from readable text', () => {
    expect(decodeStoreHeader(bytes)).toEqual(header);
    expect(bytes.toString('utf8').split('\n').slice(0, 3)).toEqual([
      '{',
      '  "format": 1,',
      '  "vaultId": "f3a9c1d2e4b5a697",',
    ]);
  });

  test('of a newer store says what it needs', () => {
    const newer = withRightSum(bytes.toString('utf8').replace('"format": 1', '"format": 7, "unknown": []'));
    expect(codeOf(newer)).toBe('store_newer');
    expect(() => decodeStoreHeader(Buffer.from(newer))).toThrow(/needs version 7/);
    const sealed = withRightSum(bytes.toString('utf8').replace('"cipher": null', '"cipher": {"kdf":"none"}'));
    expect(codeOf(sealed)).toBe('store_newer');
  });

  test('that is none, or cut anywhere, is invalid', () => {
    for (let size = 0; size < bytes.length - 1; size++) expect(codeOf(bytes.subarray(0, size))).toBe('header_invalid');
    const text = bytes.toString('utf8');
    for (const bad of [
      '{ "store": "s3://bucket" }',
      '[]',
      '<html>',
      text.replace('"f3a9c1d2e4b5a697"', '"../x"'),
      text.replace('"cipher": null', '"cipher": "none"'),
      text.replace('"cipher": null', '"other": null'),
      text.replace('2026-04-16T', 'yesterday'),
    ]) {
      expect(codeOf(bad)).toBe('header_invalid');
    }
  });
});
