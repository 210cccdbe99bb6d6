import { objectCorrupt } from '../format/git/corrupt.ts';
import type { ObjectId } from '../model/ids.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import type { SnapshotEntry, SnapshotEntryKind, TreeReader } from './read-tree.ts';

/**
 * Shows a scanned and built tree as the trees of a snapshot are shown, so that both can be compared. Of files kept in
 * chunks only the name of the whole is known: their list is empty.
 */
export function openLiveTrees(tree: VaultTree, root: ObjectId): TreeReader {
  let folders: Map<ObjectId, number> | null = null;
  return {
    async folder(id) {
      folders ??= foldersById(tree, root);
      const folder = folders.get(id);
      if (folder === undefined) throw objectCorrupt(`The vault has no folder ${id}.`);
      return entriesOf(tree, folder);
    },
    async chunks() {
      return { ids: [], executable: false, trueName: null };
    },
    async prefetch() {},
  };
}

/** Folders with one id hold the same entries, so any of them will do. The vault's own folder has no row to keep its id. */
function foldersById(tree: VaultTree, root: ObjectId): Map<ObjectId, number> {
  const folders = new Map<ObjectId, number>([[root, 0]]);
  for (let folder = 1; folder < tree.folderCount; folder++) {
    const row = tree.folderRows[folder]!;
    if (row >= 0 && tree.childFolders[row] === folder && hasId(tree, row)) folders.set(tree.id(row), folder);
  }
  return folders;
}

function entriesOf(tree: VaultTree, folder: number): SnapshotEntry[] {
  const entries: SnapshotEntry[] = [];
  const start = tree.folderEntryStarts[folder]!;
  const end = start + tree.folderEntryCounts[folder]!;
  for (let row = start; row < end; row++) {
    if (hasId(tree, row)) entries.push({ name: tree.name(row), kind: kindOf(tree, row), id: tree.id(row) });
  }
  return entries;
}

function hasId(tree: VaultTree, row: number): boolean {
  return (tree.flags[row]! & (entryFlags.hasId | entryFlags.absent)) === entryFlags.hasId;
}

function kindOf(tree: VaultTree, row: number): SnapshotEntryKind {
  const mode = tree.modes[row]!;
  const kind = mode & modeBits.kindMask;
  if (kind === modeBits.folder) return 'folder';
  if (kind === modeBits.link) return 'link';
  if ((tree.flags[row]! & entryFlags.chunked) !== 0) return 'chunked';
  return (mode & 0o100) === 0 ? 'file' : 'executable';
}
