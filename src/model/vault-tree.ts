import { type ByteString } from '../lib/bytes.ts';
import type { ObjectId } from './ids.ts';

/**
 * Bits of the `flags` column. Who fills in ids adds and clears its own bits and leaves the others alone: `racy`,
 * `byException` and `leavesVault` are the scanner's and must survive until the next scan.
 */
export const entryFlags = {
  /** `ids` holds the entry's object (for a folder: its tree). */
  hasId: 1,
  /** Touched so close to when it was read that its times cannot prove it unchanged: read it again next time. */
  racy: 2,
  /** Changed while being read; stored as read. */
  unstable: 4,
  /** A large file: `ids` names the tree of its chunks. */
  chunked: 8,
  /** Could not be read (or vanished, or a folder with nothing in scope): has no object, is left out of trees. */
  absent: 16,
  /** In scope although a rule ignores it: git tracks it, or something below it is in scope. */
  byException: 32,
  /** A link whose target, taken by its words alone, lies outside the vault. */
  leavesVault: 64,
  /**
   * A log beside a SQLite database (`-wal`, `-shm`, `-journal`) that was captured whole, what its log held included: absent, and
   * not to be read again before it changes.
   */
  foldedLog: 128,
} as const;

/** S_IFMT and the kinds a tree holds, as in `stat.mode`. */
export const modeBits = { kindMask: 0o170000, file: 0o100000, link: 0o120000, folder: 0o040000 } as const;

/** Fewer stale rows than these (5 MB) are not worth a new tree. */
const staleRowsMin = 65_536;

/** How much room a tree starts with; it grows as needed. */
export interface TreeCapacity {
  readonly entries: number;
  readonly folders: number;
  readonly nameBytes: number;
}

/**
 * The captured working tree, in columns: one row an entry (file, link or folder), the rows of one folder side by side
 * in git's tree order, names as bytes in one buffer. A row costs about 80 bytes, so a million files fit; no object is made
 * per file. The same value is the stat cache on disk, what a scan returns, and the tree the watcher keeps in memory.
 *
 * Folders are numbered in the order of their runs of rows, and a folder comes after its parent: walking folders from the last to the
 * first meets children before parents. Rows of a folder never move once written.
 */
export class VaultTree {
  /** Rows in use. */
  entryCount = 0;
  /** `stat.mode`: kind and permission bits. */
  modes: Uint32Array;
  flags: Uint8Array;
  sizes: Float64Array;
  /** Milliseconds since the epoch, with the fraction the system gives. */
  mtimes: Float64Array;
  ctimes: Float64Array;
  inodes: Float64Array;
  /** 20 bytes an entry. */
  ids: Uint8Array;
  nameStarts: Uint32Array;
  nameLengths: Uint16Array;
  /** For folders: the folder number; -1 otherwise. */
  childFolders: Int32Array;

  names: Uint8Array;
  namesSize = 0;
  /** Rows that no folder's run holds any more: they were written anew. */
  staleRows = 0;
  /** Of a fork: where the runs of the whole tree began, and the runs written since, in order of their rows. */
  wholeStarts: Uint32Array | null = null;
  wholeFolderCount = 0;
  laterStarts: number[] = [];
  laterFolders: number[] = [];

  /** Folders in use; folder 0 is the vault itself. */
  folderCount = 0;
  folderEntryStarts: Uint32Array;
  folderEntryCounts: Uint32Array;
  /** Row of the folder in its parent; -1 for the root. */
  folderRows: Int32Array;
  folderParents: Int32Array;
  /** 20 bytes a folder: its node in the metadata tree; zeros when not built. */
  metadataIds: Uint8Array;
  /** 1 when the folder's node in the metadata tree is a blob (no folders below), 0 when it is a tree. */
  metadataIsLeaf: Uint8Array;
  /** Hash of all ignore rules in force inside the folder: equal means verdicts still hold. */
  folderRules: Float64Array;

