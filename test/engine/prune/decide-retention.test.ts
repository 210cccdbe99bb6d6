import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRetention, keepsNothing } from '../../../src/engine/prune/decide-retention.ts';
import type { Label, SnapshotId } from '../../../src/model/ids.ts';
import type { RestorePoint } from '../../../src/model/restore-point.ts';
import type { RetentionRules } from '../../../src/model/retention.ts';
import type { SnapshotKind } from '../../../src/model/snapshot.ts';
import { sampleRecord, sha256Like } from '../../support/sample-record.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const now = new Date('2026-11-20T12:00:00.000Z');
const none: RetentionRules = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };
const usual: RetentionRules = { within: 48 * hourMs, hourly: 0, daily: 30, weekly: 13, monthly: 12, labelled: true };

interface Made {
  readonly takenAt: string;
  readonly sequence: number;
  readonly machine?: string;
  readonly kind?: SnapshotKind;
  readonly label?: string;
  readonly complete?: boolean;
}

function point(made: Made): RestorePoint {
  const machine = made.machine ?? 'desk';
  const id = `${made.takenAt.slice(0, 19)}Z-${machine}-${made.sequence}` as SnapshotId;
  const record = sampleRecord({
    id,
    takenAt: made.takenAt,
    kind: made.kind ?? 'auto',
    label: (made.label ?? 'auto-desk') as Label,
    complete: made.complete ?? true,
    machine: { id: machine, name: machine, user: 'ada' },
    chain: { sequence: made.sequence, previous: null },
  });
  return { record, recordSha256: sha256Like('4'), where: 'store', localDirectory: null };
}

/** One every `stepMs`, the newest at noon today. */
function series(count: number, stepMs: number, machine = 'desk'): RestorePoint[] {
  return Array.from({ length: count }, (_, age) => {
    const takenAt = new Date(now.getTime() - age * stepMs).toISOString();
    return point({ takenAt, sequence: count - age, machine });
  });
}

function kept(points: readonly RestorePoint[], retention: RetentionRules | 'all', at = now): string[] {
  return decideRetention(points, new Map(), { retention, now: at })
    .filter(({ keep }) => keep)
    .map(({ point: { record } }) => record.takenAt.slice(0, 13));
}

function reasonsOf(points: readonly RestorePoint[], retention: RetentionRules, index: number) {
  const decided = decideRetention(points, new Map(), { retention, now });
  return decided.find((decision) => decision.point === points[index])!.reasons;
}

