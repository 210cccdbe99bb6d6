import { expect, test } from 'vitest';
import { historyReasons } from '../../src/engine/history-health.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { sampleRecord } from '../support/sample-record.ts';

const now = new Date('2026-03-20T12:00:00Z');

function point(day: string, files: number, more: object = {}): RestorePoint {
  const record = sampleRecord();
  const counts = { ...record.counts, files, sizeBytes: files * 1000 };
  return {
    record: { ...record, ledger: [], takenAt: `${day}T10:00:00.000Z`, counts, complete: true, ...more },
  } as never;
}

const days = ['2026-03-20', '2026-03-19', '2026-03-18', '2026-03-17', '2026-03-16', '2026-03-15', '2026-03-14'];

function texts(own: readonly RestorePoint[], watchedSince: string | null = null): string[] {
  return historyReasons({ own, now, watchedSince }).map(({ text }) => text);
}

test('a size unlike this machine’s own others is yellow, an ordinary one is not', () => {
  const usual = days.slice(1).map((day) => point(day, 12_400));
  expect(texts([point(days[0]!, 12_000), ...usual])).toEqual([]);
  expect(texts([point(days[0]!, 120), ...usual])).toEqual([
    'the newest snapshot holds 120 files, usually it is 12,400',
  ]);
  expect(texts([point(days[0]!, 90_000), ...usual])[0]).toContain('holds 90,000 files');
  // Too few to know what is usual, or too small to mean anything.
  expect(texts([point(days[0]!, 120), ...usual.slice(0, 4)])).toEqual([]);
  expect(texts([point(days[0]!, 2), ...days.slice(1).map((day) => point(day, 9))])).toEqual([]);
});

test('days without a snapshot are a gap, unless the vault was watched', () => {
  const own = ['2026-03-20', '2026-03-19', '2026-03-14', '2026-03-13'].map((day) => point(day, 10));
  expect(texts(own)).toEqual(['no snapshot on 4 days from 2026-03-15 on: nothing changed, or nobody looked']);
  expect(texts(own, '2026-03-01T00:00:00.000Z')).toEqual([]);
  expect(texts(own, '2026-03-18T00:00:00.000Z')[0]).toContain('3 days');
  expect(texts(days.map((day) => point(day, 10)))).toEqual([]);
  expect(texts([])).toEqual([]);
});
