import { jsonPath } from '../format/display-name.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Pin } from '../model/pin.ts';
import type { LedgerEntry } from '../model/problem.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';

/** A restore point in JSON. Sizes in bytes, times in ISO 8601. Where the pins are known, whether it is pinned, and why. */
export function pointFields(
  { record, where }: Pick<RestorePoint, 'record' | 'where'>,
  pins?: ReadonlyMap<SnapshotId, Pin>,
): Readonly<Record<string, unknown>> {
  const { counts, machine } = record;
  return {
    id: record.id,
    label: record.label,
    kind: record.kind,
    taken_at: record.takenAt,
    machine: machine.name,
    machine_id: machine.id,
    user: machine.user,
    where,
    complete: record.complete,
    commit: record.commit,
    files: counts.files,
    size_bytes: counts.sizeBytes,
    added: counts.added,
    changed: counts.changed,
    removed: counts.removed,
    stored_bytes: counts.storedBytes,
    problem_count: record.problems.length,
    ...(pins === undefined ? {} : pinFields(pins.get(record.id))),
  };
}

function pinFields(pin: Pin | undefined): object {
  return { pinned: pin !== undefined, pin_reason: pin?.reason ?? null };
}

/** What a snapshot did not protect, in JSON. */
export function ledgerFields(ledger: SnapshotRecord['ledger']): readonly object[] {
  return ledger.map((entry: LedgerEntry) => ({
    ...jsonPath(entry.path),
    reason: entry.reason,
    source: entry.source,
    files: entry.fileCount,
    size_bytes: entry.sizeBytes,
    at_least: entry.atLeast,
  }));
}
