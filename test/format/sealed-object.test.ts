import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Of } from '../../src/format/digest.ts';
import { keyringOf, masterKeyOf } from '../../src/format/keyring.ts';
import {
  beginSealing,
  chunkBytes,
  chunkCountOf,
  openChunks,
  openHeader,
  plainSizeOf,
  sealChunk,
  sealedHeaderBytes,
  sealedSizeOf,
  tagBytes,
} from '../../src/format/sealed-object.ts';
import type { Keyring } from '../../src/model/store-keys.ts';

const ring = keyringOf('vault-1', [masterKeyOf(Buffer.alloc(32, 'a master key '))]);
const name = 'snapshots/x/snapshot.json';

function seal(plain: Uint8Array, options: { keyring?: Keyring; name?: string } = {}): Buffer {
  const object = beginSealing(options.keyring ?? ring, {
    name: options.name ?? name,
    sizeBytes: plain.length,
    sha256: sha256Of(plain),
  });
  const chunks = Array.from({ length: chunkCountOf(plain.length) }, (_, chunk) =>
    sealChunk(object, chunk, plain.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)),
  );
  return Buffer.concat([object.header, ...chunks.flat()]);
}

function open(sealed: Uint8Array, options: { keyring?: Keyring; name?: string } = {}): Buffer {
  const object = openHeader(options.keyring ?? ring, sealed, options.name ?? name);
  return openChunks(object, 0, sealed.subarray(sealedHeaderBytes));
}

const corrupt = expect.objectContaining({ code: 'object_corrupt' });

describe('a sealed object', () => {
  test.each([0, 1, 16, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3 * chunkBytes + 77])(
    'of %i bytes comes back, its size told by that of the sealed one',
    (size) => {
      const plain = randomBytes(size);
      const sealed = seal(plain);
      expect([sealed.length, plainSizeOf(sealed.length)]).toEqual([sealedSizeOf(size), size]);
      expect(open(sealed).equals(plain)).toBe(true);
    },
  );

  test('has a size that gives the plain one, and no other size does', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), (size) => {
        expect(plainSizeOf(sealedSizeOf(size))).toBe(size);
      }),
    );
    const sizes = new Set(Array.from({ length: 200_000 }, (_, size) => sealedSizeOf(size)));
    const wrong = Array.from({ length: 200_000 }, (_, size) => size).filter(
      (size) => (plainSizeOf(size) !== null) !== sizes.has(size),
    );
    expect(wrong).toEqual([]);
  });

  test('is the same each time, and another for other contents, another name, vault or key', () => {
    const plain = Buffer.from('the same plan');
    expect(seal(plain).equals(seal(plain))).toBe(true);
    const others = [
      seal(Buffer.from('the same plaN')),
      seal(plain, { name: 'snapshots/y/snapshot.json' }),
      seal(plain, { keyring: keyringOf('vault-2', [ring.newest]) }),
      seal(plain, { keyring: keyringOf('vault-1', [masterKeyOf(randomBytes(32))]) }),
    ];
    const salts = [seal(plain), ...others].map((sealed) => sealed.toString('hex', 28, 60));
    expect(new Set(salts).size).toBe(5);
    const bodies = [seal(plain), ...others].map((sealed) => sealed.toString('hex', sealedHeaderBytes));
    expect(new Set(bodies).size).toBe(5);
  });

  test('K07: with any bit changed, or cut or grown anywhere, is refused', () => {
    const sealed = seal(Buffer.from('a short note, and every bit of it counts'));
    for (let at = 0; at < sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(sealed);
        bad[at]! ^= 1 << bit;
        expect(() => open(bad)).toThrow(corrupt);
      }
      expect(() => open(sealed.subarray(0, at))).toThrow(corrupt);
    }
    expect(() => open(Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow(corrupt);
  });

  test('K10: of several chunks names the one that was changed, moved, doubled or left out', () => {
    const sealed = seal(randomBytes(4 * chunkBytes));
    const object = openHeader(ring, sealed, name);
    const chunk = (number: number): Buffer => {
      const start = sealedHeaderBytes + number * (chunkBytes + tagBytes);
      return sealed.subarray(start, start + chunkBytes + tagBytes);
    };
    const damagedIn = (...numbers: number[]): unknown => {
      try {
        return openChunks(object, 0, Buffer.concat(numbers.map(chunk)));
      } catch (error) {
        return (error as { data: Record<string, unknown> }).data['chunk'];
      }
    };
    expect(damagedIn(0, 1, 2, 3)).toBeInstanceOf(Buffer);
    expect(damagedIn(0, 2, 1, 3)).toBe(1);
    expect(damagedIn(0, 1, 1, 3)).toBe(2);
    expect(damagedIn(0, 1, 3)).toBe(2);
    expect(damagedIn(1, 1, 2, 3)).toBe(0);
    // All that is there is genuine; that it ends early shows all the same.
    const short = Buffer.from(object.header);
    short.writeBigUInt64BE(BigInt(2 * chunkBytes), 12);
    expect(() => openHeader(ring, short, name)).toThrow(corrupt);
  });

  test('K08: under another name, or with the header of another object, is refused', () => {
    const [one, two] = [seal(Buffer.from('one')), seal(Buffer.from('two'))];
    expect(() => open(one, { name: 'snapshots/y/snapshot.json' })).toThrow(corrupt);
    const mixed = Buffer.concat([one.subarray(0, sealedHeaderBytes), two.subarray(sealedHeaderBytes)]);
    expect(() => open(mixed)).toThrow(corrupt);
  });

  test('of an older master key opens as long as that is on the ring, and says so when it is not', () => {
    const sealed = seal(Buffer.from('older'));
    const newer = masterKeyOf(randomBytes(32));
    expect(open(sealed, { keyring: keyringOf('vault-1', [ring.newest, newer]) }).toString()).toBe('older');
    expect(() => open(sealed, { keyring: keyringOf('vault-1', [newer]) })).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ unknownKey: ring.newest.id }) }),
    );
  });
});
