import { copyRun, forkTree, replaceRun } from '../../model/fork-tree.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { IgnoredNames } from './scan-memory.ts';
import type { MarkedWalk } from './marked-walk.ts';
import { holdsAnything } from './scan-settle.ts';
import { exemptFolder } from './scan-walk.ts';

export interface Graft {
  readonly tree: VaultTree;
  readonly ignored: IgnoredNames;
  /** Folders that were looked at, by number. */
  readonly readFolders: readonly number[];
  /** Folders of the base that are no more. */
  readonly goneFolders: readonly number[];
  /** What is added to a row of the part. */
  readonly rowOffset: number;
  readonly changed: boolean;
}

/**
 * Puts folders that were looked at in the place of those in the base: known ones keep their numbers, new ones get the next. The
 * folders above them are written anew too, so that their rows can be given new ids. The base stays as it is.
 */
export function graftPart(base: VaultTree, ignored: IgnoredNames, walk: MarkedWalk): Graft {
  const tree = forkTree(base);
  const rowOffset = appendRows(tree, walk.part.tree);
  const numbers = numberFolders(tree, ignored, walk);
  for (const [folder, number] of numbers.entries()) hangFolder(tree, { walk, numbers, folder, number, rowOffset });
  const above = copyAbove(tree, walk, numbers);
  refreshTops(tree, base, walk);
  const goneFolders = emptyGone(tree, ignored, walk);
  const hasMoved = settle({ tree, base, walk, numbers, above });
  return {
    tree,
    ignored,
    readFolders: numbers,
    goneFolders,
    rowOffset,
    changed: walk.part.changed || hasMoved || hasOtherTops(tree, base, walk),
  };
}

function appendRows(tree: VaultTree, part: VaultTree): number {
  const count = part.entryCount;
  tree.reserveEntries(count);
  tree.reserveNames(part.namesSize);
  const offset = tree.entryCount;
  tree.modes.set(part.modes.subarray(0, count), offset);
  tree.flags.set(part.flags.subarray(0, count), offset);
  tree.sizes.set(part.sizes.subarray(0, count), offset);
  tree.mtimes.set(part.mtimes.subarray(0, count), offset);
  tree.ctimes.set(part.ctimes.subarray(0, count), offset);
  tree.inodes.set(part.inodes.subarray(0, count), offset);
  tree.ids.set(part.ids.subarray(0, count * 20), offset * 20);
  tree.nameLengths.set(part.nameLengths.subarray(0, count), offset);
  tree.childFolders.set(part.childFolders.subarray(0, count), offset);
  for (let row = 0; row < count; row++) tree.nameStarts[offset + row] = part.nameStarts[row]! + tree.namesSize;
  tree.names.set(part.names.subarray(0, part.namesSize), tree.namesSize);
  tree.namesSize += part.namesSize;
  tree.entryCount += count;
  return offset;
}

/** The number in the tree of each folder of the part. */
function numberFolders(tree: VaultTree, ignored: IgnoredNames, { baseOf, part }: MarkedWalk): number[] {
  const numbers = baseOf.map((folder) => (folder >= 0 ? folder : tree.addFolder(-1, -1)));
  while (ignored.folderCount < tree.folderCount) ignored.beginFolder();
  for (const [folder, number] of numbers.entries()) {
    ignored.rewriteFolder(number);
    ignored.appendFolder(part.ignored, folder);
  }
  return numbers;
}

function hangFolder(
  tree: VaultTree,
  at: { walk: MarkedWalk; numbers: readonly number[]; folder: number; number: number; rowOffset: number },
): void {
  const { walk, numbers, folder, number, rowOffset } = at;
  const part = walk.part.tree;
  const first = part.folderEntryStarts[folder]!;
  const count = part.folderEntryCounts[folder]!;
  replaceRun(tree, number, { start: first + rowOffset, count });
  tree.folderRules[number] = part.folderRules[folder]!;
  for (let row = first; row < first + count; row++) {
    const visited = part.childFolders[row]!;
    const kept = walk.kept.get(row);
    const child = kept ?? (visited >= 0 ? numbers[visited]! : -1);
    if (child < 0) continue;
    const target = row + rowOffset;
    if (kept !== undefined) keepIds(tree, tree.folderRows[kept]!, target);
    tree.childFolders[target] = child;
    tree.folderRows[child] = target;
    tree.folderParents[child] = number;
  }
}

