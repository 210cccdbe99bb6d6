import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeKeySheet, encodeKeySheet, slotContext, unlockSheet, wrapMasters } from '../../src/format/key-sheet.ts';
import { newDerivation, wrapKey } from '../../src/format/key-slot.ts';
import { formatRawKey, parseRawKey, parseSecret } from '../../src/format/key-secret.ts';
import { masterKeyOf } from '../../src/format/keyring.ts';
import type { KeySecret } from '../../src/model/store-keys.ts';
import { makeTestKeys, testSecret } from '../support/sealed-storage.ts';
import { withRightSum } from '../support/right-sum.ts';

const passphrase: KeySecret = { kind: 'passphrase', text: 'correct horse café' };

function codeOf(bytes: Uint8Array): string {
  try {
    decodeKeySheet(bytes);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a key sheet', () => {
  test('opens with the key it was made for, and no other', async () => {
    const { bytes, keyring } = await makeTestKeys();
    const stored = decodeKeySheet(bytes);
    const opened = await unlockSheet(stored, { secret: testSecret });
    expect(opened?.keyring.newest.id).toBe(keyring.newest.id);
    expect(await unlockSheet(stored, { secret: { kind: 'raw', bytes: randomBytes(32) } })).toBeNull();
    expect(await unlockSheet(stored, { secret: passphrase })).toBeNull();
  });

  test.each(['argon2id', 'scrypt'] as const)(
    'opens with a passphrase, however its accents are typed: %s',
    async (by) => {
      const master = masterKeyOf(randomBytes(32));
      const derivation = newDerivation(passphrase, { random: randomBytes, passphraseBy: by });
      const context = slotContext({ vaultId: 'v' }, '00000001');
      const createdAt = '2026-03-01T09:00:00.000Z';
      const wrapped = await wrapKey(master.bytes, { secret: passphrase, derivation, context });
      const slot = { id: '00000001', name: 'me', createdAt, replaces: null, derivation, wrapped };
      const masters = wrapMasters([{ key: master, createdAt }]);
      const stored = decodeKeySheet(encodeKeySheet({ vaultId: 'v', generation: 1, masters, slots: [slot] }, master));
      const decomposed: KeySecret = { kind: 'passphrase', text: passphrase.text.normalize('NFD') };
      expect((await unlockSheet(stored, { secret: decomposed }))?.slot.name).toBe('me');
      expect(await unlockSheet(stored, { secret: { kind: 'passphrase', text: 'correct horse cafe' } })).toBeNull();
    },
  );

  test('K07: with any bit changed, or cut anywhere, is refused', async () => {
    const { bytes } = await makeTestKeys();
    for (let at = 0; at < bytes.length; at++) {
      const bad = Buffer.from(bytes);
      bad[at]! ^= 1 << (at % 8);
      expect([at, codeOf(bad)]).toEqual([at, 'keys_invalid']);
      expect(codeOf(bytes.subarray(0, at))).toBe('keys_invalid');
    }
  });

  test('changed by somebody without a key, its checksum made right, is refused once it is opened', async () => {
    const { bytes } = await makeTestKeys();
    const text = Buffer.from(bytes).toString();
    for (const changed of [
      text.replace('"name": "test"', '"name": "tesu"'),
      text.replace('"generation": 1', '"generation": 2'),
      text.replace('2026-03-01T09:00:00.000Z', '2026-03-01T09:00:00.001Z'),
      text.replace(/"proof": "./, '"proof": "x'),
      text.replace(/,\n {2}"proof": "[0-9a-f]+"/, ''),
    ]) {
      const stored = decodeKeySheet(Buffer.from(withRightSum(changed)));
      await expect(unlockSheet(stored, { secret: testSecret })).rejects.toMatchObject({ code: 'keys_invalid' });
    }
  });

  test('K11: with a weak, unknown or ruinous derivation is refused before it is tried', async () => {
    const { bytes } = await makeTestKeys();
    const text = Buffer.from(bytes).toString();
    const salt = /"salt": "([0-9a-f]+)"/.exec(text)![1]!;
    const argon = (memoryKiB: number, passes: number, lanes: number): string =>
      `{ "id": "argon2id", "memoryKiB": ${memoryKiB}, "passes": ${passes}, "lanes": ${lanes}, "salt": "${salt}" }`;
    const scrypt = (cost: number, blockSize: number, lanes: number): string =>
      `{ "id": "scrypt", "cost": ${cost}, "blockSize": ${blockSize}, "lanes": ${lanes}, "salt": "${salt}" }`;
    const refused = [
      argon(1024, 3, 4),
      argon(65_536, 1, 4),
      argon(65_536, 3, 0),
      argon(2 ** 30, 3, 4),
      argon(65_536, 2 ** 30, 4),
      argon(65_536, 3, 1000),
      scrypt(1024, 8, 1),
      scrypt(131_073, 8, 1),
      scrypt(131_072, 1, 1),
      scrypt(2 ** 40, 8, 1),
      scrypt(131_072, 8, 100),
      `{ "id": "pbkdf2", "salt": "${salt}" }`,
      `{ "id": "__proto__", "salt": "${salt}" }`,
      `{ "id": "hkdf-sha256", "salt": "" }`,
    ];
    const withDerivation = (derivation: string): Buffer =>
      Buffer.from(withRightSum(text.replace(/\{ "id": "hkdf-sha256"[^}]*\}/, derivation)));
    for (const derivation of refused)
      expect([derivation, codeOf(withDerivation(derivation))]).toEqual([derivation, 'keys_invalid']);
    expect(codeOf(withDerivation(argon(65_536, 3, 4)))).toBe('accepted');
    expect(codeOf(withDerivation(scrypt(131_072, 8, 1)))).toBe('accepted');
  });

  test('of a newer holdfast says so', async () => {
    const { bytes } = await makeTestKeys();
    const newer = withRightSum(Buffer.from(bytes).toString().replace('"format": 1', '"format": 2'));
    expect(codeOf(Buffer.from(newer))).toBe('store_newer');
  });
});

test('a raw key is read with or without its groups, and nothing else is taken for one', () => {
  const bytes = randomBytes(32);
  for (const text of [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), formatRawKey(bytes)]) {
    expect(parseRawKey(text, 'x')).toEqual({ kind: 'raw', bytes });
    expect(parseSecret(`${text}\n`, 'x')).toEqual({ kind: 'raw', bytes });
  }
  expect(parseSecret('a passphrase\r\n', 'x')).toEqual({ kind: 'passphrase', text: 'a passphrase' });
  for (const bad of ['', 'two\nlines', 'a\0b', 'x'.repeat(2000)]) {
    expect(() => parseSecret(bad, 'The file')).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    expect(() => parseRawKey(bad, 'HOLDFAST_KEY')).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  }
});
