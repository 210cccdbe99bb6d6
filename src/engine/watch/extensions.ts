import type { HoldfastError } from '../../model/errors.ts';
import type { Label } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { SnapshotOutcome } from '../take-snapshot.ts';

/** What a capture found against this machine's previous snapshot, before anything of it is written. Counts of files and links. */
export interface CaptureChanges {
  readonly previous: RestorePoint | null;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** What the previous snapshot holds; 0 where there is none. */
  readonly filesBefore: number;
}

/** What an extension wants of the snapshot about to be written; null: nothing special. */
export interface CaptureAdvice {
  /** Instead of `auto-<machine>`. */
  readonly label: Label;
}

/** What a change of the repository's refs means. */
export type RefsVerdict = 'nothing' | 'snapshot_soon' | 'snapshot_now';

/**
 * What other features add to the watch loop. Each method is optional and is called one at a time, in the order of the list; the
 * loop waits for it. What a method throws is kept as the watcher's last error and stops nothing: a snapshot is better than none.
 */
export interface WatchExtension {
  /** For messages. */
  readonly name: string;
  /** Before the vault is looked at, outside the vault lock, once per capture that has something to look at. */
  beforeCapture?(signal: AbortSignal): Promise<void>;
  /** After the scan, inside the vault lock: keep it short, make no request. */
  afterScan?(changes: CaptureChanges): Promise<CaptureAdvice | null>;
  /** After a capture ended, outside the vault lock: taken (in the store, or local with its `publishError`) or unchanged. */
  afterSnapshot?(outcome: SnapshotOutcome, signal: AbortSignal): Promise<void>;
  /** After a capture or an upload of what waits failed; `kind` busy and pending are no failures and are not told. */
  afterFailure?(error: HoldfastError, signal: AbortSignal): Promise<void>;
  /** HEAD, a ref, or packed-refs may have changed; decides whether that asks for a snapshot, and when. */
  refsChanged?(signal: AbortSignal): Promise<RefsVerdict>;
  /** About once a minute while the watcher runs, for what depends on time alone (a stale snapshot); must be cheap and make no request. */
  tick?(signal: AbortSignal): Promise<void>;
}
