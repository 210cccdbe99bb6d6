import { type ByteString } from '../lib/bytes.ts';
import type { ObjectId } from './ids.ts';

/** Bits of the `flags` column. */
export const entryFlags = {
  /** `ids` holds the entry's object (for a folder: its tree). */
  hasId: 1,
  /** Touched so close to when it was read that its times cannot prove it unchanged: read it again next time. */
  racy: 2,
  /** Changed while being read; stored as read. */
  unstable: 4,
  /** A large file: `ids` names the tree of its chunks. */
  chunked: 8,
  /** Could not be read (or vanished): has no object, is left out of trees. */
  absent: 16,
} as const;

/** S_IFMT and the kinds a tree holds, as in `stat.mode`. */
export const modeBits = { kindMask: 0o170000, file: 0o100000, link: 0o120000, folder: 0o040000 } as const;

/**
 * The captured working tree, in columns: one row an entry (file, link or folder), the rows of one folder side by side
 * in git's tree order, names as bytes in one buffer. A row costs about 60 bytes, so a million files fit; no object is made per
 * file. The same value is the stat cache on disk, what a scan returns, and the tree the watcher keeps in memory.
 *
 * Rows of a folder never move once written. A folder that changes gets a new run of rows at the end (`replaceFolder`).
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

  constructor(
    capacity: { entries: number; folders: number; nameBytes: number } = {
      entries: 1024,
      folders: 128,
      nameBytes: 16384,
    },
  ) {
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
}
