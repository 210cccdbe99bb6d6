import { readlinkSync } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import type { Problem } from '../../model/problem.ts';
import { entryFlags, modeBits, VaultTree } from '../../model/vault-tree.ts';
import type { IgnoreBook, RuleOrigin } from './ignore-book.ts';
import type { IgnoreContext } from './ignore-context.ts';
import { readRuleFile } from './ignore-sources.ts';
import { LedgerNotes } from './ledger.ts';
import { leavesVault } from './scan-link-target.ts';
import { diskPath, FolderListing, type ListingFailure } from './scan-listing.ts';
import { BaseMatch } from './scan-match.ts';
import type { PendingFolder, WalkBase, WalkSettings } from './scan-plan.ts';
import { IgnoredNames } from './scan-memory.ts';
import type { ScopeJudge, Verdict } from './scan-judge.ts';
import { clauseOf, ScanCounts } from './scan-notices.ts';

/** Marks a folder whose coming and going is no change of the vault. */
export const exemptFolder = -2;

/**
 * Reads folders one by one into the columns of a new tree. Verdicts and object ids are taken over from the base where
 * nothing that they rest on has changed. A walk may hold a part of the vault only: `append` joins parts.
 */
export class VaultWalk {
  readonly tree: VaultTree;
  readonly ignored = new IgnoredNames();
  readonly ledger = new LedgerNotes();
  readonly problems: Problem[] = [];
  readonly counts = new ScanCounts();
  readonly pending: PendingFolder[] = [];
  /** Folders that another thread must judge. */
  readonly deferred: PendingFolder[] = [];
  /** Folders that could not be read. */
  readonly absentFolders: number[] = [];
  /** For each folder, its row in the base: -1 for none, or `exemptFolder`. */
  readonly baseRows: number[] = [];
  /** Folders whose parents are in another walk's tree. */
  readonly outerFolders: number[] = [];
  /** Rows to be read, ascending. */
  readonly dirty: number[] = [];
  changed = false;
  readonly #settings: WalkSettings;
  readonly #book: IgnoreBook;
  readonly #judge: ScopeJudge;
  readonly #listing = new FolderListing();
  readonly #match: BaseMatch;
  #verdicts: Verdict[] = [];

  constructor(
    settings: WalkSettings,
    parts: {
      readonly book: IgnoreBook;
      readonly judge: ScopeJudge;
      readonly base: WalkBase | null;
      /** Only a few folders will be read. */
      readonly isSmall?: boolean;
    },
  ) {
    this.#settings = settings;
    this.#book = parts.book;
    this.#judge = parts.judge;
    this.#match = new BaseMatch(parts.base);
    const base = parts.isSmall === true ? undefined : parts.base?.tree;
    this.tree = new VaultTree({
      entries: (base?.entryCount ?? 0) + 1024,
      folders: (base?.folderCount ?? 0) + 128,
      nameBytes: (base?.namesSize ?? 0) + 16384,
    });
  }

