import { expect, test } from 'vitest';
import { computeMetrics } from '../../src/engine/metrics.ts';
import type { IndexEvent, IndexRow } from '../../src/model/index-row.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { fakePoint } from '../cli/fake-point.ts';

const now = new Date('2026-11-20T00:00:00Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();

function point(days: number, change: Partial<RestorePoint['record']> = {}, where: RestorePoint['where'] = 'store') {
  const base = fakePoint();
  return { ...base, where, record: { ...base.record, takenAt: daysAgo(days), ...change } };
}

const row = (days: number, event: IndexEvent): IndexRow => ({
  at: daysAgo(days),
  machine: 'desk',
  user: 'ada',
  sequence: 1,
  previous: null,
  checksum: 'a'.repeat(64) as IndexRow['checksum'],
  event,
});

const drill = (passed: boolean): IndexEvent => ({
  event: 'drill',
  id: fakePoint().record.id,
  method: 'holdfast',
  passed,
  components: [],
  files: 1,
  sizeBytes: 1,
  rtoMs: 5,
  rtoTargetMs: 10,
  rpoMs: 6,
  rpoTargetMs: 10,
  durationMs: 7,
  report: '',
});

test('success, duration, gaps and growth come from the points of the time looked at', () => {
  const points = [
    point(1, { durationMs: 300 }),
    point(3, { durationMs: 100, complete: false }),
    point(4, { durationMs: 200 }, 'local'),
    point(40, { durationMs: 9999 }),
  ];
  const { snapshots } = computeMetrics([], points, { now, days: 30 });
  expect(snapshots).toMatchObject({ taken: 3, partial: 1, localOnly: 1, durationTrend: null });
  expect(snapshots.successRate).toBeCloseTo(1 / 3);
  expect(snapshots.durationMs).toEqual({ median: 200, p95: 300 });
  expect(snapshots.longestGapMs).toBe(2 * 86_400_000);
});

test('a trend needs ten and ten before', () => {
  const points = Array.from({ length: 20 }, (_, i) => point(i, { durationMs: i < 10 ? 300 : 100 }));
  expect(computeMetrics([], points, { now, days: 30 }).snapshots.durationTrend).toBe(3);
});

test('drills, verification and alerts come from the index; old rows do not count', () => {
  const rows = [row(50, drill(false)), row(20, drill(false)), row(2, drill(true))];
  const { drills } = computeMetrics(rows, [], { now, days: 30 });
  expect(drills).toMatchObject({ run: 2, passRate: 0.5, last: { passed: true, rtoMs: 5, rtoTargetMs: 10 } });
});

test('an empty index gives no figures rather than wrong ones', () => {
  const metrics = computeMetrics([], [], { now, days: 30 });
  expect(metrics.snapshots).toMatchObject({ taken: 0, successRate: null, longestGapMs: null });
  expect(metrics.drills).toEqual({ run: 0, passRate: null, last: null });
});
