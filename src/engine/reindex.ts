import type { InvalidRecord } from '../model/restore-point.ts';
import type { Deps } from './deps.ts';
import { assertNotForeign } from './ensure-store.ts';
import { snapshotEvent } from './publish-snapshots.ts';
import { loadStoreView } from './store-view.ts';

export interface ReindexReport {
  /** Snapshots in the store. */
  readonly snapshots: number;
  /** Rows added to the index. */
  readonly added: number;
  readonly invalid: readonly InvalidRecord[];
  /** Snapshots accepted as gone from the store. */
  readonly accepted: number;
}

/**
 * Makes the snapshot index agree with the store: a row is appended for every snapshot it has none for (nothing is ever
 * edited), and snapshots that are gone are accepted as gone, so that captures check every object they rely on again.
 * @throws {HoldfastError} `store_foreign`; of kind storage or access when the store cannot be read: the store is the truth here
 */
export async function reindex(deps: Deps, options: { signal?: AbortSignal | undefined } = {}): Promise<ReindexReport> {
  await using _lock = await deps.vaultLock.acquire('reindex');
  deps.events.emit({ type: 'phase_started', phase: 'reindex' });
  const view = await loadStoreView(deps, { refresh: 'always', signal: options.signal });
  if (view.unreachable !== null) throw view.unreachable;
  assertNotForeign(deps, view);
  const { rows } = await deps.snapshotIndex.read();
  const indexed = new Set(rows.flatMap((row) => (row.event.event === 'snapshot' ? [row.event.id] : [])));
  const lacking = view.points.filter((point) => point.where === 'store' && !indexed.has(point.record.id)).toReversed();
  const missingRows = lacking.map(({ record, recordSha256 }) => {
    return snapshotEvent(record, { where: 'store', recordSha256, rebuilt: true });
  });
  await deps.snapshotIndex.appendAll(missingRows);
  const sighting = await deps.recordCache.sighting();
  if (sighting !== null && view.missing.length > 0) {
    await deps.recordCache.saveSighting({
      ...sighting,
      missingIds: [],
      generation: sighting.generation + 1,
      headerSeen: false,
    });
  }
  const stored = view.points.filter((point) => point.where === 'store').length;
  await deps.snapshotIndex.append({ event: 'reindex', snapshots: stored, added: lacking.length });
  return { snapshots: stored, added: lacking.length, invalid: view.invalid, accepted: view.missing.length };
}
