import type { HoldfastError } from '../../model/errors.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { IndexRow } from '../../model/index-row.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { listRecordIds } from './sync-replica.ts';

/** How far one replica is behind the store. */
export interface ReplicaStatus {
  readonly url: string;
  /** Why it could not be asked; null when it was. */
  readonly unreachable: HoldfastError | null;
  /** Snapshots of the store that the replica has, and lacks; null when it could not be asked. */
  readonly present: number | null;
  readonly behind: number | null;
  /** Age of the oldest snapshot the replica lacks, in milliseconds; 0 when it is level, null when it could not be asked. */
  readonly lagMs: number | null;
  /** When it was last brought level by this machine, from the index. */
  readonly lastSyncAt: string | null;
}

/** Asks a replica what it has, and compares it with the points of the store. */
export async function readReplicaStatus(
  deps: Deps,
  options: {
    readonly replica: ObjectStorage;
    readonly points: readonly RestorePoint[];
    readonly rows: readonly IndexRow[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ReplicaStatus> {
  const { replica, rows, signal } = options;
  const { url } = replica;
  const lastSyncAt = lastSyncOf(rows, url)?.at ?? null;
  const stored = options.points.filter(({ where }) => where === 'store');
  try {
    const there = new Set<string>(await listRecordIds(replica, signal));
    const missing = stored.filter(({ record }) => !there.has(record.id));
    const oldestMs = Math.min(...missing.map(({ record }) => Date.parse(record.takenAt)));
    const lagMs = missing.length === 0 ? 0 : Math.max(0, deps.clock.now().getTime() - oldestMs);
    const present = stored.length - missing.length;
    return { url, unreachable: null, present, behind: missing.length, lagMs, lastSyncAt };
  } catch (error) {
    if (!isHoldfastError(error) || !['storage', 'access', 'config', 'local'].includes(error.kind)) throw error;
    return { url, unreachable: error, present: null, behind: null, lagMs: null, lastSyncAt };
  }
}

/** The newest row that says a replica became level. */
export function lastSyncOf(rows: readonly IndexRow[], url: string): IndexRow | null {
  return rows.findLast(({ event }) => event.event === 'replicate' && event.replica === url && event.complete) ?? null;
}
