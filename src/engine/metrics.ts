import type { IndexEvent, IndexRow } from '../model/index-row.ts';
import type { RestorePoint } from '../model/restore-point.ts';

const dayMs = 86_400_000;
const trendCount = 10;

export interface Metrics {
  /** Days that the figures look back on. */
  readonly days: number;
  readonly snapshots: {
    readonly taken: number;
    /** Complete ones that reached the store, of all taken; null when none was. */
    readonly successRate: number | null;
    readonly partial: number;
    readonly localOnly: number;
    readonly durationMs: { readonly median: number | null; readonly p95: number | null };
    /** Median of the last ten over that of the ten before; null with fewer. Over 1: getting slower. */
    readonly durationTrend: number | null;
    /** The longest time without a snapshot. */
    readonly longestGapMs: number | null;
  };
  readonly growth: {
    readonly storedBytes: number;
    /** Stored in the time looked at, a day. */
    readonly storedBytesPerDay: number;
    /** Size of the newest snapshot's files, and of the oldest's in the time looked at. */
    readonly vaultBytes: number | null;
    readonly vaultBytesBefore: number | null;
  };
  readonly drills: {
    readonly run: number;
    readonly passRate: number | null;
    readonly last: {
      readonly at: string;
      readonly passed: boolean;
      readonly rtoMs: number;
      readonly rtoTargetMs: number;
      readonly rpoMs: number;
      readonly rpoTargetMs: number;
    } | null;
  };
  readonly verify: { readonly run: number; readonly findings: number; readonly lastAt: string | null };
  readonly replicas: { readonly syncs: number; readonly copiedBytes: number; readonly lastAt: string | null };
  readonly alerts: number;
}

type EventOf<Name extends IndexEvent['event']> = Extract<IndexEvent, { event: Name }>;

/** Computes the figures from the index and the restore points of this machine; makes no request. `points` are newest first. */
export function computeMetrics(
  rows: readonly IndexRow[],
  points: readonly RestorePoint[],
  options: { readonly now: Date; readonly days: number },
): Metrics {
  const sinceMs = options.now.getTime() - options.days * dayMs;
  const recent = rows.filter(({ at }) => Date.parse(at) >= sinceMs);
  const recentPoints = points.filter(({ record }) => Date.parse(record.takenAt) >= sinceMs);
  const verifies = eventsOf(recent, 'verify');
  const syncs = eventsOf(recent, 'replicate');
  return {
    days: options.days,
    snapshots: snapshotFigures(recentPoints),
    growth: {
      storedBytes: sum(points.map(({ record }) => record.counts.storedBytes)),
      storedBytesPerDay: Math.round(sum(recentPoints.map(({ record }) => record.counts.storedBytes)) / options.days),
      vaultBytes: recentPoints[0]?.record.counts.sizeBytes ?? null,
      vaultBytesBefore: recentPoints.at(-1)?.record.counts.sizeBytes ?? null,
    },
    drills: drillFigures(recent),
    verify: {
      run: verifies.length,
      findings: sum(verifies.map(({ findings }) => findings)),
      lastAt: lastAt(rows, 'verify'),
    },
    replicas: {
      syncs: syncs.length,
      copiedBytes: sum(syncs.map(({ copiedBytes }) => copiedBytes)),
      lastAt: lastAt(rows, 'replicate'),
    },
    alerts: eventsOf(recent, 'alert').length,
  };
}

function snapshotFigures(points: readonly RestorePoint[]): Metrics['snapshots'] {
  const durations = points.map(({ record }) => record.durationMs);
  const good = points.filter(({ record, where }) => record.complete && where === 'store').length;
  const times = points.map(({ record }) => Date.parse(record.takenAt));
  const gaps = times.slice(1).map((time, i) => times[i]! - time);
  const [late, early] = [durations.slice(0, trendCount), durations.slice(trendCount, 2 * trendCount)];
  const [lateMs, earlyMs] = [quantile(late, 0.5), quantile(early, 0.5)];
  const hasTrend = early.length === trendCount && lateMs !== null && earlyMs !== null && earlyMs > 0;
  return {
    taken: points.length,
    successRate: points.length === 0 ? null : good / points.length,
    partial: points.filter(({ record }) => !record.complete).length,
    localOnly: points.filter(({ where }) => where === 'local').length,
    durationMs: { median: quantile(durations, 0.5), p95: quantile(durations, 0.95) },
    durationTrend: hasTrend ? lateMs / earlyMs : null,
    longestGapMs: gaps.length === 0 ? null : Math.max(...gaps),
  };
}

function drillFigures(rows: readonly IndexRow[]): Metrics['drills'] {
  const drills = eventsOf(rows, 'drill');
  const last = rows.findLast(({ event }) => event.event === 'drill');
  const passed = drills.filter((drill) => drill.passed).length;
  return {
    run: drills.length,
    passRate: drills.length === 0 ? null : passed / drills.length,
    last:
      last?.event.event !== 'drill'
        ? null
        : {
            at: last.at,
            passed: last.event.passed,
            rtoMs: last.event.rtoMs,
            rtoTargetMs: last.event.rtoTargetMs,
            rpoMs: last.event.rpoMs,
            rpoTargetMs: last.event.rpoTargetMs,
          },
  };
}

function eventsOf<Name extends IndexEvent['event']>(rows: readonly IndexRow[], name: Name): EventOf<Name>[] {
  return rows.flatMap(({ event }) => (event.event === name ? [event as EventOf<Name>] : []));
}

function lastAt(rows: readonly IndexRow[], name: IndexEvent['event']): string | null {
  return rows.findLast(({ event }) => event.event === name)?.at ?? null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}