  constructor(capacity: TreeCapacity = { entries: 1024, folders: 128, nameBytes: 16384 }) {
    const { entries, folders } = capacity;
    this.modes = new Uint32Array(entries);
    this.flags = new Uint8Array(entries);
    this.sizes = new Float64Array(entries);
    this.mtimes = new Float64Array(entries);
    this.ctimes = new Float64Array(entries);
    this.inodes = new Float64Array(entries);
    this.ids = new Uint8Array(entries * 20);
    this.nameStarts = new Uint32Array(entries);
    this.nameLengths = new Uint16Array(entries);
    this.childFolders = new Int32Array(entries);
    this.names = new Uint8Array(capacity.nameBytes);
    this.folderEntryStarts = new Uint32Array(folders);
    this.folderEntryCounts = new Uint32Array(folders);
    this.folderRows = new Int32Array(folders);
    this.folderParents = new Int32Array(folders);
    this.metadataIds = new Uint8Array(folders * 20);
    this.metadataIsLeaf = new Uint8Array(folders);
    this.folderRules = new Float64Array(folders);
  }

  /** True when rows of long ago take more room than is fair. */
  get isWorn(): boolean {
    return this.staleRows > staleRowsMin && this.staleRows > this.entryCount / 4;
  }

  name(entry: number): ByteString {
    const start = this.nameStarts[entry]!;
    return Buffer.from(this.names.buffer, this.names.byteOffset + start, this.nameLengths[entry]).toString('latin1');
  }

  /** The entry's object id in hex. Only where `hasId` is set. */
  id(entry: number): ObjectId {
    return Buffer.from(this.ids.buffer, this.ids.byteOffset + entry * 20, 20).toString('hex') as ObjectId;
  }

  isFolder(entry: number): boolean {
    return (this.modes[entry]! & modeBits.kindMask) === modeBits.folder;
  }

  isLink(entry: number): boolean {
    return (this.modes[entry]! & modeBits.kindMask) === modeBits.link;
  }

  /** Path of a folder relative to the vault, '' for the vault itself. */
  folderPath(folder: number): ByteString {
    const parts: ByteString[] = [];
    for (let at = folder; at > 0; at = this.folderParents[at]!) parts.push(this.name(this.folderRows[at]!));
    return parts.reverse().join('/');
  }

  /** The folder a row stands in, by binary search over the folders' runs. */
  folderOf(entry: number): number {
    const { laterStarts, laterFolders, wholeStarts } = this;
    if (laterStarts.length > 0 && entry >= laterStarts[0]!)
      return laterFolders[lastAtOrBefore(laterStarts, entry, laterStarts.length)]!;
    if (wholeStarts !== null) return lastAtOrBefore(wholeStarts, entry, this.wholeFolderCount);
    return lastAtOrBefore(this.folderEntryStarts, entry, this.folderCount);
  }

  /** Path of an entry relative to the vault. */
  path(entry: number): ByteString {
    const folder = this.folderPath(this.folderOf(entry));
    return folder === '' ? this.name(entry) : `${folder}/${this.name(entry)}`;
  }

  /** The row at a path, absent ones included; -1 when there is none. */
  find(path: ByteString): number {
    let folder = 0;
    let row = -1;
    for (const name of path.split('/')) {
      if (folder < 0) return -1;
      row = this.findInFolder(folder, name);
      if (row < 0) return -1;
      folder = this.childFolders[row]!;
    }
    return row;
  }