  /** Reads one folder and puts its subfolders on `pending`. Returns why it failed, or null. */
  visit(folder: PendingFolder): ListingFailure | null {
    const { path, identity } = folder;
    const prefix = path === '' ? '' : `${path}/`;
    const listing = this.#listing;
    const denied = this.#settings.denied.get(path);
    const failure = listing.read(this.#settings.rootPath + prefix, { identity, denied, isRoot: path === '' });
    if (failure !== null) {
      this.#giveUp(folder, failure);
      return failure;
    }
    const context = folder.isException
      ? folder.context.enterIgnored(path)
      : folder.context.enter(path, this.#readGitignore(prefix));
    const hasGone = this.#match.match(listing, folder.baseFolder);
    const within = { folder, prefix, context, isExempt: context.state === 'everything' };
    if (!this.#judgeAll(within)) {
      this.deferred.push(folder);
      return null;
    }
    this.#beginFolder(folder, context.hash);
    if (hasGone && !within.isExempt) this.changed = true;
    this.#writeAll(within);
    this.counts.vanished += listing.vanished;
    for (const { name, code } of listing.unreadable) this.#addUnreadable(prefix + name, code);
    return null;
  }

  #readGitignore(prefix: ByteString): ByteString | null {
    if (!this.#book.data.readsGitignore || !this.#listing.names.includes('.gitignore')) return null;
    return readRuleFile(diskPath(`${this.#settings.rootPath}${prefix}.gitignore`));
  }

  /** Returns false when a verdict needs the tracked paths and this thread lacks them; nothing is recorded then. */
  #judgeAll({ folder, prefix, context }: Within): boolean {
    const { names, modes, count } = this.#listing;
    const verdicts = this.#verdicts;
    verdicts.length = count;
    const holds = this.#match.holds(folder.baseFolder, context.hash);
    for (let i = 0; i < count; i++) {
      let verdict = holds ? this.#match.verdict(i, modes[i]!) : null;
      if (verdict === null) {
        const kind = modes[i]! & modeBits.kindMask;
        const name = names[i]!;
        const entry = { path: prefix + name, name, isFolder: kind === modeBits.folder, isLink: kind === modeBits.link };
        verdict = this.#judge.judge(context, entry);
      }
      if (verdict === 'unknown') return false;
      verdicts[i] = verdict;
    }
    return true;
  }

  #beginFolder(folder: PendingFolder, rulesHash: number): number {
    const number = this.tree.addFolder(folder.parent, folder.row);
    this.tree.folderRules[number] = rulesHash;
    if (folder.isOuter) this.outerFolders.push(number);
    else if (folder.row >= 0) this.tree.childFolders[folder.row] = number;
    this.ignored.beginFolder();
    this.baseRows[number] = this.#book.leadsToLog(folder.path)
      ? exemptFolder
      : this.#match.rowOfFolder(folder.baseFolder);
    return number;
  }

  #giveUp(folder: PendingFolder, failure: ListingFailure): void {
    const { path } = folder;
    this.absentFolders.push(this.#beginFolder(folder, 0));
    if (failure === 'vanished') {
      this.counts.vanished++;
      return;
    }
    if (failure === 'replaced') {
      this.problems.push({ path, code: 'replaced_while_read', message: 'the folder was replaced while it was read' });
    } else {
      const code = failure === 'name_too_long' ? 'name_too_long' : 'unreadable_folder';
      this.problems.push({ path, code, message: clauseOf(this.#listing.failureCode) });
    }
    this.ledger.addPath(`${path}/`, 'unreadable', { fileCount: 0, sizeBytes: 0, atLeast: true });
  }

  #addUnreadable(path: ByteString, systemCode: string): void {
    const code = systemCode === 'ENAMETOOLONG' ? 'name_too_long' : 'unreadable_file';
    this.problems.push({ path, code, message: clauseOf(systemCode) });
    this.ledger.addPath(path, 'unreadable', { fileCount: 1, sizeBytes: 0, atLeast: true });
  }

  #writeAll(within: Within): void {
    const { count } = this.#listing;
    const { tree } = this;
    tree.reserveEntries(count);
    for (let i = 0; i < count; i++) {
      const verdict = this.#verdicts[i]!;
      if (typeof verdict !== 'object' && this.#isStorable(i, within)) {
        this.#writeRow(i, within, verdict);
        continue;
      }
      // Git no longer tracks it, say: on the disk nothing moved, and the vault has one file less.
      if (!within.isExempt && this.#match.wasThere(i)) this.changed = true;
      if (typeof verdict === 'object') this.#leaveOut(i, within, verdict);
    }
    const number = tree.folderCount - 1;
    tree.folderEntryCounts[number] = tree.entryCount - tree.folderEntryStarts[number]!;
  }

  #leaveOut(i: number, { prefix }: Within, origin: RuleOrigin): void {
    const listing = this.#listing;
    const name = listing.names[i]!;
    const isFolder = listing.isFolder(i);
    const mtimeMs = listing.mtimes[i]!;
    const row = this.ignored.add(name, { isFolder, origin, mtimeMs, sizeBytes: listing.sizes[i]! });
    if (origin.reason === 'nested_repository') this.counts.nestedRepositories++;
    if (!isFolder) {
      this.ledger.addFile(prefix + name, origin, listing.sizes[i]!);
      return;
    }
    const measure = this.#match.measure(i);
    if (measure?.mtimeMs === mtimeMs) this.ignored.setMeasure(row, measure);
  }

  /** Leaves out what cannot or may not be stored whatever the rules say, and says so. */
  #isStorable(i: number, { folder, prefix }: Within): boolean {
    const listing = this.#listing;
    const mode = listing.modes[i]!;
    const kind = mode & modeBits.kindMask;
    if (listing.devices[i] !== folder.identity.device && !this.#mayCross(i, prefix)) return false;
    if (kind === modeBits.folder || kind === modeBits.link) return true;
    const sizeBytes = listing.sizes[i]!;
    const { maxFileSize } = this.#settings;
    const isFile = kind === modeBits.file;
    if (isFile && (maxFileSize === null || sizeBytes <= maxFileSize)) return true;
    const path = prefix + listing.names[i]!;
    if (isFile) {
      this.problems.push({ path, code: 'too_large', message: `larger than maxFileSize (${sizeBytes} bytes)` });
      this.ledger.addPath(path, 'too_large', { fileCount: 1, sizeBytes });
    } else {
      this.counts.addSpecial(mode);
      this.ledger.addPath(path, 'special_file', { fileCount: 1, sizeBytes: 0 });
    }
    return false;
  }

  /** Something is mounted here. */
  #mayCross(i: number, prefix: ByteString): boolean {
    const listing = this.#listing;
    const { rootDevice, oneFileSystem } = this.#settings;
    this.counts.mountPoints++;
    if (!oneFileSystem || listing.devices[i] === rootDevice) return true;
    const path = prefix + listing.names[i]!;
    if (listing.isFolder(i)) {
      this.ledger.addPath(`${path}/`, 'other_filesystem', { fileCount: 0, sizeBytes: 0, atLeast: true });
    } else {
      this.ledger.addPath(path, 'other_filesystem', { fileCount: 1, sizeBytes: listing.sizes[i]! });
    }
    return false;
  }

