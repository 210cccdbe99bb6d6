import type { ByteString } from '../lib/bytes.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { LedgerEntry, Notice, Problem } from '../model/problem.ts';
import { modeBits, type VaultTree } from '../model/vault-tree.ts';
import type { VersioningState } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { createKeys } from './create-keys.ts';
import { ensureStore, readStoreHeader } from './ensure-store.ts';
import type { NewKey } from './publish-keys.ts';

const largestFoldersMax = 10;

export interface FolderSize {
  readonly path: ByteString;
  readonly files: number;
  readonly sizeBytes: number;
}

/** What `init` would do; nothing has been sent or written. */
export interface InitPlan {
  /** 'foreign': the store belongs to another vault, and joining it must be asked for. */
  readonly store: {
    readonly state: 'new' | 'ours' | 'foreign';
    readonly vaultName: string | null;
    readonly vaultId: string | null;
    readonly isEncrypted: boolean;
  };
  readonly versioning: VersioningState;
  readonly files: number;
  readonly sizeBytes: number;
  /** Bytes of the repository's own objects, captured as history; 0 without a repository. */
  readonly historyBytes: number;
  /** Largest first, at most ten; everything below a folder counts as its own. */
  readonly largestFolders: readonly FolderSize[];
  readonly ledger: readonly LedgerEntry[];
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
}

/** Looks at the store and the vault, and says what a first snapshot would take and leave out. */
export async function planInit(deps: Deps, options: { signal?: AbortSignal | undefined } = {}): Promise<InitPlan> {
  const header = await readStoreHeader(deps, options);
  const versioning = await versioningOf(deps, options.signal);
  deps.events.emit({ type: 'phase_started', phase: 'scan' });
  const scan = await deps.workingTree.scan({
    base: null,
    ignore: await deps.repository.ignoreSources(),
    tracked: await deps.repository.trackedPaths(),
    signal: options.signal,
  });
  const folders = folderSizes(scan.tree);
  const isOurs = header?.vaultId === deps.identity.vault.id;
  return {
    store: {
      state: header === null ? 'new' : isOurs ? 'ours' : 'foreign',
      vaultName: header?.vaultName ?? null,
      vaultId: header?.vaultId ?? null,
      isEncrypted: (header?.cipher ?? null) !== null,
    },
    versioning,
    files: folders[0]?.files ?? 0,
    sizeBytes: folders[0]?.sizeBytes ?? 0,
    historyBytes: deps.settings.captureHistory ? await deps.repository.historyBytes() : 0,
    largestFolders: folders
      .slice(1)
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, largestFoldersMax),
    ledger: scan.ledger,
    problems: scan.problems,
    notices: scan.notices,
  };
}

/**
 * Creates the store (or joins our own), turns versioning on where the storage can, and logs it. With `keys` a new store is
 * encrypted, and each of them opens it.
 */
export async function applyInit(
  deps: Deps,
  options: { keys?: readonly NewKey[] | undefined; signal?: AbortSignal | undefined } = {},
): Promise<{ readonly versioning: VersioningState }> {
  await using _lock = await deps.vaultLock.acquire('init');
  if (options.keys !== undefined) await createKeys(deps, options.keys, options);
  await ensureStore(deps, options);
  const versioning = await deps.storage.enableVersioning({ signal: options.signal });
  await deps.snapshotIndex.append({
    event: 'init',
    store: deps.storage.url,
    vaultId: deps.identity.vault.id,
    versioning,
  });
  if (options.keys !== undefined) {
    const generation = (await deps.encryption.unlock(options))?.sheet.generation ?? 1;
    for (const { name } of options.keys) {
      await deps.snapshotIndex.append({ event: 'key', action: 'create', name, generation });
    }
  }
  return { versioning };
}

async function versioningOf(deps: Deps, signal: AbortSignal | undefined): Promise<VersioningState> {
  try {
    return await deps.storage.versioning({ signal });
  } catch (error) {
    // A key that may write but not ask (A03) can still make a store.
    if (isHoldfastError(error) && error.kind === 'access') return 'unknown';
    throw error;
  }
}

/** Files and bytes below each folder, by folder number; folder 0 is the vault. */
function folderSizes(tree: VaultTree): FolderSize[] {
  const files = new Float64Array(tree.folderCount);
  const sizes = new Float64Array(tree.folderCount);
  const order: number[] = [0];
  // Parents come before their folders; the list grows while it is walked.
  for (const folder of order) {
    const start = tree.folderEntryStarts[folder]!;
    const end = start + tree.folderEntryCounts[folder]!;
    for (let row = start; row < end; row++) {
      const child = tree.childFolders[row]!;
      if (child >= 0) order.push(child);
      else if ((tree.modes[row]! & modeBits.kindMask) === modeBits.file) {
        files[folder]! += 1;
        sizes[folder]! += tree.sizes[row]!;
      }
    }
  }
  for (const folder of order.slice(1).toReversed()) {
    const parent = tree.folderParents[folder]!;
    files[parent]! += files[folder]!;
    sizes[parent]! += sizes[folder]!;
  }
  return order.map((folder) => ({ path: tree.folderPath(folder), files: files[folder]!, sizeBytes: sizes[folder]! }));
}