/** A folder that stays has the object it had. */
function keepIds(tree: VaultTree, from: number, to: number): void {
  tree.flags[to]! |= tree.flags[from]! & entryFlags.hasId;
  tree.ids.copyWithin(to * 20, from * 20, (from + 1) * 20);
}

/** Writes the folders above those looked at anew; returns them. */
function copyAbove(tree: VaultTree, { stats }: MarkedWalk, numbers: readonly number[]): number[] {
  const fresh = new Set(numbers);
  const above: number[] = [];
  for (const number of [...stats.keys(), ...numbers]) {
    for (let at = tree.folderParents[number]!; at >= 0 && !fresh.has(at); at = tree.folderParents[at]!) {
      fresh.add(at);
      above.push(at);
      copyRun(tree, at);
    }
  }
  return above;
}

/** The row of a folder looked at by itself stands in a folder that was not: what the disk says of it is written there. */
function refreshTops(tree: VaultTree, base: VaultTree, { stats }: MarkedWalk): void {
  for (const [folder, { mode, mtimeMs, ctimeMs }] of stats) {
    const row = tree.folderRows[folder]!;
    // Rows of the base are not ours to write.
    if (row < base.entryCount) continue;
    tree.modes[row] = mode;
    tree.mtimes[row] = mtimeMs;
    tree.ctimes[row] = ctimeMs;
  }
}

function emptyGone(tree: VaultTree, ignored: IgnoredNames, walk: MarkedWalk): number[] {
  const gone = walk.replacedFolders().filter((folder) => !walk.hasVisited(folder));
  for (const folder of gone) {
    tree.staleRows += tree.folderEntryCounts[folder]!;
    tree.folderEntryCounts[folder] = 0;
    ignored.rewriteFolder(folder);
  }
  return gone;
}

function hasOtherTops(tree: VaultTree, base: VaultTree, { stats }: MarkedWalk): boolean {
  for (const folder of stats.keys()) {
    if (tree.modes[tree.folderRows[folder]!] !== base.modes[base.folderRows[folder]!]) return true;
  }
  return false;
}

/** As `settleFolders` does for a whole tree: marks the folders that are not part of the vault after all. */
function settle(at: {
  tree: VaultTree;
  base: VaultTree;
  walk: MarkedWalk;
  numbers: readonly number[];
  above: readonly number[];
}): boolean {
  const { tree, base, walk, numbers, above } = at;
  const failed = new Set(walk.part.absentFolders.map((folder) => numbers[folder]!));
  const exempt = new Set(numbers.filter((_, folder) => walk.part.baseRows[folder] === exemptFolder));
  const byDepth = [...numbers, ...above]
    .filter((folder) => folder > 0)
    .sort((a, b) => depthOf(tree, b) - depthOf(tree, a));
  let changed = false;
  for (const folder of byDepth) {
    const row = tree.folderRows[folder]!;
    const flags = tree.flags[row]!;
    const isEmpty = (flags & entryFlags.byException) !== 0 && !holdsAnything(tree, folder);
    const isThere = !failed.has(folder) && !isEmpty;
    tree.flags[row] = isThere ? flags & ~entryFlags.absent : flags | entryFlags.absent;
    const wasThere = folder < base.folderCount && (base.flags[base.folderRows[folder]!]! & entryFlags.absent) === 0;
    if (isThere !== wasThere && !exempt.has(folder)) changed = true;
  }
  return changed;
}

function depthOf(tree: VaultTree, folder: number): number {
  let depth = 0;
  for (let at = folder; at > 0; at = tree.folderParents[at]!) depth++;
  return depth;
}
