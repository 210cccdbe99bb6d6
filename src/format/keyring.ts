import { createHmac, hkdfSync } from 'node:crypto';
import type { Sha256 } from '../model/ids.ts';
import type { Keyring, MasterKey } from '../model/store-keys.ts';

/** Bytes of every key and salt of ours. */
export const keyBytes = 32;
/** Bytes of the id of a master key: enough to tell keys apart, and of no use for finding one. */
export const masterIdBytes = 8;

const noSalt = new Uint8Array(0);

/** HKDF-SHA-256; `purpose` keeps keys of different uses apart. */
export function deriveKey(
  secret: Uint8Array,
  options: { purpose: Uint8Array | string; salt?: Uint8Array; sizeBytes?: number },
): Buffer {
  const { purpose, salt = noSalt, sizeBytes = keyBytes } = options;
  return Buffer.from(hkdfSync('sha256', secret, salt, purpose, sizeBytes));
}

/** A master key from its 32 bytes. */
export function masterKeyOf(bytes: Uint8Array): MasterKey {
  return {
    id: deriveKey(bytes, { purpose: 'holdfast 1 master id', sizeBytes: masterIdBytes }).toString('hex'),
    bytes,
    saltKey: deriveKey(bytes, { purpose: 'holdfast 1 object salt' }),
    sheetKey: deriveKey(bytes, { purpose: 'holdfast 1 key sheet' }),
    labelKey: deriveKey(bytes, { purpose: 'holdfast 1 label' }),
  };
}

/** Puts master keys, oldest first, on a ring. */
export function keyringOf(vaultId: string, masters: readonly MasterKey[]): Keyring {
  return { vaultId, newest: masters.at(-1)!, masters: new Map(masters.map((master) => [master.id, master])) };
}

/**
 * The salt of an object: a keyed hash of its name and contents. Sealing the same object again therefore gives the same
 * bytes (a retried upload recognises itself), another content gets another key, and no chance is needed that could repeat.
 */
export function objectSalt(keyring: Keyring, object: { name: string; sizeBytes: number; sha256: Sha256 }): Buffer {
  const text = `${keyring.vaultId}\0${object.name}\0${object.sizeBytes}\0${object.sha256}`;
  return createHmac('sha256', keyring.newest.saltKey).update(text, 'latin1').digest();
}

/** What stands in a snapshot's id instead of the label's words: tells nothing, not even that two labels are equal. */
export function hiddenSlug(keyring: Keyring, label: string, taken: Date): string {
  const text = `${taken.toISOString()}\0${label}`;
  return createHmac('sha256', keyring.newest.labelKey).update(text, 'utf8').digest('hex').slice(0, 16);
}
