import { HoldfastError } from '../model/errors.ts';
import type { KeySecret } from '../model/store-keys.ts';
import { keyBytes } from './keyring.ts';

export const passphraseCharsMin = 8;
const passphraseCharsMax = 1024;
/** Fewer different bytes than this are a pattern somebody typed, not chance. */
const differentBytesMin = 12;

/** Reads 64 hex digits, in groups or not. `where` says where they were found, for the message. */
export function parseRawKey(text: string, where: string): KeySecret {
  const raw = rawKeyOf(text);
  if (raw !== null) return raw;
  throw new HoldfastError('key_invalid', `${where} does not hold a key of 64 hex digits.`, {
    hint: 'A passphrase belongs in HOLDFAST_PASSPHRASE or in a file named by --key-file.',
  });
}

/** Reads what a key file or a key command gives: 64 hex digits are a key, anything else a passphrase. */
export function parseSecret(text: string, where: string): KeySecret {
  const line = text.replace(/\r?\n$/, '');
  return rawKeyOf(line) ?? parsePassphrase(line, where);
}

export function parsePassphrase(text: string, where: string): KeySecret {
  const isOneLine = text !== '' && text.length <= passphraseCharsMax && !/[\0\r\n]/.test(text) && text.isWellFormed();
  if (isOneLine) return { kind: 'passphrase', text };
  throw new HoldfastError('key_invalid', `${where} does not hold a passphrase of one line, or a key of 64 hex digits.`);
}

/**
 * Refuses secrets that should not protect anything new.
 * @throws {HoldfastError} `key_invalid`
 */
export function assertStrongEnough(secret: KeySecret): void {
  if (secret.kind === 'passphrase' && secret.text.length < passphraseCharsMin) {
    throw new HoldfastError('key_invalid', `A passphrase needs at least ${passphraseCharsMin} characters.`, {
      hint: 'Four or five random words are easy to keep and hard to guess.',
    });
  }
  if (secret.kind === 'raw' && new Set(secret.bytes).size < differentBytesMin) {
    throw new HoldfastError('key_invalid', 'This key is a pattern, not chance.', {
      hint: 'Make one with: openssl rand -hex 32',
    });
  }
}

/** A raw key as people write it down: sixteen groups of four digits. */
export function formatRawKey(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').match(/.{4}/g)!.join('-');
}

function rawKeyOf(text: string): KeySecret | null {
  const digits = text.replaceAll(/[\s-]/g, '').toLowerCase();
  if (digits.length !== 2 * keyBytes || !/^[0-9a-f]+$/.test(digits)) return null;
  return { kind: 'raw', bytes: Buffer.from(digits, 'hex') };
}
