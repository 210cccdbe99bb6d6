import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import { exemptFolder, type VaultWalk } from './scan-walk.ts';

/**
 * Marks the folders that are not part of the vault after all (they could not be read, or are ignored and nothing
 * in them turned out to be in scope), and returns whether a folder came or went since the base.
 */
export function settleFolders(walk: VaultWalk, base: VaultTree | null): boolean {
  const { tree } = walk;
  for (const folder of walk.absentFolders) {
    if (folder > 0) tree.flags[tree.folderRows[folder]!]! |= entryFlags.absent;
  }
  let changed = false;
  // Backwards, because a folder counts as empty when all folders in it do.
  for (let folder = tree.folderCount - 1; folder > 0; folder--) {
    const row = tree.folderRows[folder]!;
    const flags = tree.flags[row]!;
    if ((flags & entryFlags.byException) !== 0 && !holdsAnything(tree, folder))
      tree.flags[row] = flags | entryFlags.absent;
    const baseRow = walk.baseRows[folder]!;
    if (baseRow === exemptFolder) continue;
    const wasThere = baseRow >= 0 && (base!.flags[baseRow]! & entryFlags.absent) === 0;
    const isThere = (tree.flags[row]! & entryFlags.absent) === 0;
    if (wasThere !== isThere) changed = true;
  }
  return changed;
}

/** True when something in the folder is in scope. */
export function holdsAnything(tree: VaultTree, folder: number): boolean {
  const start = tree.folderEntryStarts[folder]!;
  const end = start + tree.folderEntryCounts[folder]!;
  for (let row = start; row < end; row++) if ((tree.flags[row]! & entryFlags.absent) === 0) return true;
  return false;
}
