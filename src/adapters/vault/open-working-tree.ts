import { isAbsolute, relative, resolve } from 'node:path';
import { byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import type { WorkingTree } from '../../ports/working-tree.ts';
import { ingestFiles } from './ingest/ingest-files.ts';
import { readLiveFile } from './live-file.ts';
import { scanVault, type ScanSettings } from './scan.ts';

export interface WorkingTreeOptions {
  /** Absolute path of the vault. */
  readonly root: string;
  /** The holding directory and the state folder: relative to the vault, or absolute. */
  readonly holdingDir: string;
  readonly stateDir: string;
  /** False: git's ignore rules do not apply, only `.syncignore` does. */
  readonly gitignore: boolean;
  /** Whether untracked files that by their names hold secrets are captured: all, or those matching patterns. */
  readonly allowSecrets: boolean | readonly string[];
  /** True: what is mounted inside the vault is left out. */
  readonly oneFileSystem: boolean;
  /** Files larger than this many bytes are problems, not captured; null for no limit. */
  readonly maxFileSize: number | null;
  /** Files larger than this many bytes are stored in chunks. */
  readonly chunkAbove: number;
  /** Private folder for copies of SQLite databases; without one they are stored as the bytes they are. */
  readonly temporaryFolder?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For tests: how many threads scan besides this one. By default it depends on how much there is. */
  readonly threadCount?: number | undefined;
}

/**
 * Opens the vault on disk. The repository's own `.git`, the holding directory and holdfast's private folder are never
 * captured, whatever the rules say; the folder of the snapshot index always is.
 */
export function openWorkingTree(options: WorkingTreeOptions): WorkingTree {
  const { root, chunkAbove, temporaryFolder } = options;
  const holding = insideVault(root, options.holdingDir);
  const state = insideVault(root, options.stateDir);
  const appendedFile = state === null ? null : `${state}/log/snapshots.ndjson`;
  const settings: ScanSettings = {
    ...options,
    denied: [holding, state === null ? null : `${state}/.holdfast`].filter((path) => path !== null),
    logFolder: state === null ? null : `${state}/log`,
  };
  return {
    root,
    scan: (scanOptions) => scanVault(settings, scanOptions),
    ingest: (ingestOptions) => ingestFiles({ ...ingestOptions, root, chunkAbove, appendedFile, temporaryFolder }),
    read: async (path, readOptions) => readLiveFile(root, path, readOptions),
  };
}

/** A folder's path relative to the vault, or null when it is not strictly inside. */
function insideVault(root: string, folder: string): ByteString | null {
  const path = relative(root, resolve(root, folder));
  if (path === '' || path === '..' || path.startsWith('../') || isAbsolute(path)) return null;
  return byteStringOfText(path);
}
