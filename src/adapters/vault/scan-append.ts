import type { VaultTree } from '../../model/vault-tree.ts';

/** What was added to the row and folder numbers of a part. */
export interface PartOffsets {
  readonly entries: number;
  readonly folders: number;
}

/**
 * Appends a tree scanned apart. `outerFolders` are folders of `part` that hang in `tree`: their parents and rows are
 * numbers of `tree` already.
 */
export function appendTree(tree: VaultTree, part: VaultTree, outerFolders: readonly number[]): PartOffsets {
  tree.reserveEntries(part.entryCount);
  tree.reserveFolders(part.folderCount);
  tree.reserveNames(part.namesSize);
  const offsets = { entries: tree.entryCount, folders: tree.folderCount };
  appendEntries(tree, part, offsets);
  appendFolders(tree, part, { ...offsets, outer: new Set(outerFolders) });
  tree.names.set(part.names.subarray(0, part.namesSize), tree.namesSize);
  tree.namesSize += part.namesSize;
  tree.entryCount += part.entryCount;
  tree.folderCount += part.folderCount;
  return offsets;
}

function appendEntries(tree: VaultTree, part: VaultTree, { entries, folders }: PartOffsets): void {
  const count = part.entryCount;
  tree.modes.set(part.modes.subarray(0, count), entries);
  tree.flags.set(part.flags.subarray(0, count), entries);
  tree.sizes.set(part.sizes.subarray(0, count), entries);
  tree.mtimes.set(part.mtimes.subarray(0, count), entries);
  tree.ctimes.set(part.ctimes.subarray(0, count), entries);
  tree.inodes.set(part.inodes.subarray(0, count), entries);
  tree.ids.set(part.ids.subarray(0, count * 20), entries * 20);
  tree.nameLengths.set(part.nameLengths.subarray(0, count), entries);
  for (let i = 0; i < count; i++) {
    tree.nameStarts[entries + i] = part.nameStarts[i]! + tree.namesSize;
    const child = part.childFolders[i]!;
    tree.childFolders[entries + i] = child < 0 ? -1 : child + folders;
  }
}

function appendFolders(
  tree: VaultTree,
  part: VaultTree,
  { entries, folders, outer }: PartOffsets & { readonly outer: ReadonlySet<number> },
): void {
  const count = part.folderCount;
  tree.folderEntryCounts.set(part.folderEntryCounts.subarray(0, count), folders);
  tree.folderRules.set(part.folderRules.subarray(0, count), folders);
  for (let i = 0; i < count; i++) {
    const isOuter = outer.has(i);
    const row = part.folderRows[i]! + (isOuter ? 0 : entries);
    tree.folderEntryStarts[folders + i] = part.folderEntryStarts[i]! + entries;
    tree.folderRows[folders + i] = row;
    tree.folderParents[folders + i] = part.folderParents[i]! + (isOuter ? 0 : folders);
    if (isOuter) tree.childFolders[row] = folders + i;
  }
}
