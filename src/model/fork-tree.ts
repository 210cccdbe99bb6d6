import { VaultTree } from './vault-tree.ts';

/**
 * Returns a tree in which folders' runs of rows can be written anew while `tree` stays as it is: the columns of rows are shared,
 * and nothing but new rows behind the old is ever written to them. Costs what the folders' columns take, not the rows'. Only the
 * newest fork may be written to; one that was given up is overwritten by the next.
 */
export function forkTree(tree: VaultTree): VaultTree {
  const fork = Object.assign(new VaultTree({ entries: 0, folders: 0, nameBytes: 0 }), tree);
  fork.wholeStarts = tree.wholeStarts ?? tree.folderEntryStarts;
  fork.wholeFolderCount = tree.wholeStarts === null ? tree.folderCount : tree.wholeFolderCount;
  fork.laterStarts = [...tree.laterStarts];
  fork.laterFolders = [...tree.laterFolders];
  fork.folderEntryStarts = tree.folderEntryStarts.slice();
  fork.folderEntryCounts = tree.folderEntryCounts.slice();
  fork.folderRows = tree.folderRows.slice();
  fork.folderParents = tree.folderParents.slice();
  fork.metadataIds = tree.metadataIds.slice();
  fork.metadataIsLeaf = tree.metadataIsLeaf.slice();
  fork.folderRules = tree.folderRules.slice();
  return fork;
}

/** Makes the rows from `start` on a folder's run; what stood there before is stale. */
export function replaceRun(
  tree: VaultTree,
  folder: number,
  run: { readonly start: number; readonly count: number },
): void {
  tree.staleRows += tree.folderEntryCounts[folder]!;
  tree.folderEntryStarts[folder] = run.start;
  tree.folderEntryCounts[folder] = run.count;
  tree.laterStarts.push(run.start);
  tree.laterFolders.push(folder);
}

/** Writes a folder's rows anew as they are, so that they can be changed. */
export function copyRun(tree: VaultTree, folder: number): void {
  const from = tree.folderEntryStarts[folder]!;
  const count = tree.folderEntryCounts[folder]!;
  tree.reserveEntries(count);
  const start = tree.entryCount;
  const { modes, flags, sizes, mtimes, ctimes, inodes, nameStarts, nameLengths, childFolders } = tree;
  for (const column of [modes, flags, sizes, mtimes, ctimes, inodes, nameStarts, nameLengths, childFolders]) {
    column.copyWithin(start, from, from + count);
  }
  tree.ids.copyWithin(start * 20, from * 20, (from + count) * 20);
  tree.entryCount += count;
  replaceRun(tree, folder, { start, count });
  for (let row = start; row < start + count; row++) {
    const child = childFolders[row]!;
    if (child >= 0) tree.folderRows[child] = row;
  }
}
