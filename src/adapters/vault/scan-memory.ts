import type { ByteString } from '../../lib/bytes.ts';
import { compareNameBytes } from '../../model/vault-tree.ts';
import { type Column, packColumns, unpackColumns } from '../../format/stat-cache-format.ts';
import type { IgnoreBook, RuleOrigin } from './ignore-book.ts';

/** What an ignored folder holds, and when that was counted. */
export interface Measure {
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly atLeast: boolean;
  readonly measuredAtMs: number;
  /** The folder's own mtime then. */
  readonly mtimeMs: number;
}

const rowFlags = { folder: 1, measured: 2, atLeast: 4 } as const;

/**
 * The names a scan left out, folder by folder in the order of the tree's folder numbers and in git's tree order within,
 * in columns like the tree itself. Kept between scans so that a name is not tested again and an ignored folder not
 * counted again.
 */
export class IgnoredNames {
  rowCount = 0;
  folderCount = 0;
  namesSize = 0;
  /** Row at which a folder's names start. */
  starts: Uint32Array = new Uint32Array(256);
  /** Row after a folder's last name. */
  ends: Uint32Array = new Uint32Array(256);
  names: Uint8Array = new Uint8Array(1024);
  nameStarts: Uint32Array = new Uint32Array(64);
  nameLengths: Uint16Array = new Uint16Array(64);
  flags: Uint8Array = new Uint8Array(64);
  /** Position in `origins`. */
  originNumbers: Uint32Array = new Uint32Array(64);
  fileCounts: Float64Array = new Float64Array(64);
  sizes: Float64Array = new Float64Array(64);
  measuredAts: Float64Array = new Float64Array(64);
  mtimes: Float64Array = new Float64Array(64);
  origins: RuleOrigin[] = [];
  readonly #numbers = new Map<RuleOrigin, number>();
  /** The folder that `add` adds to. */
  #folder = 0;

  /** Starts the next folder; called once for each folder of the tree, in order. */
  beginFolder(): void {
    if (this.folderCount === this.starts.length) this.reserveFolders(this.folderCount);
    this.rewriteFolder(this.folderCount++);
  }

  /** What is added from here on stands in this folder, in place of what stood there. */
  rewriteFolder(folder: number): void {
    this.#folder = folder;
    this.starts[folder] = this.rowCount;
    this.ends[folder] = this.rowCount;
  }

  reserveFolders(count: number): void {
    const room = this.starts.length + count;
    this.starts = widened(this.starts, new Uint32Array(room));
    this.ends = widened(this.ends, new Uint32Array(room));
  }

  /** The same names folder by folder, as a scan of everything would have put them. */
  compact(): IgnoredNames {
    const compact = new IgnoredNames();
    compact.append(this);
    return compact;
  }

  firstRow(folder: number): number {
    return folder < this.folderCount ? this.starts[folder]! : this.rowCount;
  }

  endRow(folder: number): number {
    return folder < this.folderCount ? this.ends[folder]! : this.rowCount;
  }

  /** A copy in which folders can be rewritten while this one stays as it is; names and counts are shared. It cannot be encoded. */
  fork(book: IgnoreBook): IgnoredNames {
    const fork = Object.assign(new IgnoredNames(), this);
    fork.starts = this.starts.slice();
    fork.ends = this.ends.slice();
    fork.origins = this.origins.map(({ reason, source, pattern }) => book.origin(reason, source, pattern));
    for (const [number, origin] of fork.origins.entries()) fork.#numbers.set(origin, number);
    return fork;
  }

