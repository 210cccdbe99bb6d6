import type { ByteString } from '../lib/bytes.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { GitRepository } from '../ports/git-repository.ts';
import type { HookRunner } from '../ports/hook-runner.ts';
import type { HoldingArea } from '../ports/holding-area.ts';
import type { LiveTree } from '../ports/live-tree.ts';
import type { AlertMemory, Notifier } from '../ports/notifier.ts';
import type { ObjectAccess } from '../ports/object-access.ts';
import type { ObjectStorage } from '../ports/object-storage.ts';
import type { RecordCache } from '../ports/record-cache.ts';
import type { RollbackJournalFile } from '../ports/rollback-journal.ts';
import type { Rehearsal } from '../ports/rehearsal.ts';
import type { SnapshotIndex } from '../ports/snapshot-index.ts';
import type { Spool } from '../ports/spool.ts';
import type { StoreEncryption } from '../ports/store-encryption.ts';
import type { TemporaryFiles } from '../ports/temporary-files.ts';
import type { VaultLock } from '../ports/vault-lock.ts';
import type { WatchState } from '../ports/watch-state.ts';
import type { StatCacheFile, WorkingTree } from '../ports/working-tree.ts';

/** Who and what this process works for. */
export interface Identity {
  readonly vault: { readonly id: string; readonly name: string; readonly root: string };
  readonly machine: { readonly id: string; readonly name: string; readonly user: string };
  /** Version of holdfast. */
  readonly writer: string;
}

export interface EngineSettings {
  /** Capture the user's repository (objects, refs, HEAD, stash). */
  readonly captureHistory: boolean;
  /** Special files make a snapshot partial. */
  readonly strict: boolean;
  /** Folder of the snapshot index, relative to the vault: captured, but no change of the vault. */
  readonly logFolder: ByteString;
  /** Addresses of the replicas; how often they are to be brought level, in ms: 0 for at once, null for by hand. */
  readonly replicas: readonly string[];
  readonly replicateEveryMs: number | null;
}

/** Everything the engine may touch. Opened by `app/compose.ts`; tests pass doubles. */
export interface Deps {
  readonly identity: Identity;
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly workingTree: WorkingTree;
  readonly statCache: StatCacheFile;
  readonly repository: GitRepository;
  /** The plain view of the store: bytes as they were before encryption, where it encrypts. */
  readonly storage: ObjectStorage;
  /** The store's bytes as they lie there. For copying objects as they are, and for what is never encrypted. */
  readonly rawStorage: ObjectStorage;
  readonly encryption: StoreEncryption;
  /** The plain view, with this store's keys, of a replica. */
  readonly plainViewOf: (replica: ObjectStorage) => ObjectStorage;
  readonly objects: ObjectAccess;
  readonly spool: Spool;
  readonly snapshotIndex: SnapshotIndex;
  readonly recordCache: RecordCache;
  readonly vaultLock: VaultLock;
  readonly holdingArea: HoldingArea;
  readonly rehearsal: Rehearsal;
  readonly temporaryFiles: TemporaryFiles;
  readonly liveTree: LiveTree;
  readonly rollbackJournal: RollbackJournalFile;
  readonly hooks: HookRunner;
  readonly watchState: WatchState;
  readonly notifier: Notifier;
  readonly alertMemory: AlertMemory;
}
