import type { ByteString } from '../lib/bytes.ts';
import type { LedgerEntry, Notice, Problem } from '../model/problem.ts';
import type { VaultTree } from '../model/vault-tree.ts';
import type { KnownObjects, ObjectWriter } from './object-writer.ts';

/** Paths in the user's git index. Git's ignore rules do not apply to them: what is tracked is always in scope. */
export interface TrackedPaths {
  hasFile(path: ByteString): boolean;
  /** True when something below this folder is tracked, so an ignored folder must still be entered. */
  hasFolder(path: ByteString): boolean;
  /** Paths tracked here or in `before` but not in both, in byte order; null when more than `countMax`, or hard to tell. */
  changedSince(before: TrackedPaths, countMax: number): readonly ByteString[] | null;
}

/** Where git's ignore rules come from besides the `.gitignore` files inside the vault. */
export interface IgnoreSources {
  /** Path of the vault inside its repository ('' when it is the repository, or there is none), ending in '/' otherwise. */
  readonly vaultPrefix: ByteString;
  /** `core.ignoreCase`. */
  readonly ignoreCase: boolean;
  /** Absolute path of `core.excludesFile` or its default; null when there is none. */
  readonly excludesFile: string | null;
  /** Absolute path of `$GIT_DIR/info/exclude`; null outside a repository. */
  readonly infoExclude: string | null;
  /** Absolute folders from the repository's root down to the vault's parent, whose `.gitignore` files apply. */
  readonly outerFolders: readonly string[];
}

export interface ScanOptions {
  readonly ignore: IgnoreSources;
  /** The index's paths; `signature` changes when the index does, `load` reads it. Null outside a repository. */
  readonly tracked: { readonly signature: string; load(): TrackedPaths } | null;
  /** What the last scan saw; entries whose stat data match it keep their ids. Null: everything is read. */
  readonly base: StatCache | null;
  /**
   * Look at these folders alone (new ones in them whole) and take the rest from `base`. Null or absent: everything. The scanner
   * looks at everything all the same where the rest may not be as it was.
   */
  readonly onlyFolders?: ReadonlySet<ByteString> | null;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((filesSeen: number) => void) | undefined;
}

/** Files whose bytes differ from (or are not in) the base, as rows of the tree, in scan order. */
export type DirtyEntries = Uint32Array;

export interface Scan {
  readonly tree: VaultTree;
  readonly dirty: DirtyEntries;
  /** Contents or kinds may have changed against the base: something is dirty, new, gone, or has other permission bits. */
  readonly changed: boolean;
  readonly ledger: readonly LedgerEntry[];
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** When only some folders were looked at: those, and those that are gone, by number. Numbers of the base still hold. */
  readonly part?: { readonly readFolders: readonly number[]; readonly goneFolders: readonly number[] };
  /** Clock reading (ms) before the first stat: entries changed after it less a margin are racy. */
  readonly startedAtMs: number;
  /** What the scanner wants back next time besides the tree: verdicts, sizes of ignored folders. Opaque. */
  readonly memory: Uint8Array;
}

/** What is kept between scans of one vault. */
export interface StatCache {
  readonly tree: VaultTree;
  readonly memory: Uint8Array;
  /** The snapshot this tree became, and the store it is in; ids are only trusted while both hold. */
  readonly snapshotId: string;
  readonly storeId: string;
  /** View of the store's packs when saved; another value means packs may have gone and ids need checking. */
  readonly storeGeneration: string;
  /** What `GitRepository.captureHistory` last looked at; equal next time means nothing to do. Null: look. */
  readonly historyFingerprint: string | null;
}

export interface IngestOptions {
  readonly scan: Scan;
  readonly writer: ObjectWriter;
  readonly known: KnownObjects;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((filesDone: number, bytesDone: number) => void) | undefined;
}

/**
 * The vault on disk, read only. Never follows a link, never opens what is not a regular file, never reads through a
 * folder that was swapped for a link; names are bytes.
 */
export interface WorkingTree {
  /** Absolute path of the vault. */
  readonly root: string;
  /** Walks everything in scope: git's ignore rules, `.syncignore`, secrets and hard denies applied. */
  scan(options: ScanOptions): Promise<Scan>;
  /**
   * Reads every dirty entry, hashes it, hands new objects to the writer and fills `ids` and `flags` of the scan's tree.
   * Files that changed, vanished or were swapped while read come back as problems and notices.
   */
  ingest(
    options: IngestOptions,
  ): Promise<{ readonly problems: readonly Problem[]; readonly notices: readonly Notice[] }>;
  /** Current bytes of one file (or target of a link) for diffs; null when it is not there or not a file or link. */
  read(path: ByteString, options: { sizeBytesMax: number }): Promise<LiveFile | null>;
}

export interface LiveFile {
  readonly kind: 'file' | 'link';
  readonly executable: boolean;
  readonly sizeBytes: number;
  /** Null when larger than the limit asked for. */
  readonly content: Uint8Array | null;
}

/** Keeps the stat cache between runs. A damaged or foreign cache reads as null: it is only a cache. */
export interface StatCacheFile {
  load(): Promise<StatCache | null>;
  save(cache: StatCache): Promise<void>;
}