  add(
    name: ByteString,
    entry: {
      readonly isFolder: boolean;
      readonly origin: RuleOrigin;
      readonly mtimeMs: number;
      readonly sizeBytes: number;
    },
  ): number {
    this.#makeRoom(name.length);
    const row = this.rowCount++;
    for (let i = 0; i < name.length; i++) this.names[this.namesSize + i] = name.charCodeAt(i);
    this.nameStarts[row] = this.namesSize;
    this.nameLengths[row] = name.length;
    this.namesSize += name.length;
    this.flags[row] = entry.isFolder ? rowFlags.folder : 0;
    this.originNumbers[row] = this.originNumber(entry.origin);
    this.sizes[row] = entry.isFolder ? 0 : entry.sizeBytes;
    this.mtimes[row] = entry.mtimeMs;
    this.ends[this.#folder] = this.rowCount;
    return row;
  }

  originNumber(origin: RuleOrigin): number {
    let number = this.#numbers.get(origin);
    if (number === undefined) {
      number = this.origins.push(origin) - 1;
      this.#numbers.set(origin, number);
    }
    return number;
  }

  origin(row: number): RuleOrigin {
    return this.origins[this.originNumbers[row]!]!;
  }

  name(row: number): ByteString {
    const start = this.names.byteOffset + this.nameStarts[row]!;
    return Buffer.from(this.names.buffer, start, this.nameLengths[row]).toString('latin1');
  }

  isFolder(row: number): boolean {
    return (this.flags[row]! & rowFlags.folder) !== 0;
  }

  /** Compares in git's tree order: negative when the row comes first, 0 for the same name and kind. */
  compareName(row: number, name: ByteString, nameIsFolder: boolean): number {
    const kept = { start: this.nameStarts[row]!, length: this.nameLengths[row]!, isFolder: this.isFolder(row) };
    return compareNameBytes(this.names, kept, { name, isFolder: nameIsFolder });
  }

  measure(row: number): Measure | null {
    const flags = this.flags[row]!;
    if ((flags & rowFlags.measured) === 0) return null;
    return {
      fileCount: this.fileCounts[row]!,
      sizeBytes: this.sizes[row]!,
      atLeast: (flags & rowFlags.atLeast) !== 0,
      measuredAtMs: this.measuredAts[row]!,
      mtimeMs: this.mtimes[row]!,
    };
  }

  setMeasure(row: number, measure: Measure): void {
    this.flags[row] =
      (this.flags[row]! & rowFlags.folder) | rowFlags.measured | (measure.atLeast ? rowFlags.atLeast : 0);
    this.fileCounts[row] = measure.fileCount;
    this.sizes[row] = measure.sizeBytes;
    this.measuredAts[row] = measure.measuredAtMs;
    this.mtimes[row] = measure.mtimeMs;
  }

  /** Appends the names of a part of the vault, whose folders follow those here. Origins must be the same objects. */
  append(part: IgnoredNames): void {
    for (let folder = 0; folder < part.folderCount; folder++) {
      this.beginFolder();
      this.appendFolder(part, folder);
    }
  }

  /** Adds one folder's names of another; to the folder begun or rewritten last. */
  appendFolder(part: IgnoredNames, folder: number): void {
    for (let row = part.firstRow(folder); row < part.endRow(folder); row++) {
      const added = this.add(part.name(row), {
        isFolder: part.isFolder(row),
        origin: part.origin(row),
        mtimeMs: part.mtimes[row]!,
        sizeBytes: part.sizes[row]!,
      });
      const measure = part.measure(row);
      if (measure !== null) this.setMeasure(added, measure);
    }
  }

  /** Encodes for the stat cache; `header` comes back from `decode`. */
  encode(header: { readonly signature: string | null }): Uint8Array {
    const { rowCount: rows } = this;
    const pieces = packColumns({ ...header, origins: this.origins }, [
      this.starts.subarray(0, this.folderCount),
      this.names.subarray(0, this.namesSize),
      this.nameStarts.subarray(0, rows),
      this.nameLengths.subarray(0, rows),
      this.flags.subarray(0, rows),
      this.originNumbers.subarray(0, rows),
      this.fileCounts.subarray(0, rows),
      this.sizes.subarray(0, rows),
      this.measuredAts.subarray(0, rows),
      this.mtimes.subarray(0, rows),
    ]);
    const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Decodes what `encode` made; null for anything else. */
  static decode(bytes: Uint8Array, book: IgnoreBook): { names: IgnoredNames; signature: string | null } | null {
    const unpacked = unpackColumns(bytes);
    if (unpacked === null || unpacked.columns.length !== 10) return null;
    const { signature, origins } = unpacked.header as { signature: string | null; origins: RuleOrigin[] };
    const [starts, names, ...rest] = unpacked.columns as [Uint32Array, Uint8Array, ...Column[]];
    const kept = new IgnoredNames();
    kept.starts = starts;
    kept.names = names;
    kept.nameStarts = rest[0] as Uint32Array;
    kept.nameLengths = rest[1] as Uint16Array;
    kept.flags = rest[2] as Uint8Array;
    kept.originNumbers = rest[3] as Uint32Array;
    kept.fileCounts = rest[4] as Float64Array;
    kept.sizes = rest[5] as Float64Array;
    kept.measuredAts = rest[6] as Float64Array;
    kept.mtimes = rest[7] as Float64Array;
    kept.rowCount = kept.nameStarts.length;
    kept.folderCount = starts.length;
    // Written folder by folder: where one ends the next begins.
    kept.ends = new Uint32Array(starts.length);
    kept.ends.set(starts.subarray(1));
    if (starts.length > 0) kept.ends[starts.length - 1] = kept.rowCount;
    kept.namesSize = names.length;
    kept.origins = origins.map(({ reason, source, pattern }) => book.origin(reason, source, pattern));
    return { names: kept, signature };
  }

  #makeRoom(nameBytes: number): void {
    if (this.rowCount === this.nameStarts.length) {
      const room = this.rowCount * 2;
      this.nameStarts = widened(this.nameStarts, new Uint32Array(room));
      this.nameLengths = widened(this.nameLengths, new Uint16Array(room));
      this.flags = widened(this.flags, new Uint8Array(room));
      this.originNumbers = widened(this.originNumbers, new Uint32Array(room));
      this.fileCounts = widened(this.fileCounts, new Float64Array(room));
      this.sizes = widened(this.sizes, new Float64Array(room));
      this.measuredAts = widened(this.measuredAts, new Float64Array(room));
      this.mtimes = widened(this.mtimes, new Float64Array(room));
    }
    if (this.namesSize + nameBytes > this.names.length) {
      this.names = widened(this.names, new Uint8Array(Math.max(this.names.length * 2, this.namesSize + nameBytes)));
    }
  }
}

function widened<T extends Column>(from: T, to: T): T {
  to.set(from);
  return to;
}
