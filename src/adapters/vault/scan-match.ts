import { entryFlags, modeBits } from '../../model/vault-tree.ts';
import type { FolderListing } from './scan-listing.ts';
import type { Verdict } from './scan-judge.ts';
import type { Measure } from './scan-memory.ts';
import type { WalkBase } from './scan-plan.ts';

const reusedFlags = entryFlags.hasId | entryFlags.chunked | entryFlags.leavesVault;
const foldedFlags = entryFlags.absent | entryFlags.foldedLog;
const rereadFlags = entryFlags.racy | entryFlags.unstable | entryFlags.absent;

/**
 * Pairs the names of one listing with the rows of the same folder in the base, both sorted the same way, so that no
 * table of paths is needed. Holds the pairs of one folder at a time.
 */
export class BaseMatch {
  readonly base: WalkBase | null;
  /** For each name of the listing, its row in the base tree or -1; filled by `match`. */
  rows = new Int32Array(256);
  /** For each name, its row among the base's ignored names or -1. */
  ignoredRows = new Int32Array(256);

  constructor(base: WalkBase | null) {
    this.base = base;
  }

  /** Pairs a listing with a folder of the base (-1: none). Returns true when the base has an entry that is gone. */
  match(listing: FolderListing, baseFolder: number): boolean {
    const { count } = listing;
    if (count > this.rows.length) {
      this.rows = new Int32Array(count);
      this.ignoredRows = new Int32Array(count);
    }
    if (this.base === null || baseFolder < 0) {
      this.rows.fill(-1, 0, count);
      this.ignoredRows.fill(-1, 0, count);
      return false;
    }
    const { tree, ignored } = this.base;
    let row = tree.folderEntryStarts[baseFolder]!;
    const rowEnd = row + tree.folderEntryCounts[baseFolder]!;
    let ignoredRow = ignored.firstRow(baseFolder);
    const ignoredEnd = ignored.endRow(baseFolder);
    let hasGone = false;
    for (let i = 0; i < count; i++) {
      const name = listing.names[i]!;
      const isFolder = listing.isFolder(i);
      let order = 1;
      while (row < rowEnd && (order = tree.compareName(row, name, isFolder)) < 0)
        hasGone = this.#isLive(row++) || hasGone;
      this.rows[i] = row < rowEnd && order === 0 ? row++ : -1;
      order = 1;
      while (ignoredRow < ignoredEnd && (order = ignored.compareName(ignoredRow, name, isFolder)) < 0) ignoredRow++;
      this.ignoredRows[i] = ignoredRow < ignoredEnd && order === 0 ? ignoredRow++ : -1;
    }
    while (row < rowEnd) hasGone = this.#isLive(row++) || hasGone;
    return hasGone;
  }

  /** True when name `i` was part of the vault. */
  wasThere(i: number): boolean {
    return this.rows[i]! >= 0 && this.#isLive(this.rows[i]!);
  }

  /** True when verdicts reached in the base's folder are still right. */
  holds(baseFolder: number, rulesHash: number): boolean {
    return this.base !== null && baseFolder >= 0 && this.base.tree.folderRules[baseFolder] === rulesHash;
  }

  /** The verdict reached on name `i` before, where the folder's rules hold; null when it must be judged anew. */
  verdict(i: number, mode: number): Verdict | null {
    const { tree, ignored, isTrackingSame } = this.base!;
    const row = this.rows[i]!;
    if (row >= 0) {
      if (((tree.modes[row]! ^ mode) & modeBits.kindMask) !== 0) return null;
      if ((tree.flags[row]! & entryFlags.byException) === 0) return 'in';
      return isTrackingSame ? 'exception' : null;
    }
    const ignoredRow = this.ignoredRows[i]!;
    return ignoredRow >= 0 && isTrackingSame ? ignored.origin(ignoredRow) : null;
  }

  /** The flags that name `i` keeps because its stat data prove it unchanged; 0 when it must be read. */
  unchangedFlags(i: number, listing: FolderListing): number {
    const row = this.rows[i]!;
    if (row < 0) return 0;
    const { tree } = this.base!;
    const flags = tree.flags[row]!;
    const isFolded = (flags & entryFlags.foldedLog) !== 0;
    const isSame =
      (flags & (isFolded ? entryFlags.racy : rereadFlags)) === 0 &&
      (flags & (entryFlags.hasId | entryFlags.foldedLog)) !== 0 &&
      tree.sizes[row] === listing.sizes[i] &&
      tree.mtimes[row] === listing.mtimes[i] &&
      tree.ctimes[row] === listing.ctimes[i] &&
      tree.inodes[row] === listing.inodes[i] &&
      tree.modes[row] === listing.modes[i];
    if (isSame && isFolded) return foldedFlags;
    return isSame ? flags & reusedFlags : 0;
  }

  /** Row of a base folder in its parent; -1 when there is none. */
  rowOfFolder(baseFolder: number): number {
    return this.base === null || baseFolder < 0 ? -1 : this.base.tree.folderRows[baseFolder]!;
  }

  /** True when name `i` has other permission bits than in the base. */
  hasOtherMode(i: number, listing: FolderListing): boolean {
    const row = this.rows[i]!;
    return row >= 0 && this.base!.tree.modes[row] !== listing.modes[i];
  }

  /** The folder of the base that name `i` stood for; -1 when there is none. */
  childFolder(i: number): number {
    const row = this.rows[i]!;
    return row < 0 ? -1 : this.base!.tree.childFolders[row]!;
  }

  copyId(i: number, ids: Uint8Array, row: number): void {
    const from = this.rows[i]! * 20;
    const to = row * 20;
    const baseIds = this.base!.tree.ids;
    for (let k = 0; k < 20; k++) ids[to + k] = baseIds[from + k]!;
  }

  /** What name `i`, an ignored folder, was found to hold. */
  measure(i: number): Measure | null {
    const row = this.ignoredRows[i]!;
    return row < 0 ? null : this.base!.ignored.measure(row);
  }

  #isLive(row: number): boolean {
    return (this.base!.tree.flags[row]! & entryFlags.absent) === 0;
  }
}
