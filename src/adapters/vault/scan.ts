import { statSync } from 'node:fs';
import { byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Scan, ScanOptions } from '../../ports/working-tree.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { IgnoreBook } from './ignore-book.ts';
import { IgnoreContext } from './ignore-context.ts';
import { readIgnoreBook } from './ignore-sources.ts';
import { drawLedger } from './ledger.ts';
import { measureIgnored } from './ledger-measure.ts';
import { keepLiveScan, liveScanOf } from './live-scan.ts';
import { ScopeJudge } from './scan-judge.ts';
import { scanMarked } from './scan-marked.ts';
import type { FolderIdentity } from './scan-listing.ts';
import { IgnoredNames } from './scan-memory.ts';
import { scanNotices } from './scan-notices.ts';
import { Pace } from './scan-pace.ts';
import type { PendingFolder, WalkBase, WalkSettings } from './scan-plan.ts';
import { settleFolders } from './scan-settle.ts';
import { walkAll } from './scan-walk-all.ts';
import { VaultWalk } from './scan-walk.ts';

export interface ScanSettings {
  /** Absolute path of the vault. */
  readonly root: string;
  /** Folders that are never captured and never listed as left out, relative to the vault ('_restore'). */
  readonly denied: readonly ByteString[];
  /** Folder of the snapshot index, always in scope ('state/log'); null when it is not in the vault. */
  readonly logFolder: ByteString | null;
  readonly gitignore: boolean;
  readonly allowSecrets: boolean | readonly string[];
  readonly oneFileSystem: boolean;
  /** Bytes; null for no limit. */
  readonly maxFileSize: number | null;
  readonly now: () => number;
  /** For tests: how many threads scan besides this one. By default it depends on how much there is. */
  readonly threadCount?: number | undefined;
}

// File systems stamp times from a clock that ticks up to every 2 s (FAT), so a later write can bear an equal time.
const racyMarginMs = 2000;

/**
 * Scans the vault: see `WorkingTree.scan`.
 * @throws {HoldfastError} `vault_missing` when the vault is gone or not a folder, `local_io` when it cannot be read
 */
export async function scanVault(settings: ScanSettings, options: ScanOptions): Promise<Scan> {
  const startedAtMs = settings.now();
  const identity = lookAtVault(settings.root);
  const book = new IgnoreBook(readIgnoreBook(settings, options.ignore));
  const judge = new ScopeJudge(book, options.tracked === null ? null : () => options.tracked!.load());
  const walkSettings = walkSettingsOf(settings, identity, startedAtMs);
  const marked = { book, judge, settings: walkSettings, identity, startedAtMs, now: settings.now };
  const partial = await scanMarked(options, { ...marked, pace: new Pace(options.signal) });
  if (partial !== null) return partial;
  const base = baseOf(options, book);
  const walk = new VaultWalk(walkSettings, { book, judge, base });
  const pace = new Pace(options.signal, () => options.onProgress?.(walk.tree.entryCount));

  startAtRoot(walk, { settings, identity, book, hasBase: base !== null });
  await walkAll(walk, {
    pace,
    book,
    threadCount: settings.threadCount,
    setup: {
      settings: walkSettings,
      book: book.data,
      base: base === null ? null : { ...base, memory: memoryBytesOf(options.base!.memory) },
      hasTracked: options.tracked !== null,
    },
  });

  const { tree, ignored } = walk;
  const foldersChanged = settleFolders(walk, base?.tree ?? null);
  await measureIgnored(tree, ignored, { rootPath: walkSettings.rootPath, nowMs: settings.now(), pace });
  const { tracked } = options;
  const memory = ignored.encode({ signature: tracked?.signature ?? null });
  const dirty = Uint32Array.from(walk.dirty);
  const { ledger, problems, counts } = walk;
  const live = { bookHash: book.hash, tracked, ignored, ledger, problems, counts, doubtful: book.doubtful, dirty };
  keepLiveScan(memory, live);
  return {
    tree,
    dirty,
    changed: base === null || walk.changed || foldersChanged,
    ledger: drawLedger(tree, ignored, walk.ledger),
    problems: walk.problems,
    notices: scanNotices(walk.counts, book.doubtful),
    startedAtMs,
    memory,
  };
}

function lookAtVault(root: string): FolderIdentity {
  try {
    const stats = statSync(root);
    if (stats.isDirectory()) return { device: stats.dev, inode: stats.ino };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR')
      throw vaultUnreadable(root, systemCode(error));
  }
  throw new HoldfastError('vault_missing', `The vault ${JSON.stringify(root)} is not there, or is not a folder.`, {
    hint: 'Check the path; if it is on another disk, connect that disk first. Nothing was changed.',
  });
}

function vaultUnreadable(root: string, code: string): HoldfastError {
  return new HoldfastError('local_io', `The vault ${JSON.stringify(root)} cannot be read (${code}).`, {
    hint: 'Check its permissions and the disk, then run the command again. Nothing was changed.',
  });
}

function walkSettingsOf(settings: ScanSettings, identity: FolderIdentity, startedAtMs: number): WalkSettings {
  const denied = new Map<ByteString, Set<ByteString>>([['', new Set(['.git'])]]);
  for (const path of settings.denied) {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    denied.set(folder, (denied.get(folder) ?? new Set()).add(path.slice(slash + 1)));
  }
  return {
    rootPath: `${byteStringOfText(settings.root).replace(/\/+$/, '')}/`,
    rootDevice: identity.device,
    denied,
    oneFileSystem: settings.oneFileSystem,
    maxFileSize: settings.maxFileSize,
    racyFromMs: startedAtMs - racyMarginMs,
  };
}

/** The last scan, when it can be compared with: its memory must be whole and belong to its tree. */
function baseOf({ base, tracked }: ScanOptions, book: IgnoreBook): WalkBase | null {
  if (base === null || base.tree.folderCount === 0) return null;
  const memory = IgnoredNames.decode(memoryBytesOf(base.memory), book);
  if (memory === null || memory.names.folderCount !== base.tree.folderCount) return null;
  return {
    tree: base.tree,
    ignored: memory.names,
    isTrackingSame: memory.signature === (tracked?.signature ?? null),
  };
}

/** A tree that was put together from scans of a few folders has its memory in this process only. */
function memoryBytesOf(memory: Uint8Array): Uint8Array {
  const live = memory.length > 0 ? null : liveScanOf(memory);
  return live === null ? memory : live.ignored.compact().encode({ signature: live.tracked?.signature ?? null });
}

/** Reads the vault's own folder. Unlike a folder in it, it must be readable: an empty scan would look like an empty vault. */
function startAtRoot(
  walk: VaultWalk,
  at: { settings: ScanSettings; identity: FolderIdentity; book: IgnoreBook; hasBase: boolean },
): void {
  const root: PendingFolder = {
    path: '',
    parent: -1,
    row: -1,
    baseFolder: at.hasBase ? 0 : -1,
    identity: at.identity,
    context: IgnoreContext.ofBook(at.book),
    isException: false,
    isOuter: false,
  };
  const failure = walk.visit(root);
  if (failure !== null) throw vaultUnreadable(at.settings.root, failure);
}
