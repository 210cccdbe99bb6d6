import type { VaultTree } from '../model/vault-tree.ts';

/** One folder of a tree; `folder` -1 is a folder that is not there and has no rows. */
export interface FolderOf {
  readonly tree: VaultTree;
  readonly folder: number;
}

/**
 * Walks the rows of two folders together, in git's order, and calls `visit` once for each name: with both rows where
 * both have it as the same sort of thing (folder or not), with -1 for the side that lacks it otherwise.
 */
export function pairRows(left: FolderOf, right: FolderOf, visit: (leftRow: number, rightRow: number) => void): void {
  let leftRow = left.tree.folderEntryStarts[left.folder] ?? 0;
  let rightRow = right.tree.folderEntryStarts[right.folder] ?? 0;
  const leftEnd = leftRow + (left.tree.folderEntryCounts[left.folder] ?? 0);
  const rightEnd = rightRow + (right.tree.folderEntryCounts[right.folder] ?? 0);
  while (leftRow < leftEnd && rightRow < rightEnd) {
    const order = compareNames(left.tree, leftRow, right.tree, rightRow);
    if (order === 0) visit(leftRow++, rightRow++);
    else if (order < 0) visit(leftRow++, -1);
    else visit(-1, rightRow++);
  }
  while (leftRow < leftEnd) visit(leftRow++, -1);
  while (rightRow < rightEnd) visit(-1, rightRow++);
}

/** Git's order: by bytes, a folder's name followed by a slash, any other by nothing. */
function compareNames(treeA: VaultTree, rowA: number, treeB: VaultTree, rowB: number): number {
  const lengthA = treeA.nameLengths[rowA]!;
  const lengthB = treeB.nameLengths[rowB]!;
  const startA = treeA.nameStarts[rowA]!;
  const startB = treeB.nameStarts[rowB]!;
  const shared = Math.min(lengthA, lengthB);
  for (let i = 0; i < shared; i++) {
    const difference = treeA.names[startA + i]! - treeB.names[startB + i]!;
    if (difference !== 0) return difference;
  }
  return byteAfter(treeA, rowA, shared) - byteAfter(treeB, rowB, shared);
}

function byteAfter(tree: VaultTree, row: number, at: number): number {
  if (at < tree.nameLengths[row]!) return tree.names[tree.nameStarts[row]! + at]!;
  return tree.isFolder(row) ? 0x2f : 0;
}
