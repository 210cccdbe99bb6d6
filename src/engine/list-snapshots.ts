import type { SnapshotId } from '../model/ids.ts';
import type { InvalidRecord, RestorePoint } from '../model/restore-point.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { Pin } from '../model/pin.ts';
import type { Notice } from '../model/problem.ts';
import type { Deps } from './deps.ts';
import { indexDamageNotices, rebuildLostIndex } from './mend-index.ts';
import { loadStoreView } from './store-view.ts';

export interface SnapshotList {
  /** Newest first. */
  readonly points: readonly RestorePoint[];
  readonly invalid: readonly InvalidRecord[];
  /** Snapshots this machine saw in the store that are gone (K18). */
  readonly missing: readonly SnapshotId[];
  /** When the store was last seen whole. */
  readonly lastSeenAt: string | null;
  /** Set when the store could not be asked: `points` is then what this machine knew before. */
  readonly unreachable: HoldfastError | null;
  readonly notices: readonly Notice[];
  readonly pins: ReadonlyMap<SnapshotId, Pin>;
}

/** Lists all restore points, asking the store unless `refresh` is 'never'. */
export async function listSnapshots(
  deps: Deps,
  options: { refresh: 'always' | 'never'; signal?: AbortSignal | undefined },
): Promise<SnapshotList> {
  const view = await loadStoreView(deps, options);
  const notices = [...(await rebuildLostIndex(deps, view)), ...(await indexDamageNotices(deps))];
  for (const notice of notices) deps.events.emit({ type: 'notice_given', notice });
  const { points, invalid, missing, lastSeenAt, unreachable, pins } = view;
  return { points, invalid, missing, lastSeenAt, unreachable, notices, pins };
}
