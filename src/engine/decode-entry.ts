import { objectCorrupt } from '../format/git/corrupt.ts';
import { objectIdOf } from '../format/git/object-id.ts';
import { decodeEntryHeader, decodeWholeEntry } from '../format/git/pack-entry.ts';
import type { ObjectId } from '../model/ids.ts';
import type { GitObject } from '../ports/object-reader.ts';

/**
 * Decodes one undeltified entry out of a run of pack bytes and proves it against its name. Null for a delta: only the
 * reader can resolve those.
 * @throws {HoldfastError} `object_corrupt` when malformed, or when its bytes do not have that name
 */
export function decodeEntry(
  bytes: Uint8Array,
  entry: { readonly id: ObjectId; readonly start: number; readonly end: number },
): GitObject | null {
  if (decodeEntryHeader(bytes, entry.start).kind !== 'object') return null;
  const { type, content } = decodeWholeEntry(bytes, entry.start, entry.end);
  if (objectIdOf(type, content) === entry.id) return { type, content };
  throw objectCorrupt(`The object ${entry.id} does not have the content its name promises.`);
}
