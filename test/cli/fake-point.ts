import type { RestorePoint } from '../../src/model/restore-point.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';

export interface FakePoint {
  readonly id?: string;
  readonly label?: string;
  readonly kind?: SnapshotRecord['kind'];
  readonly machine?: string;
  readonly where?: RestorePoint['where'];
  readonly complete?: boolean;
  readonly counts?: Partial<SnapshotRecord['counts']>;
}

/** A restore point as far as lists and tables look. */
export function fakePoint(part: FakePoint = {}): RestorePoint {
  const label = part.label ?? 'before the big rewrite';
  const id = part.id ?? '2026-11-20T14:03:11Z-before-the-big-rewrite';
  const machine = part.machine ?? 'laptop';
  const record = {
    id,
    label,
    kind: part.kind ?? 'manual',
    takenAt: `${id.slice(0, 19)}.000Z`,
    machine: { id: `${machine}-id`, name: machine, user: 'me' },
    counts: {
      files: 12_408,
      sizeBytes: 1_300_000_000,
      added: 214,
      changed: 31,
      removed: 2,
      storedBytes: 8_100_000,
      ...part.counts,
    },
    complete: part.complete ?? true,
    problems: [],
    commit: '0'.repeat(40),
  };
  const where = part.where ?? 'store';
  return {
    record: record as unknown as SnapshotRecord,
    where,
    recordSha256: '' as RestorePoint['recordSha256'],
    localDirectory: null,
  };
}