describe('the rules', () => {
  test('daily, weekly and monthly keep the last complete one of each period that has one', () => {
    const points = series(400, dayMs / 2);
    expect(kept(points, { ...none, daily: 3 })).toEqual(['2026-11-20T12', '2026-11-19T12', '2026-11-18T12']);
    // Weeks begin on Mondays: the 16th was one.
    expect(kept(points, { ...none, weekly: 3 })).toEqual(['2026-11-20T12', '2026-11-15T12', '2026-11-08T12']);
    expect(kept(points, { ...none, monthly: 3 })).toEqual(['2026-11-20T12', '2026-10-31T12', '2026-09-30T12']);
    expect(kept(points, { ...none, within: 25 * hourMs })).toHaveLength(3);
  });

  test('hours are hours of UTC, in the night the clocks change as in any other (C03)', () => {
    const night = new Date('2026-10-25T04:00:00.000Z');
    const points = Array.from({ length: 8 }, (_, age) => {
      return point({ takenAt: new Date(night.getTime() - age * (hourMs / 2)).toISOString(), sequence: 8 - age });
    });
    const hours = kept(points, { ...none, hourly: 4 }, night);
    expect(hours).toEqual(['2026-10-25T04', '2026-10-25T03', '2026-10-25T02', '2026-10-25T01']);
  });

  test('a period without snapshots does not use up the count', () => {
    const points = [0, 1, 40, 41].map((days, i) => {
      return point({ takenAt: new Date(now.getTime() - days * dayMs).toISOString(), sequence: 4 - i });
    });
    expect(kept(points, { ...none, daily: 3 })).toHaveLength(3);
  });

  test('partial snapshots satisfy no rule, and go when they are no longer recent', () => {
    const points = [
      point({ takenAt: '2026-11-18T20:00:00.000Z', sequence: 3, complete: false }),
      point({ takenAt: '2026-11-18T10:00:00.000Z', sequence: 2 }),
      point({ takenAt: '2026-11-20T10:00:00.000Z', sequence: 4 }),
    ];
    expect(kept(points, { ...none, daily: 9 })).toEqual(['2026-11-20T10', '2026-11-18T10']);
    expect(reasonsOf(points, { ...none, daily: 9 }, 0)).toEqual(['partial']);
    expect(reasonsOf(points, { ...none, within: 72 * hourMs }, 0)).toEqual(['within']);
  });

  test('what a person labelled or pinned stays; default labels of manual ones do not count', () => {
    const old = '2020-01-01T00:00:00.000Z';
    const points = [
      point({ takenAt: old, sequence: 1, kind: 'manual', label: 'before the move' }),
      point({ takenAt: old, sequence: 2, kind: 'manual', label: 'manual' }),
      point({ takenAt: old, sequence: 3 }),
      point({ takenAt: now.toISOString(), sequence: 4 }),
    ];
    expect(reasonsOf(points, none, 0)).toEqual(['labelled']);
    expect(reasonsOf(points, none, 1)).toEqual(['superseded']);
    expect(reasonsOf(points, { ...none, labelled: false }, 0)).toEqual(['superseded']);
    const pins = new Map([[points[2]!.record.id, {}]]);
    const decided = decideRetention(points, pins, { retention: none, now });
    expect(decided.find((decision) => decision.point === points[2])).toMatchObject({ keep: true, reasons: ['pinned'] });
  });

  test('safety snapshots of a rollback stay for thirty days', () => {
    const at = (days: number) => new Date(now.getTime() - days * dayMs).toISOString();
    const points = [
      point({ takenAt: at(31), sequence: 1, kind: 'pre-rollback' }),
      point({ takenAt: at(29), sequence: 2, kind: 'pre-rollback' }),
      point({ takenAt: at(0), sequence: 3 }),
    ];
    expect(reasonsOf(points, none, 0)).toEqual(['superseded']);
    expect(reasonsOf(points, none, 1)).toEqual(['safety']);
  });

  test('every machine is judged by itself, and keeps its newest and its newest complete one (G05)', () => {
    const points = [
      ...series(5, dayMs),
      point({ takenAt: '2024-01-01T00:00:00.000Z', sequence: 1, machine: 'attic' }),
      point({ takenAt: '2024-01-02T00:00:00.000Z', sequence: 2, machine: 'attic', complete: false }),
    ];
    expect(kept(points, none)).toEqual(['2026-11-20T12', '2024-01-02T00', '2024-01-01T00']);
    expect(keepsNothing(none)).toBe(true);
    expect(keepsNothing(usual)).toBe(false);
    expect(keepsNothing('all')).toBe(false);
    expect(kept(points, 'all')).toHaveLength(points.length);
  });

  test('C02: a snapshot from the future stays, and pushes nothing out', () => {
    const points = series(5, dayMs);
    const ahead = point({ takenAt: '2036-01-01T00:00:00.000Z', sequence: 6 });
    const decided = decideRetention([ahead, ...points], new Map(), { retention: { ...none, daily: 2 }, now });
    expect(decided.filter(({ keep }) => keep).map(({ reasons }) => reasons[0])).toEqual(['future', 'daily', 'daily']);
  });

  test('C01: a clock set back a year makes no snapshot old', () => {
    const points = [
      point({ takenAt: '2026-11-19T12:00:00.000Z', sequence: 1 }),
      point({ takenAt: '2025-11-19T13:00:00.000Z', sequence: 2 }),
      point({ takenAt: '2025-11-19T14:00:00.000Z', sequence: 3 }),
    ];
    expect(reasonsOf(points, usual, 1)).toEqual(['within']);
    expect(reasonsOf(points, usual, 2)).toContain('newest_complete');
  });

  test('snapshots that wait on this machine are not prune’s to judge', () => {
    const local: RestorePoint = { ...point({ takenAt: '2020-01-01T00:00:00.000Z', sequence: 1 }), where: 'local' };
    expect(decideRetention([local], new Map(), { retention: none, now })).toEqual([]);
  });
});