  /** The row of a name in one folder; -1 when there is none. */
  findInFolder(folder: number, name: ByteString): number {
    if (folder >= this.folderCount) return -1;
    const start = this.folderEntryStarts[folder]!;
    const end = start + this.folderEntryCounts[folder]!;
    // A file and a folder of one name stand in different places, so both are looked for.
    for (const asFolder of [false, true]) {
      let low = start;
      let high = end;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.compareName(middle, name, asFolder) < 0) low = middle + 1;
        else high = middle;
      }
      if (low < end && this.compareName(low, name, asFolder) === 0) return low;
    }
    return -1;
  }

  /** Compares a row with a name in git's tree order: negative when the row comes first, 0 for the same name and kind. */
  compareName(entry: number, name: ByteString, nameIsFolder: boolean): number {
    const start = this.nameStarts[entry]!;
    const kept = { start, length: this.nameLengths[entry]!, isFolder: this.isFolder(entry) };
    return compareNameBytes(this.names, kept, { name, isFolder: nameIsFolder });
  }

  /** Makes room for `count` more rows. Replaces the columns, so aliases taken before are stale. */
  reserveEntries(count: number): void {
    const needed = this.entryCount + count;
    if (needed <= this.modes.length) return;
    const room = Math.max(needed, this.modes.length * 2);
    this.modes = grown(this.modes, new Uint32Array(room));
    this.flags = grown(this.flags, new Uint8Array(room));
    this.sizes = grown(this.sizes, new Float64Array(room));
    this.mtimes = grown(this.mtimes, new Float64Array(room));
    this.ctimes = grown(this.ctimes, new Float64Array(room));
    this.inodes = grown(this.inodes, new Float64Array(room));
    this.ids = grown(this.ids, new Uint8Array(room * 20));
    this.nameStarts = grown(this.nameStarts, new Uint32Array(room));
    this.nameLengths = grown(this.nameLengths, new Uint16Array(room));
    this.childFolders = grown(this.childFolders, new Int32Array(room));
  }

  reserveFolders(count: number): void {
    const needed = this.folderCount + count;
    if (needed <= this.folderRows.length) return;
    const room = Math.max(needed, this.folderRows.length * 2);
    this.folderEntryStarts = grown(this.folderEntryStarts, new Uint32Array(room));
    this.folderEntryCounts = grown(this.folderEntryCounts, new Uint32Array(room));
    this.folderRows = grown(this.folderRows, new Int32Array(room));
    this.folderParents = grown(this.folderParents, new Int32Array(room));
    this.metadataIds = grown(this.metadataIds, new Uint8Array(room * 20));
    this.metadataIsLeaf = grown(this.metadataIsLeaf, new Uint8Array(room));
    this.folderRules = grown(this.folderRules, new Float64Array(room));
  }

  reserveNames(byteCount: number): void {
    const needed = this.namesSize + byteCount;
    if (needed <= this.names.length) return;
    this.names = grown(this.names, new Uint8Array(Math.max(needed, this.names.length * 2)));
  }

  /** Starts the next folder's run of rows at the end. `parent` and `row` say where it hangs; -1 both for the vault. */
  addFolder(parent: number, row: number): number {
    this.reserveFolders(1);
    const folder = this.folderCount++;
    this.folderEntryStarts[folder] = this.entryCount;
    this.folderEntryCounts[folder] = 0;
    this.folderRows[folder] = row;
    this.folderParents[folder] = parent;
    return folder;
  }

  /** Writes a row's name at the end of `names`. */
  writeName(entry: number, name: ByteString): void {
    const length = name.length;
    this.reserveNames(length);
    const { names, namesSize } = this;
    for (let i = 0; i < length; i++) names[namesSize + i] = name.charCodeAt(i);
    this.nameStarts[entry] = namesSize;
    this.nameLengths[entry] = length;
    this.namesSize = namesSize + length;
  }
}

/**
 * Compares a name kept as bytes with a byte string, in git's tree order (a folder counts as its name plus '/').
 * Zero only for the same name and the same kind.
 */
export function compareNameBytes(
  names: Uint8Array,
  kept: { readonly start: number; readonly length: number; readonly isFolder: boolean },
  other: { readonly name: ByteString; readonly isFolder: boolean },
): number {
  const { start, length } = kept;
  const { name } = other;
  const common = Math.min(length, name.length);
  for (let i = 0; i < common; i++) {
    const difference = names[start + i]! - name.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  // No name holds '/' or NUL, so the next byte always decides unless both names end here.
  const keptNext = length > common ? names[start + common]! : kept.isFolder ? 47 : 0;
  const otherNext = name.length > common ? name.charCodeAt(common) : other.isFolder ? 47 : 0;
  return keptNext - otherNext;
}

/** Empty runs start where the next one does, so the last run that starts at or before the row is the one. */
function lastAtOrBefore(starts: ArrayLike<number>, entry: number, count: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (starts[middle]! <= entry) low = middle;
    else high = middle - 1;
  }
  return low;
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
