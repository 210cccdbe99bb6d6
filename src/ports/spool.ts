import type { SnapshotRecord } from '../model/snapshot.ts';

/** A capture being written; becomes a spooled snapshot only when `finish` returns. */
export interface SpoolDraft extends AsyncDisposable {
  /** The directory packs are written to. Leaving without `finish` removes it. */
  readonly directory: string;
  /**
   * Makes the draft a spooled snapshot: the record is written and fsynced last. From here on it is a restore point.
   * `recordBytes` are the exact bytes to publish.
   */
  finish(record: SnapshotRecord, recordBytes: Uint8Array): Promise<SpooledSnapshot>;
}

/** Captured and durable on this machine, not yet (known to be) in the store. */
export interface SpooledSnapshot {
  /** Position in the queue; snapshots are published in this order. */
  readonly sequence: number;
  readonly directory: string;
  readonly record: SnapshotRecord;
  readonly recordBytes: Uint8Array;
}

/**
 * Captured snapshots waiting for the store, in order. The only copy until published: nothing here is deleted except by
 * `remove` after publication, and drafts that died before `finish`.
 */
export interface Spool {
  begin(): Promise<SpoolDraft>;
  /**
   * Everything waiting, oldest first. Damaged entries (zero-length files, wrong checksums) are reported, never
   * returned: damaged bytes are never published.
   */
  pending(): Promise<{
    readonly snapshots: readonly SpooledSnapshot[];
    readonly damaged: readonly DamagedSpoolEntry[];
  }>;
  /** Replaces the record of a waiting snapshot, after an id clash. */
  rewrite(snapshot: SpooledSnapshot, record: SnapshotRecord, recordBytes: Uint8Array): Promise<SpooledSnapshot>;
  remove(snapshot: SpooledSnapshot): Promise<void>;
  /** Sets a damaged entry aside (renamed, kept) so that publishing can go on. */
  setAside(entry: DamagedSpoolEntry): Promise<void>;
  /** How many snapshots wait for other stores this vault used before. */
  waitingElsewhere(): Promise<number>;
  /** Removes what a killed capture left behind; returns how many drafts there were. */
  sweep(): Promise<number>;
}

export interface DamagedSpoolEntry {
  readonly directory: string;
  readonly reason: string;
}
