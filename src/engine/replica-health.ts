import { formatDuration } from '../format/duration.ts';
import type { HealthReason } from '../model/health.ts';
import type { IndexRow } from '../model/index-row.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import { lastSyncOf } from './replicate/replica-status.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A replica that should follow at once may be this far behind. */
const continuousLagMs = 2 * hourMs;
/** Whatever the interval: a second copy older than this is no second copy of the work of the week. */
const anyLagMs = 7 * dayMs;

/**
 * What the index says of the replicas; makes no request. `intervalMs` is how often they are to be brought level: 0 for at
 * once, null for by hand. `points` are the store's, newest first.
 */
export function replicaReasons(
  state: { readonly rows: readonly IndexRow[]; readonly points: readonly RestorePoint[]; readonly now: Date },
  settings: { readonly replicas: readonly string[]; readonly intervalMs: number | null },
): readonly HealthReason[] {
  const reasons: HealthReason[] = [];
  for (const url of settings.replicas) {
    const behindMs = behindSince(lastSyncOf(state.rows, url), state);
    if (behindMs === null) continue;
    const remedy = 'holdfast replicate sync';
    if (behindMs > anyLagMs) {
      reasons.push({ colour: 'red', text: `the replica ${url} is ${formatDuration(behindMs)} behind`, remedy });
    } else if (behindMs > warnAfterMs(settings.intervalMs)) {
      reasons.push({ colour: 'yellow', text: `the replica ${url} is ${formatDuration(behindMs)} behind`, remedy });
    }
  }
  return reasons;
}

/** Since when the store has had a snapshot that the replica lacked when it was last level; null when it lacks none. */
function behindSince(
  last: IndexRow | null,
  { points, now }: { readonly points: readonly RestorePoint[]; readonly now: Date },
): number | null {
  const syncedMs = last === null ? -Infinity : Date.parse(last.at);
  const newer = points.filter(({ where, record }) => where === 'store' && Date.parse(record.takenAt) > syncedMs);
  const oldest = newer.at(-1);
  return oldest === undefined ? null : now.getTime() - Date.parse(oldest.record.takenAt);
}

function warnAfterMs(intervalMs: number | null): number {
  if (intervalMs === null) return anyLagMs;
  return Math.max(continuousLagMs, Math.min(anyLagMs, intervalMs * 1.5));
}
