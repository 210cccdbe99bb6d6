import { type ByteString, byteStringOf } from '../lib/bytes.ts';
import type { StorageKey } from '../ports/object-storage.ts';
import { livePrefix } from './store-layout.ts';

/** Longest key in bytes that every storage takes, with room for a store's own prefix. */
const keyCharsMax = 900;

// What a key may hold as it is; the first byte of a part may not be a point, nor begin what looks like a snapshot's time.
const plain = /^[A-Za-z0-9._~+@,-]$/;
const stampLike = /^\d{4}-\d\d-\d\dT/;

/**
 * The key of a file of the vault in the live mirror: its path, every byte that a key cannot hold as it is written `=XX` in hex.
 * Null for a path too long for a key. `pathOfLiveKey` gives the path back.
 */
export function liveKeyOf(path: ByteString): StorageKey | null {
  const key = livePrefix + path.split('/').map(encodePart).join('/');
  return key.length <= keyCharsMax ? key : null;
}

/** The path a key of the live mirror stands for; null for anything that `liveKeyOf` would not write. */
export function pathOfLiveKey(key: StorageKey): ByteString | null {
  if (!key.startsWith(livePrefix)) return null;
  const path = key.slice(livePrefix.length).replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => byteOf(hex));
  return liveKeyOf(path) === key ? path : null;
}

function encodePart(part: string): string {
  const isMarked = part.startsWith('.') || stampLike.test(part);
  return Array.from(part, (char, i) => (plain.test(char) && !(i === 0 && isMarked) ? char : escapeOf(char))).join('');
}

function escapeOf(char: string): string {
  return `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function byteOf(hex: string): string {
  return byteStringOf(Buffer.from(hex, 'hex'));
}
