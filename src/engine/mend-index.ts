import type { Notice } from '../model/problem.ts';
import type { Deps } from './deps.ts';
import { isForeign } from './ensure-store.ts';
import { snapshotEvent } from './publish-snapshots.ts';
import type { StoreView } from './store-view.ts';

/**
 * Rebuilds a snapshot index that was deleted or emptied from the records in the store (K04); returns the notice to show,
 * or none when there was nothing to do. The index is a log of what happened, the store is the truth.
 */
export async function rebuildLostIndex(deps: Deps, view: StoreView): Promise<readonly Notice[]> {
  const stored = view.points.filter((point) => point.where === 'store').toReversed();
  // The index tells what happened to this vault; a store of another one is only being looked at.
  if (stored.length === 0 || isForeign(deps, view) || !(await deps.snapshotIndex.isEmpty())) return [];
  const rows = stored.map(({ record, recordSha256 }) => {
    return snapshotEvent(record, { where: 'store', recordSha256, rebuilt: true });
  });
  await deps.snapshotIndex.appendAll(rows);
  const message = `the snapshot index was missing; rebuilt it from ${stored.length} records in the store`;
  return [{ code: 'index_rebuilt', message, count: stored.length }];
}

/** Reads the index for damage: which lines cannot be read, and why (K01, K02). */
export async function indexDamageNotices(deps: Deps): Promise<readonly Notice[]> {
  const { damage } = await deps.snapshotIndex.read();
  return damage.map(({ line, reason }) => ({
    code: 'index_damaged',
    message: `line ${line} of the snapshot index cannot be read: ${reason}`,
  }));
}
