import type { ByteString } from '../lib/bytes.ts';
import type { DrillComponentResult, DrillReport } from './drill-report.ts';
import type { AlertKind } from './alert.ts';
import type { Label, Sha256, SnapshotId } from './ids.ts';
import type { SnapshotKind } from './snapshot.ts';

/** What happened; one row of the index each. Sizes in bytes, durations in milliseconds. */
export type IndexEvent =
  | {
      readonly event: 'snapshot';
      readonly id: SnapshotId;
      readonly label: Label;
      readonly kind: SnapshotKind;
      readonly takenAt: string;
      /** 'local' = spooled only when this row was written. */
      readonly where: 'store' | 'local';
      readonly complete: boolean;
      readonly files: number;
      readonly sizeBytes: number;
      readonly storedBytes: number;
      readonly added: number;
      readonly changed: number;
      readonly removed: number;
      readonly durationMs: number;
      readonly recordSha256: Sha256;
      /** True for rows `reindex` wrote from the store. */
      readonly rebuilt?: boolean;
    }
  | { readonly event: 'published'; readonly id: SnapshotId; readonly recordSha256: Sha256 }
  | {
      readonly event: 'restore';
      readonly id: SnapshotId;
      readonly path: ByteString;
      readonly into: string;
      readonly files: number;
      readonly sizeBytes: number;
      readonly complete: boolean;
      readonly durationMs: number;
    }
  | {
      readonly event: 'rollback';
      /** Went back to `id`, or was given up, which put back what was there before. */
      readonly outcome: 'done' | 'aborted';
      readonly id: SnapshotId;
      /** The snapshot taken just before: what `undo` goes back to. */
      readonly safety: SnapshotId;
      readonly startedAt: string;
      readonly changed: number;
      readonly broughtBack: number;
      readonly setAside: number;
      readonly leftAlone: number;
      /** Name of the folder in the holding directory with what was set aside. */
      readonly into: string;
      /** The command that takes it back. */
      readonly undo: string;
    }
  | {
      readonly event: 'verify';
      /** Address of the store that was verified, which need not be the vault's own. */
      readonly store?: string;
      readonly depth: 'quick' | 'new' | 'full' | 'sample';
      readonly snapshots: number;
      readonly packs: number;
      readonly readBytes: number;
      readonly findings: number;
      readonly durationMs: number;
      /** Packs whose every byte was proved, by key, so that the default depth can skip them next time. */
      readonly proved: readonly string[];
    }
  | {
      readonly event: 'drill';
      readonly id: SnapshotId;
      readonly method: DrillReport['method'];
      readonly passed: boolean;
      readonly components: readonly Pick<DrillComponentResult, 'component' | 'outcome'>[];
      readonly files: number;
      readonly sizeBytes: number;
      readonly rtoMs: number;
      readonly rtoTargetMs: number;
      readonly rpoMs: number;
      readonly rpoTargetMs: number;
      readonly durationMs: number;
      /** Key of the report in the store, '' when it could not be put there. */
      readonly report: string;
    }
  /** A replica was brought level with the store. */
  | {
      readonly event: 'replicate';
      /** Its address, no secrets. */
      readonly replica: string;
      readonly snapshots: number;
      readonly objects: number;
      readonly copiedBytes: number;
      /** Objects that were not copied because their bytes in the store are not what they should be. */
      readonly damaged: number;
      readonly complete: boolean;
      readonly durationMs: number;
    }
  /** Objects the store had lost were put back. */
  | {
      readonly event: 'repair';
      /** The storage's versions, or a replica's address. */
      readonly source: string;
      readonly repaired: number;
      /** Objects the source had no genuine copy of. */
      readonly beyond: number;
      readonly snapshots: number;
      readonly durationMs: number;
    }
  /** The live mirror has the state of this snapshot. */
  | {
      readonly event: 'live';
      readonly id: SnapshotId;
      readonly written: number;
      readonly deleted: number;
      readonly leftOut: number;
    }
  | { readonly event: 'export'; readonly id: SnapshotId; readonly sizeBytes: number }
  | { readonly event: 'init'; readonly store: string; readonly vaultId: string; readonly versioning: string }
  /** The keys of an encrypted store changed; `name` is the key's, 'master' a new master key. */
  | {
      readonly event: 'key';
      readonly action: 'create' | 'add' | 'remove' | 'rotate' | 'master';
      readonly name: string;
      readonly generation: number;
    }
  | { readonly event: 'reindex'; readonly snapshots: number; readonly added: number }
  /** A snapshot was pinned, or unpinned; `reason` is '' when none was given. */
  | { readonly event: 'pin'; readonly id: SnapshotId; readonly pinned: boolean; readonly reason: string }
  | {
      readonly event: 'prune';
      /** Name of the plan; '' when nothing was dropped and only what an earlier run condemned was deleted. */
      readonly plan: string;
      readonly kept: number;
      readonly dropped: number;
      /** Bytes of packs that were condemned, that were written in their place, and that were deleted for good. */
      readonly condemnedBytes: number;
      readonly writtenBytes: number;
      readonly deletedBytes: number;
    }
  | {
      readonly event: 'alert';
      readonly kind: AlertKind;
      readonly severity: 'warning' | 'critical';
      readonly text: string;
      /** Channels it went out on. */
      readonly delivered: readonly string[];
      /** Channels it did not, each with why. */
      readonly failed: readonly string[];
    }
  /** Many paths vanished or were rewritten at once; `lastGood` is the snapshot from before. Retention waits until it is resolved. */
  | {
      readonly event: 'burst';
      readonly lastGood: SnapshotId;
      readonly removed: number;
      readonly rewritten: number;
      readonly filesBefore: number;
    }
  /** The person said that a burst is dealt with. */
  | { readonly event: 'burst_resolved'; readonly by: 'rescue' | 'prune' }
  | {
      readonly event: 'purge';
      readonly plan: string;
      readonly paths: readonly ByteString[];
      /** Snapshots written anew, objects that stood at the paths, and how many of those are still needed elsewhere. */
      readonly snapshots: number;
      readonly objects: number;
      readonly stillNeeded: number;
      readonly condemnedBytes: number;
      readonly deletedBytes: number;
      /** Earlier versions the storage kept that were deleted for good. */
      readonly deletedVersions: number;
    }
  | { readonly event: 'spool_damaged'; readonly directory: string; readonly reason: string };

/** An event as stored: who wrote it, when, and its place in that machine's chain. */
export interface IndexRow {
  readonly at: string;
  readonly machine: string;
  readonly user: string;
  readonly sequence: number;
  /** Checksum of this machine's previous row, null for its first. */
  readonly previous: Sha256 | null;
  readonly checksum: Sha256;
  readonly event: IndexEvent;
}
