import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { VaultTree } from '../model/vault-tree.ts';
import type { GitState } from '../model/snapshot.ts';
import type { Notice, Problem } from '../model/problem.ts';
import type { KnownObjects, ObjectWriter, SealedPack } from './object-writer.ts';
import type { IgnoreSources, TrackedPaths } from './working-tree.ts';

export interface HistoryCapture {
  readonly state: GitState;
  /** Packs copied whole into the writer's directory; objects taken one by one went to the writer itself. */
  readonly copiedPacks: readonly SealedPack[];
  readonly newObjectCount: number;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** Fingerprint of what was looked at (pack names, loose folders, refs); equal next time means nothing to do. */
  readonly fingerprint: string;
}

/** Where a branch is pushed to, by its settings. Byte strings. */
export interface Upstream {
  readonly remote: ByteString;
  /** Full name of the branch there. */
  readonly branch: ByteString;
  /** The ref here that says where it was when last seen. */
  readonly trackedBy: ByteString;
}

/** Files of the work tree against the index. */
export interface WorkCounts {
  readonly dirty: number;
  readonly untracked: number;
}

/** What `status` says about the repository; null fields are unknown. */
export interface RepositorySummary {
  readonly branch: ByteString | null;
  readonly head: string | null;
  readonly operations: readonly string[];
  /** Commits on local branches that no remote-tracking ref contains; null when it could not be worked out cheaply. */
  readonly unpushedCommits: number | null;
  readonly hasRemote: boolean;
  /** Null when detached, or the branch has none. */
  readonly upstream: Upstream | null;
  /** Commits the branch has and its upstream had not when last seen, and the other way round; null when unknown. */
  readonly ahead: number | null;
  readonly behind: number | null;
}

/**
 * The user's own repository: the one whose work tree root is the vault. (A vault in a subfolder of a repository honours
 * its ignore rules, but its history is not the vault's to capture.) Read only and without the git program: nothing here takes a lock, writes a file, starts
 * a process or fetches. What it cannot read rightly (SHA-256, reftable, a broken alternates file) it leaves out and
 * says so; it never half reads.
 */
export interface GitRepository {
  ignoreSources(): Promise<IgnoreSources>;
  /** Paths in the index (versions 2 to 4); null outside a repository or where the index cannot be read rightly. */
  trackedPaths(): Promise<{ readonly signature: string; load(): TrackedPaths } | null>;
  /** Refs, HEAD, stash, shallow list, operations under way. Null when the vault is not inside a readable repository. */
  readState(): Promise<{ readonly state: GitState | null; readonly notices: readonly Notice[] }>;
  /**
   * Adds every object of the repository that is not known to the store, by set difference of object names. Packs mostly
   * new are copied whole; single objects are re-encoded. (Prune will count what it dropped on purpose as known, so that
   * it is not captured again.)
   */
  captureHistory(options: {
    readonly writer: ObjectWriter;
    readonly known: KnownObjects;
    readonly previousFingerprint: string | null;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((objectsDone: number, objectsTotal: number) => void) | undefined;
  }): Promise<HistoryCapture | null>;
  /** Bytes the repository's objects take on disk: about what capturing the whole history adds. 0 without a repository. */
  historyBytes(): Promise<number>;
  /**
   * What git is in the middle of in the repository the vault is in: "merge", "rebase", ..., "conflict" for an index with unresolved
   * paths; and the lock files that are there. Both empty outside a repository.
   */
  underWay(): Promise<{ readonly operations: readonly string[]; readonly locks: readonly string[] }>;
  summary(): Promise<RepositorySummary | null>;
  /** Counts changed and untracked files from a scan; `except` is a folder of ours. Null when the index cannot tell. */
  countWork(work: { readonly tree: VaultTree; readonly except: ByteString }): Promise<WorkCounts | null>;
  /** True when `older` is `newer` or among its ancestors; null when that would take reading too much. */
  isAncestor(older: ObjectId, newer: ObjectId): Promise<boolean | null>;
  /** True when git would ignore this folder (a byte path relative to the vault); true outside a repository. */
  ignoresFolder(path: ByteString): Promise<boolean>;
}
