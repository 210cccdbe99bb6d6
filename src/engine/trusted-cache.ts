import { entryFlags } from '../model/vault-tree.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { KnownObjects } from '../ports/object-writer.ts';
import type { DirtyEntries, Scan, StatCache } from '../ports/working-tree.ts';
import type { Deps } from './deps.ts';
import { withFoldersAbove } from './rebuild-trees.ts';

export interface TrustedCache {
  readonly cache: StatCache | null;
  /**
   * The cache describes this machine's previous snapshot. Of an older one (a watcher saves it seldom) the ids still name contents,
   * and spare reading what the store is seen to have; counts and the "unchanged" verdict must not rest on it.
   */
  readonly isExact: boolean;
}

/** Loads the stat cache when it belongs to this store and there is a snapshot to build on. */
export async function loadTrustedCache(deps: Deps, previous: RestorePoint | null): Promise<TrustedCache> {
  const cache = previous === null ? null : await deps.statCache.load();
  if (cache?.storeId !== deps.storage.url) return { cache: null, isExact: false };
  return { cache, isExact: cache.snapshotId === previous!.record.id };
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
