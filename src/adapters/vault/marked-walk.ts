import { lstatSync, type Stats } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { IgnoreBook } from './ignore-book.ts';
import { IgnoreContext } from './ignore-context.ts';
import { readRuleFile } from './ignore-sources.ts';
import { type LiveScan } from './live-scan.ts';
import type { ScopeJudge } from './scan-judge.ts';
import { diskPath, type FolderIdentity } from './scan-listing.ts';
import type { Pace } from './scan-pace.ts';
import type { PendingFolder, WalkSettings } from './scan-plan.ts';
import { VaultWalk } from './scan-walk.ts';

/** With more folders to look at than this, looking at everything costs hardly more. */
export const foldersMax = 5000;

export interface MarkedScanParts {
  readonly book: IgnoreBook;
  readonly judge: ScopeJudge;
  readonly settings: WalkSettings;
  readonly identity: FolderIdentity;
  readonly pace: Pace;
  readonly startedAtMs: number;
  readonly now: () => number;
}

/** Plans and makes the visits of one scan of marked folders. */
export class MarkedWalk {
  readonly part: VaultWalk;
  /** For each folder of the part: the folder of the base it replaces, or -1. */
  readonly baseOf: number[] = [];
  /** Rows of the part whose folder was not looked at, with the folder of the base that stays. */
  readonly kept = new Map<number, number>();
  /** What the disk says of folders looked at by themselves, by number in the base. */
  readonly stats = new Map<number, Stats>();
  readonly #tree: VaultTree;
  readonly #live: LiveScan;
  readonly #parts: MarkedScanParts;
  readonly #retracked: readonly ByteString[];
  readonly #visited = new Set<number>();
  readonly #keptBase = new Set<number>();
  readonly #wanted = new Set<number>();
  readonly #contexts = new Map<number, IgnoreContext>();

  constructor(
    tree: VaultTree,
    options: {
      readonly live: LiveScan;
      readonly parts: MarkedScanParts;
      /** Paths whose being tracked by git changed. */
      readonly retracked: readonly ByteString[];
    },
  ) {
    const { live, parts, retracked } = options;
    this.#tree = tree;
    this.#live = live;
    this.#parts = parts;
    this.#retracked = retracked;
    const base = { tree, ignored: live.ignored.fork(parts.book), isTrackingSame: retracked.length === 0 };
    this.part = new VaultWalk(parts.settings, { book: parts.book, judge: parts.judge, base, isSmall: true });
  }

