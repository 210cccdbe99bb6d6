import type { Sha256, SnapshotId } from './ids.ts';
import type { SnapshotRecord } from './snapshot.ts';

/** A snapshot the operator can choose. */
export interface RestorePoint {
  readonly record: SnapshotRecord;
  /** SHA-256 of the record's published bytes: what the next record and the index refer to. */
  readonly recordSha256: Sha256;
  /** 'local' while it waits in this machine's spool. */
  readonly where: 'store' | 'local';
  /** Folder of the spooled snapshot, null once in the store. */
  readonly localDirectory: string | null;
}

/** A record that is there but cannot be trusted; listed, never offered (K14). */
export interface InvalidRecord {
  readonly id: string;
  readonly reason: string;
  /** True when only a newer holdfast can read it: nothing is wrong with it. */
  readonly isNewer: boolean;
}

/** Newest first; within one second and machine, by the machine's own sequence. */
export function compareNewestFirst(a: RestorePoint, b: RestorePoint): number {
  if (a.record.takenAt !== b.record.takenAt) return a.record.takenAt < b.record.takenAt ? 1 : -1;
  if (a.record.chain.sequence !== b.record.chain.sequence) return b.record.chain.sequence - a.record.chain.sequence;
  return a.record.id < b.record.id ? 1 : -1;
}

/** The newest point of one machine: the one its next snapshot continues from. */
export function newestOfMachine(points: readonly RestorePoint[], machineId: string): RestorePoint | null {
  let newest: RestorePoint | null = null;
  for (const point of points) {
    if (point.record.machine.id !== machineId) continue;
    if (newest === null || point.record.chain.sequence > newest.record.chain.sequence) newest = point;
  }
  return newest;
}

/** True when the id is taken by one of the points. */
export function hasSnapshot(points: readonly RestorePoint[], id: SnapshotId): boolean {
  return points.some((point) => point.record.id === id);
}
