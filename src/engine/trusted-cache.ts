import { entryFlags } from '../model/vault-tree.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { KnownObjects } from '../ports/object-writer.ts';
import type { DirtyEntries, Scan, StatCache } from '../ports/working-tree.ts';
import type { Deps } from './deps.ts';
import { withFoldersAbove } from './rebuild-trees.ts';

/**
 * Loads the stat cache when it describes this machine's previous snapshot; anything else would make the counts and the
 * "unchanged" verdict lie, and costs one full read of the vault to replace.
 */
export async function loadTrustedCache(deps: Deps, previous: RestorePoint | null): Promise<StatCache | null> {
  if (previous === null) return null;
  const cache = await deps.statCache.load();
  return cache?.snapshotId === previous.record.id && cache.storeId === deps.storage.url ? cache : null;
}

/**
 * Clears the ids the store no longer has (packs went away, or a spooled snapshot was damaged), so that files are read and
 * folders built again. Returns the rows to read: those that were dirty already, and the cleared ones.
 */
export function forgetMissing(scan: Scan, known: KnownObjects): DirtyEntries {
  if (scan.part !== undefined) return forgetMissingOfPart(scan, known);
  const { tree } = scan;
  const dirty = [...scan.dirty];
  for (let entry = 0; entry < tree.entryCount; entry++) {
    if ((tree.flags[entry]! & entryFlags.hasId) === 0 || known.has(tree.ids, entry * 20)) continue;
    tree.flags[entry]! &= ~entryFlags.hasId;
    if (!tree.isFolder(entry)) dirty.push(entry);
  }
  for (let folder = 0; folder < tree.folderCount; folder++) {
    if (!known.has(tree.metadataIds, folder * 20)) tree.metadataIds.fill(0, folder * 20, folder * 20 + 20);
  }
  return Uint32Array.from(dirty).sort();
}

/** What was not looked at has ids the store was seen to have. */
function forgetMissingOfPart({ tree, part, dirty }: Scan, known: KnownObjects): DirtyEntries {
  for (const folder of withFoldersAbove(tree, part!.readFolders)) {
    const end = tree.folderEntryStarts[folder]! + tree.folderEntryCounts[folder]!;
    for (let row = tree.folderEntryStarts[folder]!; row < end; row++) {
      if ((tree.flags[row]! & entryFlags.hasId) !== 0 && !known.has(tree.ids, row * 20))
        tree.flags[row]! &= ~entryFlags.hasId;
    }
    if (!known.has(tree.metadataIds, folder * 20)) tree.metadataIds.fill(0, folder * 20, folder * 20 + 20);
  }
  return dirty;
}
