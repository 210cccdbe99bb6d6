import { storedChunkedName, storedName } from '../format/chunked-name.ts';
import { objectCorrupt } from '../format/git/corrupt.ts';
import { idBytes, objectIdAt } from '../format/git/object-id.ts';
import { type ByteString, bytesOf } from '../lib/bytes.ts';
import { fileModes } from '../model/tree.ts';
import type { SnapshotEntry, SnapshotEntryKind } from './read-tree.ts';

/** Names of one entry as trees hold them: as it is, and as a file in chunks. */
export interface WantedName {
  readonly name: ByteString;
  readonly plain: Buffer;
  readonly chunked: Buffer;
}

export function wantedName(name: ByteString): WantedName {
  return { name, plain: bytesOf(storedName(name)), chunked: bytesOf(storedChunkedName(name)) };
}

/**
 * Finds one entry in a tree object without decoding the others: looking through a thousand snapshots for one path makes no
 * object per file. Only good for reading: names are compared, none is given out.
 * @throws {HoldfastError} `object_corrupt` when the tree ends in the middle of an entry
 */
export function findInTree(content: Uint8Array, wanted: WantedName): SnapshotEntry | null {
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const nul = space < 0 ? -1 : content.indexOf(0, space);
    if (nul < 0 || nul + idBytes >= content.length)
      throw objectCorrupt('A tree object ends in the middle of an entry.');
    const kind = matchedKind(content, { modeStart: at, nameStart: space + 1, nameEnd: nul }, wanted);
    if (kind !== null) return { name: wanted.name, kind, id: objectIdAt(content, nul + 1) };
    at = nul + 1 + idBytes;
  }
  return null;
}

function matchedKind(
  content: Uint8Array,
  entry: { modeStart: number; nameStart: number; nameEnd: number },
  wanted: WantedName,
): SnapshotEntryKind | null {
  const { modeStart, nameStart, nameEnd } = entry;
  const isChunked = isEqual(content, entry, wanted.chunked);
  if (!isChunked && !isEqual(content, entry, wanted.plain)) return null;
  const mode = Number.parseInt(String.fromCharCode(...content.subarray(modeStart, nameStart - 1)), 8);
  if (mode === fileModes.tree) return isChunked ? 'chunked' : 'folder';
  if (isChunked || nameEnd === nameStart) return null;
  if (mode === fileModes.link) return 'link';
  return mode === fileModes.executable ? 'executable' : mode === fileModes.file ? 'file' : null;
}

function isEqual(content: Uint8Array, entry: { nameStart: number; nameEnd: number }, name: Buffer): boolean {
  if (entry.nameEnd - entry.nameStart !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (content[entry.nameStart + i] !== name[i]) return false;
  return true;
}
