import type { IndexEvent, IndexRow } from '../model/index-row.ts';

/** What reading found besides rows. */
export interface IndexDamage {
  readonly line: number;
  readonly reason: string;
}

/**
 * The append-only log of everything that happened to this vault: `state/log/snapshots.ndjson`. Machines that share
 * the folder append to one file; each keeps its own hash chain. No row is ever edited, reordered or removed.
 */
export interface SnapshotIndex {
  /** Where it is, for messages. */
  readonly path: string;
  /** Appends one event and fsyncs; a torn last line before it is closed first. */
  append(event: IndexEvent): Promise<IndexRow>;
  /** Appends several events with one write and one fsync. */
  appendAll(events: readonly IndexEvent[]): Promise<readonly IndexRow[]>;
  /** True when there is no file, or nothing in it. */
  isEmpty(): Promise<boolean>;
  /** All rows in file order, damage aside. A missing file has no rows. */
  read(): Promise<{
    readonly rows: readonly IndexRow[];
    readonly damage: readonly IndexDamage[];
    readonly exists: boolean;
  }>;
}