  #writeRow(i: number, within: Within, verdict: Verdict): void {
    const { tree } = this;
    const listing = this.#listing;
    const row = tree.entryCount++;
    const mode = listing.modes[i]!;
    tree.writeName(row, listing.names[i]!);
    tree.modes[row] = mode;
    tree.sizes[row] = listing.sizes[i]!;
    tree.mtimes[row] = listing.mtimes[i]!;
    tree.ctimes[row] = listing.ctimes[i]!;
    tree.inodes[row] = listing.inodes[i]!;
    tree.childFolders[row] = -1;
    tree.flags[row] = verdict === 'exception' ? entryFlags.byException : 0;
    if ((mode & 0o7000) !== 0) this.counts.specialModes++;
    if (listing.isFolder(i)) this.#addSubfolder(i, within, row);
    else this.#keepOrRead(i, within, row);
  }

  #addSubfolder(i: number, { prefix, context, isExempt }: Within, row: number): void {
    const listing = this.#listing;
    if (!isExempt && this.#match.hasOtherMode(i, listing)) this.changed = true;
    this.pending.push({
      path: prefix + listing.names[i]!,
      parent: this.tree.folderCount - 1,
      row,
      baseFolder: this.#match.childFolder(i),
      identity: { device: listing.devices[i]!, inode: listing.inodes[i]! },
      context,
      isException: (this.tree.flags[row]! & entryFlags.byException) !== 0,
      isOuter: false,
    });
  }

  /** A file or link: takes over the id when nothing happened to it, or puts it on the list of what must be read. */
  #keepOrRead(i: number, within: Within, row: number): void {
    const { tree } = this;
    const listing = this.#listing;
    let flags = this.#match.unchangedFlags(i, listing);
    if (flags !== 0) {
      this.#match.copyId(i, tree.ids, row);
    } else {
      this.dirty.push(row);
      if (!within.isExempt) this.changed = true;
      if (listing.ctimes[i]! >= this.#settings.racyFromMs) flags |= entryFlags.racy;
      if (tree.isLink(row) && this.#leavesVault(i, within)) flags |= entryFlags.leavesVault;
    }
    if ((flags & entryFlags.leavesVault) !== 0) this.counts.linksOutside++;
    tree.flags[row]! |= flags;
  }

  #leavesVault(i: number, { folder, prefix }: Within): boolean {
    const { rootPath } = this.#settings;
    try {
      const target = readlinkSync(diskPath(rootPath + prefix + this.#listing.names[i]!), 'latin1');
      return leavesVault(target, folder.path, rootPath);
    } catch {
      return false;
    }
  }
}

/** The folder being judged and written. */
interface Within {
  readonly folder: PendingFolder;
  /** Its path ending in '/', '' for the vault. */
  readonly prefix: ByteString;
  readonly context: IgnoreContext;
  /** True where changes are no change of the vault. */
  readonly isExempt: boolean;
}
