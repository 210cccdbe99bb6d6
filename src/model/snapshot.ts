import type { ByteString } from '../lib/bytes.ts';
import type { Label, ObjectId, Sha256, SnapshotId } from './ids.ts';
import type { LedgerEntry, Notice, Problem } from './problem.ts';

/** Why a snapshot was taken. */
export type SnapshotKind = 'manual' | 'auto' | 'pre-rollback' | 'run';

/** A pack in the store that a snapshot was the first to need. */
export interface PackRef {
  /** Storage key of the `.pack`, relative to the store root; the index has the same name ending in `.idx`. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly indexSizeBytes: number;
  readonly indexSha256: Sha256;
  readonly objectCount: number;
}

/** What changed against the machine's previous snapshot. Counts are of files and links. */
export interface SnapshotCounts {
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** Bytes of all captured file contents. */
  readonly sizeBytes: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Bytes of the packs this snapshot wrote: what it cost to store. */
  readonly storedBytes: number;
}

/** A ref of the user's repository, name as a byte string. */
export interface GitRef {
  readonly name: ByteString;
  readonly id: ObjectId;
}

/** The state of the user's own repository when the snapshot was taken. */
export interface GitState {
  /** The commit HEAD resolves to, or null on an unborn branch. */
  readonly head: ObjectId | null;
  /** The full ref name HEAD points to ("refs/heads/main"), or null when detached. */
  readonly branch: ByteString | null;
  readonly refs: readonly GitRef[];
  /** Tips only reachable from reflogs and stashes; kept so that retention keeps them reachable. */
  readonly extraRoots: readonly ObjectId[];
  /** Contents of `.git/shallow`, empty for a whole repository. */
  readonly shallow: readonly ObjectId[];
  /** "merge", "rebase", "cherry-pick", "revert", "bisect": whatever was under way. */
  readonly operations: readonly string[];
  /** True when every object of the repository is in the store, so the history beneath the snapshot is whole. */
  readonly historyComplete: boolean;
}

/** The published document of one snapshot: `snapshots/<id>/snapshot.json`. Its presence is the commit point. */
export interface SnapshotRecord {
  readonly id: SnapshotId;
  readonly label: Label;
  readonly kind: SnapshotKind;
  /** When the capture began, by this machine's clock, UTC with milliseconds. */
  readonly takenAt: string;
  /** How long capture took, in milliseconds. */
  readonly durationMs: number;
  readonly vault: { readonly id: string; readonly name: string };
  readonly machine: { readonly id: string; readonly name: string; readonly user: string };
  /** Version of holdfast that wrote it. */
  readonly writer: string;
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  /** The metadata commit: times, full modes, empty folders. */
  readonly metadata: ObjectId;
  readonly packs: readonly PackRef[];
  /** This machine's previous snapshot, against which `counts` was made; null for its first. */
  readonly base: SnapshotId | null;
  /** The machine's chain of records: 1, 2, 3, ... and the SHA-256 of the previous record's bytes. */
  readonly chain: { readonly sequence: number; readonly previous: Sha256 | null };
  readonly counts: SnapshotCounts;
  /** True when every in-scope path was stored. */
  readonly complete: boolean;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  readonly ledger: readonly LedgerEntry[];
  readonly git: GitState | null;
}
