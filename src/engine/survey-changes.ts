import type { SnapshotId } from '../model/ids.ts';
import { entryFlags } from '../model/vault-tree.ts';
import type { WorkCounts } from '../ports/git-repository.ts';
import type { StatCache } from '../ports/working-tree.ts';
import { countChanges } from './compare-vault-trees.ts';
import type { Deps } from './deps.ts';

/** How the vault stands against what was captured last, and against git. */
export interface ChangeSurvey {
  /** Null where what was kept of the last look is not of the newest snapshot: a watcher writes that down only now and then. */
  readonly pending: { readonly added: number; readonly changed: number; readonly removed: number } | null;
  /** Null without a repository whose index can tell. */
  readonly work: WorkCounts | null;
}

/**
 * Looks at the vault without reading a file: what changed by size and times since `latest`, this machine's newest snapshot.
 * Null before the first look.
 */
export async function surveyChanges(
  deps: Deps,
  latest: SnapshotId | null,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ChangeSurvey | null> {
  const base = await deps.statCache.load();
  if (base === null) return null;
  const { tree, dirty } = await deps.workingTree.scan({
    base,
    ignore: await deps.repository.ignoreSources(),
    tracked: await deps.repository.trackedPaths(),
    signal: options.signal,
  });
  const { logFolder } = deps.settings;
  const pending = { added: 0, changed: 0, removed: countChanges(base.tree, tree, { except: logFolder }).removed };
  for (const row of dirty) {
    const path = tree.path(row);
    if (path.startsWith(`${logFolder}/`)) continue;
    const before = base.tree.find(path);
    if (before < 0 || (base.tree.flags[before]! & (entryFlags.absent | entryFlags.foldedLog)) === entryFlags.absent) {
      pending.added++;
    } else if (isChanged(base, before, { tree, row })) pending.changed++;
  }
  const isCurrent = base.snapshotId === latest;
  return { pending: isCurrent ? pending : null, work: await deps.repository.countWork({ tree, except: logFolder }) };
}

/** A row is also dirty when it was touched too recently to be sure; by its times it is still the same. */
function isChanged(base: StatCache, before: number, now: { tree: StatCache['tree']; row: number }): boolean {
  const { tree, row } = now;
  return (
    tree.sizes[row] !== base.tree.sizes[before] ||
    tree.mtimes[row] !== base.tree.mtimes[before] ||
    tree.ctimes[row] !== base.tree.ctimes[before] ||
    tree.inodes[row] !== base.tree.inodes[before] ||
    tree.modes[row] !== base.tree.modes[before]
  );
}
