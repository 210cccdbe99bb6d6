import { hash } from 'node:crypto';
import { bytesOf, type ByteString } from '../lib/bytes.ts';

/**
 * A file kept in chunks is a folder to git, so its entry carries this mark: `film.mkv` becomes `film.mkv.holdfast-chunks`.
 * Every name of a snapshot tree passes through here, so that no real name can be mistaken for a marked one:
 *
 * - a chunked file `N` is stored as `N` + mark;
 * - any other entry whose name ends in the mark followed by any number of `~` is stored with one more `~`;
 * - a chunked file whose marked name would be longer than 255 bytes, or whose name ends in `~` and 40 hex digits, is
 *   stored as `<beginning of N>~<SHA-1 of N in hex>` + mark, and its chunk tree holds `N` in a blob named `name`;
 * - every other name is stored as it is.
 */
export const chunksMark = '.holdfast-chunks';

/** Name of the blob in a chunk tree that holds the file's true name, where its entry's name is shortened. */
export const trueNameEntry = 'name';

const nameBytesMax = 255;
const digestChars = 40;
const keptBytes = nameBytesMax - chunksMark.length - digestChars - 1;
const endsLikeShortened = /~[0-9a-f]{40}$/;
const endsInMarkAndTildes = /\.holdfast-chunks~*$/;

/** Returns the entry name of a file or folder that is not chunked. */
export function storedName(name: ByteString): ByteString {
  return endsInMarkAndTildes.test(name) ? `${name}~` : name;
}

/** Returns the entry name of a chunked file. */
export function storedChunkedName(name: ByteString): ByteString {
  if (!isShortened(name)) return name + chunksMark;
  return `${beginningOf(name)}~${hash('sha1', bytesOf(name), 'hex')}${chunksMark}`;
}

/** True when a chunked file's entry name is shortened, so that its chunk tree must hold the true name. */
export function isShortened(name: ByteString): boolean {
  return name.length + chunksMark.length > nameBytesMax || endsLikeShortened.test(name);
}

export type StoredName =
  | { readonly kind: 'plain' | 'chunked'; readonly name: ByteString }
  /** The true name is in the chunk tree's `name` blob; `isTrueName` tells whether what is found there belongs here. */
  | { readonly kind: 'chunked-shortened'; readonly isTrueName: (name: ByteString) => boolean };

/** Reads an entry name back. The caller checks that what is chunked is a tree, and checks the name like any other. */
export function readStoredName(stored: ByteString): StoredName {
  if (stored.endsWith(chunksMark)) {
    const name = stored.slice(0, -chunksMark.length);
    if (!endsLikeShortened.test(name)) return { kind: 'chunked', name };
    return {
      kind: 'chunked-shortened',
      isTrueName: (candidate) => isShortened(candidate) && storedChunkedName(candidate) === stored,
    };
  }
  return { kind: 'plain', name: endsInMarkAndTildes.test(stored) ? stored.slice(0, -1) : stored };
}

/** Cut at a whole UTF-8 character where there is one: file systems that want UTF-8 refuse half a character. */
function beginningOf(name: ByteString): ByteString {
  let end = Math.min(name.length, keptBytes);
  const limit = Math.max(0, end - 3);
  while (end > limit && isContinuation(name, end)) end--;
  return name.slice(0, end);
}

function isContinuation(name: ByteString, at: number): boolean {
  return at < name.length && (name.charCodeAt(at) & 0xc0) === 0x80;
}
