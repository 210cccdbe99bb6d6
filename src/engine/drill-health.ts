import { formatDuration } from '../format/duration.ts';
import type { HealthReason } from '../model/health.ts';
import type { IndexRow } from '../model/index-row.ts';
import type { RestorePoint } from '../model/restore-point.ts';

/** A vault this young need not have been rehearsed yet; after it, silence is a finding. */
const firstDrillMs = 35 * 86_400_000;
/** Monthly, with some days of grace. */
const drillAgeMsMax = 40 * 86_400_000;

/** The newest row of a drill; null when there was none. */
export function lastDrillOf(rows: readonly IndexRow[]): IndexRow | null {
  return rows.findLast((row) => row.event.event === 'drill') ?? null;
}

/** What the last rehearsal, or the lack of one, says about the vault's health. `points` are this machine's, newest first. */
export function drillReasons(
  last: IndexRow | null,
  points: readonly RestorePoint[],
  now: Date,
): readonly HealthReason[] {
  const remedy = 'holdfast drill';
  if (last?.event.event !== 'drill') {
    const oldest = points.at(-1);
    if (oldest === undefined || now.getTime() - Date.parse(oldest.record.takenAt) < firstDrillMs) return [];
    return [{ colour: 'yellow', text: 'no restore of this vault was ever rehearsed', remedy }];
  }
  const { passed, components, rtoMs, rtoTargetMs } = last.event;
  const failed = components.filter(({ outcome }) => outcome === 'failed').map(({ component }) => component);
  if (failed.length > 0) return [{ colour: 'red', text: `the last drill failed: ${failed.join(', ')}`, remedy }];
  const reasons: HealthReason[] = [];
  if (!passed && rtoMs > rtoTargetMs) {
    const text = `the last drill took ${formatDuration(rtoMs)}, the target is ${formatDuration(rtoTargetMs)}`;
    reasons.push({ colour: 'yellow', text, remedy });
  }
  const ageMs = now.getTime() - Date.parse(last.at);
  if (ageMs > drillAgeMsMax)
    reasons.push({ colour: 'yellow', text: `the last drill was ${formatDuration(ageMs)} ago`, remedy });
  return reasons;
}
