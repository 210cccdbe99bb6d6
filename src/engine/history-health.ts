import { formatCount, formatSize } from '../format/size.ts';
import type { HealthReason } from '../model/health.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import { ledgerGrowth } from './ledger-growth.ts';

export interface HistoryFacts {
  /** This machine's restore points, newest first. */
  readonly own: readonly RestorePoint[];
  readonly now: Date;
  /** Since when the vault was being watched without a break; null when it is not. A day without changes is then no gap. */
  readonly watchedSince: string | null;
}

const baselineMin = 5;
const baselineMax = 20;
const shrunkTo = 0.5;
const grownTo = 3;
const filesMin = 20;
const sizeBytesMin = 10_000_000;
const dayMs = 86_400_000;
const gapDaysMin = 2;
const gapWindowDays = 14;

/** What the run of snapshots itself says: a size unlike the others, days without any, more left out than before. */
export function historyReasons(facts: HistoryFacts): HealthReason[] {
  return [...sizeReasons(facts.own), ...gapReasons(facts), ...growthReasons(facts.own)];
}

/** Against the middle of the snapshots before: half as much or three times as much is worth a look. */
function sizeReasons(own: readonly RestorePoint[]): HealthReason[] {
  const [latest, ...before] = own;
  const baseline = before.filter(({ record }) => record.complete).slice(0, baselineMax);
  if (latest === undefined || !latest.record.complete || baseline.length < baselineMin) return [];
  const { files, sizeBytes } = latest.record.counts;
  const usualFiles = median(baseline.map(({ record }) => record.counts.files));
  const usualBytes = median(baseline.map(({ record }) => record.counts.sizeBytes));
  const remedy = `holdfast diff latest~1 latest --name-status`;
  if (isOdd(files, usualFiles, filesMin)) {
    const text = `the newest snapshot holds ${formatCount(files)} files, usually it is ${formatCount(usualFiles)}`;
    return [{ colour: 'yellow', text, remedy }];
  }
  if (isOdd(sizeBytes, usualBytes, sizeBytesMin)) {
    const text = `the newest snapshot holds ${formatSize(sizeBytes)}, usually it is ${formatSize(usualBytes)}`;
    return [{ colour: 'yellow', text, remedy }];
  }
  return [];
}

function isOdd(value: number, usual: number, differenceMin: number): boolean {
  if (Math.abs(value - usual) < differenceMin) return false;
  return value < usual * shrunkTo || value > usual * grownTo;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Whole days between two snapshots of the last two weeks. Days before the first are no gap, nor days that were watched. */
function gapReasons({ own, now, watchedSince }: HistoryFacts): HealthReason[] {
  const sinceMs = now.getTime() - gapWindowDays * dayMs;
  const days = [...new Set(own.map(({ record }) => dayOf(record.takenAt)))].toSorted((a, b) => b - a);
  const watchedDay = watchedSince === null ? Number.POSITIVE_INFINITY : dayOf(watchedSince);
  for (const [position, day] of days.entries()) {
    const before = days[position + 1];
    if (before === undefined || day * dayMs < sinceMs) break;
    const missing = Math.min(day, watchedDay) - before - 1;
    if (missing < gapDaysMin) continue;
    const from = new Date((before + 1) * dayMs).toISOString().slice(0, 10);
    const text = `no snapshot on ${missing} days from ${from} on: nothing changed, or nobody looked`;
    return [{ colour: 'yellow', text, remedy: 'holdfast service install' }];
  }
  return [];
}

function dayOf(time: string): number {
  return Math.floor(Date.parse(time) / dayMs);
}

function growthReasons(own: readonly RestorePoint[]): HealthReason[] {
  const [latest] = own;
  const base = own.find(({ record }) => record.id === latest?.record.base);
  if (latest === undefined || base === undefined) return [];
  const growth = ledgerGrowth(base.record, latest.record);
  if (growth === null) return [];
  const text = `more is left out than before: ${formatCount(growth.files)} files, ${formatSize(growth.sizeBytes)} that were not named yet`;
  return [{ colour: 'yellow', text, remedy: 'holdfast snapshot' }];
}