  /** Returns false when there is so much to look at that it may as well be everything. */
  plan(marked: ReadonlySet<ByteString>): boolean {
    if (marked.size > foldersMax) return false;
    for (const path of marked) this.#want(this.#folderAt(path));
    for (const path of this.#retracked) this.#wantJudged(path);
    // Nobody watches our own log, and every snapshot writes to it.
    const { logFolder } = this.#parts.book.data;
    if (logFolder !== null) this.#want(this.#folderAt(logFolder));
    if (!this.#wantSuspects()) return false;
    // A folder with other rules than before is looked at itself, so that what is in it is judged anew.
    for (const folder of this.#wanted) {
      for (let at = folder; at > 0;) {
        at = this.#tree.folderParents[at]!;
        if (this.#contextIn(at).hash !== this.#tree.folderRules[at]) this.#want(at);
      }
    }
    return this.#wanted.size <= foldersMax;
  }

  /** Returns false when the vault moved under us in a way that only a whole scan can follow. */
  async walk(): Promise<boolean> {
    const { pace } = this.#parts;
    const ordered = [...this.#wanted].sort((a, b) => this.#depth(a) - this.#depth(b) || a - b);
    for (const folder of ordered) {
      if (this.#visited.has(folder) || !this.#isStillThere(folder)) continue;
      if (!this.#visit(this.#pendingOf(folder), true)) return false;
      for (let next = this.part.pending.pop(); next !== undefined; next = this.part.pending.pop()) {
        if (this.#mayKeep(next)) {
          this.kept.set(next.row, next.baseFolder);
          this.#keptBase.add(next.baseFolder);
        } else {
          this.#visit(next, false);
        }
        if (pace.isDue) await pace.rest();
      }
    }
    return true;
  }

  hasVisited(folder: number): boolean {
    return this.#visited.has(folder);
  }

  /** Folders of the base that were looked at again, and those that are gone. */
  replacedFolders(): number[] {
    const replaced: number[] = [];
    const waiting = [...this.#visited];
    const { childFolders, folderEntryStarts, folderEntryCounts } = this.#tree;
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      replaced.push(folder);
      const end = folderEntryStarts[folder]! + folderEntryCounts[folder]!;
      for (let row = folderEntryStarts[folder]!; row < end; row++) {
        const child = childFolders[row]!;
        if (child >= 0 && !this.#visited.has(child) && !this.#keptBase.has(child)) waiting.push(child);
      }
    }
    return replaced;
  }

  /** Rows without content, or read while they changed, are looked at every time, as a whole scan would. So is what a problem names. */
  #wantSuspects(): boolean {
    const { dirty, problems, ledger } = this.#live;
    for (const row of dirty) {
      const flags = this.#tree.flags[row]!;
      const isSuspect = (flags & (entryFlags.absent | entryFlags.unstable)) !== 0;
      if (isSuspect && (flags & entryFlags.foldedLog) === 0) this.#want(this.#tree.folderOf(row));
    }
    const special = ledger.rows.filter(({ reason }) => reason === 'special_file');
    if (problems.length + special.length > foldersMax) return false;
    for (const { path } of [...problems, ...special]) {
      this.#want(this.#folderAt(path));
      this.#want(this.#folderAt(folderPathOf(path)));
    }
    return true;
  }

  /** Being tracked overrules an ignore rule, for a file and for the folders that lead to it: those that were so reached are judged anew. */
  #wantJudged(path: ByteString): void {
    let folder = this.#folderAt(folderPathOf(path));
    this.#want(folder);
    while (this.#isException(folder)) {
      folder = this.#tree.folderParents[folder]!;
      this.#want(folder);
    }
  }

  /** A folder that is not what it was is for the one above it to find out. */
  #want(folder: number): void {
    let at = folder;
    while (at > 0 && !this.#isSame(at)) at = this.#tree.folderParents[at]!;
    this.#wanted.add(at);
  }

  #isSame(folder: number): boolean {
    if (this.stats.has(folder)) return true;
    const { rootPath, rootDevice } = this.#parts.settings;
    try {
      const stats = lstatSync(diskPath(rootPath + this.#tree.folderPath(folder)));
      const inode = this.#tree.inodes[this.#tree.folderRows[folder]!];
      if (!stats.isDirectory() || stats.ino !== inode || stats.dev !== rootDevice) return false;
      this.stats.set(folder, stats);
      return true;
    } catch {
      return false;
    }
  }

  /** The folder of the base at a path, or the nearest above it. */
  #folderAt(path: ByteString): number {
    const tree = this.#tree;
    let folder = 0;
    for (const name of path === '' ? [] : path.split('/')) {
      const row = tree.findInFolder(folder, name);
      const child = row < 0 ? -1 : tree.childFolders[row]!;
      if (child < 0) break;
      folder = child;
    }
    return folder;
  }

  #depth(folder: number): number {
    let depth = 0;
    for (let at = folder; at > 0; at = this.#tree.folderParents[at]!) depth++;
    return depth;
  }

  /** False when a folder above was looked at and no longer leads here. */
  #isStillThere(folder: number): boolean {
    for (let at = folder; at > 0; at = this.#tree.folderParents[at]!) {
      if (this.#visited.has(this.#tree.folderParents[at]!)) return this.#keptBase.has(at) || this.#visited.has(at);
    }
    return true;
  }

  #visit(folder: PendingFolder, isTop: boolean): boolean {
    const failure = this.part.visit(folder);
    if (isTop && (failure === 'vanished' || failure === 'replaced' || (failure !== null && folder.path === '')))
      return false;
    this.baseOf.push(folder.baseFolder);
    if (folder.baseFolder >= 0) this.#visited.add(folder.baseFolder);
    return true;
  }

  /** A known folder that nothing marked stays as it is, unless other rules hold for it now. */
  #mayKeep({ baseFolder, parent, identity, isException }: PendingFolder): boolean {
    if (baseFolder < 0 || this.#wanted.has(baseFolder)) return false;
    const tree = this.#tree;
    const row = tree.folderRows[baseFolder]!;
    const flags = tree.flags[row]!;
    const parentBase = this.baseOf[parent]!;
    return (
      (flags & entryFlags.absent) === 0 &&
      ((flags & entryFlags.byException) !== 0) === isException &&
      tree.inodes[row] === identity.inode &&
      parentBase >= 0 &&
      tree.folderRules[parentBase] === this.part.tree.folderRules[parent]
    );
  }

  #pendingOf(folder: number): PendingFolder {
    const { identity, settings } = this.#parts;
    const inode = folder === 0 ? identity.inode : this.stats.get(folder)!.ino;
    return {
      path: this.#tree.folderPath(folder),
      parent: -1,
      row: -1,
      baseFolder: folder,
      identity: { device: settings.rootDevice, inode },
      context: this.#contextAbove(folder),
      isException: this.#isException(folder),
      isOuter: true,
    };
  }

  #isException(folder: number): boolean {
    return folder > 0 && (this.#tree.flags[this.#tree.folderRows[folder]!]! & entryFlags.byException) !== 0;
  }

  #contextAbove(folder: number): IgnoreContext {
    return folder === 0 ? IgnoreContext.ofBook(this.#parts.book) : this.#contextIn(this.#tree.folderParents[folder]!);
  }

  #contextIn(folder: number): IgnoreContext {
    let context = this.#contexts.get(folder);
    if (context === undefined) {
      const path = this.#tree.folderPath(folder);
      const above = this.#contextAbove(folder);
      context = this.#isException(folder) ? above.enterIgnored(path) : above.enter(path, this.#rulesIn(path));
      this.#contexts.set(folder, context);
    }
    return context;
  }

  #rulesIn(path: ByteString): ByteString | null {
    if (!this.#parts.book.data.readsGitignore) return null;
    const prefix = path === '' ? '' : `${path}/`;
    const file = diskPath(`${this.#parts.settings.rootPath}${prefix}.gitignore`);
    return lstatSync(file, { throwIfNoEntry: false }) === undefined ? null : readRuleFile(file);
  }
}

function folderPathOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