describe('whatever the history', () => {
  const moments = fc.array(
    fc.record({
      hoursAgo: fc.integer({ min: -48, max: 24 * 900 }),
      machine: fc.constantFrom('desk', 'laptop', 'attic'),
      complete: fc.boolean(),
      labelled: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  type Moments = typeof moments extends fc.Arbitrary<infer T> ? T : never;
  const pointsOf = (made: Moments): RestorePoint[] =>
    made.map(({ hoursAgo, machine, complete, labelled }, sequence) =>
      point({
        takenAt: new Date(now.getTime() - hoursAgo * hourMs).toISOString(),
        sequence: sequence + 1,
        machine,
        complete,
        ...(labelled ? { kind: 'manual' as const, label: 'mine' } : {}),
      }),
    );
  const history = moments.map(pointsOf);
  /** Of clocks that never went back. */
  const steadyHistory = moments.map((made) => pointsOf(made.toSorted((a, b) => b.hoursAgo - a.hoursAgo)));
  const rules = fc.record({
    within: fc.nat(30 * 24).map((hours) => hours * hourMs),
    hourly: fc.nat(50),
    daily: fc.nat(40),
    weekly: fc.nat(20),
    monthly: fc.nat(20),
    labelled: fc.boolean(),
  });
  const keptIds = (points: readonly RestorePoint[], retention: RetentionRules): Set<string> => {
    const decided = decideRetention(points, new Map(), { retention, now });
    return new Set(decided.filter(({ keep }) => keep).map(({ point: { record } }) => record.id));
  };

  test('a rule that asks for more never keeps less', () => {
    const field = fc.constantFrom('within', 'hourly', 'daily', 'weekly', 'monthly');
    fc.assert(
      fc.property(history, rules, field, fc.nat(100), (points, before, name, more) => {
        const after = keptIds(points, { ...before, [name]: before[name] + more });
        for (const id of keptIds(points, before)) expect(after).toContain(id);
      }),
    );
  });

  test('every machine keeps its newest complete snapshot, and one decision is made about each', () => {
    fc.assert(
      fc.property(history, rules, (points, retention) => {
        const decided = decideRetention(points, new Map(), { retention, now });
        expect(decided.length).toBe(points.length);
        const left = keptIds(points, retention);
        const newest = [...Map.groupBy(points, ({ record }) => record.machine.id).values()].flatMap(
          (own) => own.filter(({ record }) => record.complete).at(-1)?.record.id ?? [],
        );
        expect(newest.filter((id) => !left.has(id))).toEqual([]);
      }),
    );
  });

  test('what one machine does is nothing to the others, and pruning twice drops nothing more', () => {
    fc.assert(
      fc.property(steadyHistory, rules, (points, retention) => {
        const left = keptIds(points, retention);
        const own = points.filter(({ record }) => record.machine.id === 'desk');
        expect([...keptIds(own, retention)].every((id) => left.has(id))).toBe(true);
        const again = keptIds(
          points.filter(({ record }) => left.has(record.id)),
          retention,
        );
        expect([...again].sort()).toEqual([...left].sort());
      }),
    );
  });
});

test('P1: deciding about ten thousand snapshots is no work', () => {
  const points = series(10_000, hourMs);
  expect(kept(points, usual).length).toBeGreaterThan(50);
});
