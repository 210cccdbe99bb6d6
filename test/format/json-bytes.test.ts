import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJsonBytes, encodeJsonBytes } from '../../src/format/json-bytes.ts';

test('byte strings survive JSON whatever their bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (array) => {
      const value = Buffer.from(array).toString('latin1');
      expect(decodeJsonBytes(JSON.parse(JSON.stringify(encodeJsonBytes(value))))).toBe(value);
    }),
    { numRuns: 500 },
  );
});

test('UTF-8 is text, other bytes are base64', () => {
  expect(encodeJsonBytes('plain')).toBe('plain');
  expect(encodeJsonBytes('caf\xc3\xa9')).toBe('café');
  expect(encodeJsonBytes('\xef\xbb\xbfx')).toBe('\ufeffx');
  expect(encodeJsonBytes('caf\xe9')).toEqual({ b64: 'Y2Fm6Q==' });
  // Surrogates in UTF-8 are not UTF-8.
  expect(encodeJsonBytes('\xed\xa0\x80')).toEqual({ b64: '7aCA' });
});

test.each([null, undefined, 3, [], {}, { b64: 3 }, { b64: 'Y2Fm6Q' }, { b64: 'Y2Fm 6Q==' }, { b64: '!!!!' }, '\udc00'])(
  '%j is no byte string',
  (value) => expect(decodeJsonBytes(value)).toBeNull(),
);
