import type { ByteString } from '../lib/bytes.ts';
import { HoldfastError } from '../model/errors.ts';
import { compareTreeEntries, fileModes, type TreeEntry } from '../model/tree.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import { storedChunkedName, storedName } from './chunked-name.ts';
import { encodeTree } from './git/tree-codec.ts';

let scratch = Buffer.allocUnsafe(64 * 1024);
// Mode, space, NUL and object id around the name.
const entryBytesMax = 6 + 1 + 1 + 20;

/**
 * Encodes the git tree of one folder straight from the tree's columns: raw names, files and links as git has them, and
 * subfolders that have an id (those without hold nothing git can keep). Entries marked absent are left out. The bytes
 * are valid until the next call; no bytes mean an empty folder.
 * @throws {HoldfastError} `invariant_broken` when a file or link has neither an id nor the absent mark
 */
export function encodeSnapshotTree(tree: VaultTree, folder: number): Uint8Array {
  const first = tree.folderEntryStarts[folder]!;
  const end = first + tree.folderEntryCounts[folder]!;
  let sizeBytesMax = 0;
  for (let row = first; row < end; row++) {
    if (needsStoredName(tree, row)) return encodeWithStoredNames(tree, first, end);
    sizeBytesMax += entryBytesMax + tree.nameLengths[row]!;
  }
  if (sizeBytesMax > scratch.length) scratch = Buffer.allocUnsafe(sizeBytesMax * 2);
  let at = 0;
  for (let row = first; row < end; row++) if (isStored(tree, row)) at = writeEntry(scratch, at, { tree, row });
  return scratch.subarray(0, at);
}

/** Mode of an entry in its folder's tree. */
export function storedMode(mode: number, flags: number): number {
  const kind = mode & modeBits.kindMask;
  if (kind === modeBits.folder || (flags & entryFlags.chunked) !== 0) return fileModes.tree;
  if (kind === modeBits.link) return fileModes.link;
  return (mode & 0o100) === 0 ? fileModes.file : fileModes.executable;
}

function isStored(tree: VaultTree, row: number): boolean {
  const flags = tree.flags[row]!;
  if ((flags & entryFlags.absent) !== 0) return false;
  if ((flags & entryFlags.hasId) !== 0) return true;
  if (tree.isFolder(row)) return false;
  throw new HoldfastError('invariant_broken', 'A file of the vault was neither read nor found unreadable.');
}

/** Marks end in 's' or '~', so that almost every name is told by its last byte. */
function needsStoredName(tree: VaultTree, row: number): boolean {
  if ((tree.flags[row]! & entryFlags.chunked) !== 0) return true;
  const last = tree.names[tree.nameStarts[row]! + tree.nameLengths[row]! - 1];
  if (last !== 0x73 && last !== 0x7e) return false;
  const name = tree.name(row);
  return storedName(name) !== name;
}

/** The rare folder with marked names: they change git's order, so entries are made and sorted one by one. */
function encodeWithStoredNames(tree: VaultTree, first: number, end: number): Uint8Array {
  const entries: TreeEntry[] = [];
  for (let row = first; row < end; row++) {
    if (!isStored(tree, row)) continue;
    const flags = tree.flags[row]!;
    const name: ByteString = tree.name(row);
    const stored = (flags & entryFlags.chunked) === 0 ? storedName(name) : storedChunkedName(name);
    entries.push({ name: stored, mode: storedMode(tree.modes[row]!, flags), id: tree.id(row) });
  }
  return encodeTree(entries.sort(compareTreeEntries));
}

function writeEntry(out: Buffer, start: number, entry: { tree: VaultTree; row: number }): number {
  const { tree, row } = entry;
  const mode = storedMode(tree.modes[row]!, tree.flags[row]!);
  let at = start;
  // Octal without a leading zero: 40000 for folders, 1xxxxx for the rest.
  for (let shift = mode === fileModes.tree ? 12 : 15; shift >= 0; shift -= 3) out[at++] = 0x30 + ((mode >>> shift) & 7);
  out[at++] = 0x20;
  const nameStart = tree.nameStarts[row]!;
  const nameEnd = nameStart + tree.nameLengths[row]!;
  for (let i = nameStart; i < nameEnd; i++) out[at++] = tree.names[i]!;
  out[at++] = 0;
  const idStart = row * 20;
  for (let i = idStart; i < idStart + 20; i++) out[at++] = tree.ids[i]!;
  return at;
}
