import type { SnapshotId } from '../../model/ids.ts';
import { compareNewestFirst, newestOfMachine, type RestorePoint } from '../../model/restore-point.ts';
import {
  clockSkewMsMax,
  type Retention,
  type RetentionDecision,
  type RetentionReason,
  type RetentionRules,
  safetyKeptMs,
} from '../../model/retention.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Decides which published snapshots stay, each with its reasons, newest first. Every machine is judged by itself; only
 * complete snapshots satisfy a rule; the newest and the newest complete one of a machine always stay, and so do those that
 * are pinned. Snapshots from the future stay and count for nothing, so that a wrong clock pushes nothing out (C02).
 */
export function decideRetention(
  points: readonly RestorePoint[],
  pins: ReadonlyMap<SnapshotId, unknown>,
  options: { readonly retention: Retention; readonly now: Date },
): readonly RetentionDecision[] {
  const decisions: RetentionDecision[] = [];
  const stored = points.filter((point) => point.where === 'store');
  for (const own of Map.groupBy(stored, (point) => point.record.machine.id).values()) {
    decisions.push(...decideMachine(own, pins, options));
  }
  return decisions.sort((a, b) => compareNewestFirst(a.point, b.point));
}

/** True when the rules, the floor aside, could keep nothing at all: surely a mistake (G05). */
export function keepsNothing(retention: Retention): boolean {
  if (retention === 'all') return false;
  const { within, hourly, daily, weekly, monthly } = retention;
  return within === 0 && hourly === 0 && daily === 0 && weekly === 0 && monthly === 0;
}

interface Candidate {
  readonly point: RestorePoint;
  /** When it was taken, as far as can be told: a clock that was set back does not make a snapshot old (C01). */
  readonly timeMs: number;
  readonly isFuture: boolean;
}

function decideMachine(
  own: readonly RestorePoint[],
  pins: ReadonlyMap<SnapshotId, unknown>,
  options: { readonly retention: Retention; readonly now: Date },
): RetentionDecision[] {
  const { retention, now } = options;
  const machineId = own[0]!.record.machine.id;
  const newest = newestOfMachine(own, machineId);
  const newestComplete = newestOfMachine(
    own.filter(({ record }) => record.complete),
    machineId,
  );
  const candidates = candidatesOf(own, now);
  const byRule = retention === 'all' ? null : keptByRules(candidates, retention, now);
  return candidates.map(({ point, timeMs, isFuture }) => {
    const { record } = point;
    const reasons: RetentionReason[] = [];
    if (retention === 'all') reasons.push('all');
    if (pins.has(record.id)) reasons.push('pinned');
    if (retention !== 'all' && retention.labelled && isLabelled(point)) reasons.push('labelled');
    if (isFuture) reasons.push('future');
    if (record.kind === 'pre-rollback' && now.getTime() - timeMs < safetyKeptMs) reasons.push('safety');
    reasons.push(...(byRule?.get(point) ?? []));
    if (point === newestComplete) reasons.push('newest_complete');
    else if (point === newest) reasons.push('newest');
    if (reasons.length > 0) return { point, keep: true, reasons };
    return { point, keep: false, reasons: [record.complete ? 'superseded' : 'partial'] };
  });
}

/** In the machine's own order, newest first. */
function candidatesOf(own: readonly RestorePoint[], now: Date): Candidate[] {
  const inOrder = own.toSorted((a, b) => a.record.chain.sequence - b.record.chain.sequence || compareNewestFirst(b, a));
  const limitMs = now.getTime() + clockSkewMsMax;
  let latestMs = -Infinity;
  const candidates = inOrder.map((point): Candidate => {
    const takenMs = Date.parse(point.record.takenAt);
    if (takenMs > limitMs) return { point, timeMs: takenMs, isFuture: true };
    latestMs = Math.max(latestMs, takenMs);
    return { point, timeMs: latestMs, isFuture: false };
  });
  return candidates.reverse();
}

function keptByRules(
  candidates: readonly Candidate[],
  rules: RetentionRules,
  now: Date,
): ReadonlyMap<RestorePoint, readonly RetentionReason[]> {
  const kept = new Map<RestorePoint, RetentionReason[]>();
  const keep = (point: RestorePoint, reason: RetentionReason): void => {
    const reasons = kept.get(point);
    if (reasons === undefined) kept.set(point, [reason]);
    else reasons.push(reason);
  };
  const usable = candidates.filter(({ isFuture }) => !isFuture);
  for (const { point, timeMs } of usable) {
    // A partial one may be all there is of an afternoon: it satisfies no rule, but it goes only when it is old.
    if (now.getTime() - timeMs < rules.within) keep(point, 'within');
  }
  const complete = usable.filter(({ point }) => point.record.complete);
  for (const [rule, periodOf] of periods) {
    const seen = new Set<number>();
    for (const { point, timeMs } of complete) {
      const period = periodOf(timeMs);
      if (seen.has(period)) continue;
      if (seen.size === rules[rule]) break;
      seen.add(period);
      keep(point, rule);
    }
  }
  return kept;
}

const periods: readonly (readonly ['hourly' | 'daily' | 'weekly' | 'monthly', (timeMs: number) => number])[] = [
  ['hourly', (timeMs) => Math.floor(timeMs / hourMs)],
  ['daily', (timeMs) => Math.floor(timeMs / dayMs)],
  // The first of January 1970 was a Thursday; ISO weeks begin on Mondays.
  ['weekly', (timeMs) => Math.floor((timeMs / dayMs + 3) / 7)],
  ['monthly', monthOf],
];

function monthOf(timeMs: number): number {
  const time = new Date(timeMs);
  return time.getUTCFullYear() * 12 + time.getUTCMonth();
}

/** A label somebody thought of: only then is the snapshot theirs to drop. */
function isLabelled({ record }: RestorePoint): boolean {
  return record.kind === 'manual' && record.label !== 'manual';
}
