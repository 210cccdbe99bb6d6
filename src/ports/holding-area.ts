import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { Problem } from '../model/problem.ts';

/** Where a file's bytes come from: an undeltified entry in a range of pack bytes, or bytes already decoded. */
export interface FileToWrite {
  /** Path relative to the restore's root, a byte string. Parents must have been created with `createFolder`. */
  readonly path: ByteString;
  readonly id: ObjectId;
  /** Permission bits to set (0o7777 at most; set-id and sticky bits are dropped). */
  readonly permissions: number;
  /** Milliseconds since the epoch, null to leave as written. */
  readonly mtimeMs: number | null;
  /** Offset of the entry in the batch's `bytes`, for `packed` batches. */
  readonly start: number;
  readonly end: number;
}

/** A batch of files whose pack entries lie in one run of bytes. Every object is hashed against `id` before it is written. */
export interface PackedBatch {
  /** Given away: the caller must not use it afterwards. */
  readonly bytes: Uint8Array;
  readonly files: readonly FileToWrite[];
}

/**
 * One restore being written below `_restore/`: a new 0700 directory that this object created, built under a name ending in
 * `.INCOMPLETE` and renamed when whole. Nothing outside it is ever written: each parent is one we created and is checked
 * to be a real directory still, files are created with O_EXCL and O_NOFOLLOW, links are made last and never written through.
 */
export interface HoldingWriter extends AsyncDisposable {
  /** Current absolute path, ending in `.INCOMPLETE` until `finish`. */
  readonly directory: string;
  createFolder(path: ByteString): void;
  /**
   * Writes many small files in parallel. Returns the problems; a file whose bytes do not hash to its id is not written and is a
   * problem `damaged`, so that one bad object does not cost the others.
   */
  writePacked(batch: PackedBatch): Promise<readonly Problem[]>;
  /** Writes one file from pieces in order (large, chunked or deltified files). */
  writeFile(
    file: Omit<FileToWrite, 'start' | 'end' | 'id'>,
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<readonly Problem[]>;
  /** Remembers a link; made by `finish`, after every file. */
  addLink(path: ByteString, target: ByteString, mtimeMs: number | null): void;
  /** Remembers a folder's permissions and time; set by `finish`, deepest first. */
  setFolder(path: ByteString, permissions: number, mtimeMs: number | null): void;
  /**
   * Makes links, sets folder permissions (the owner keeps every right) and times, and, when `whole` and nothing turned out
   * `not_restored`, makes the names durable and renames to the final one. Returns where it is and late problems.
   */
  finish(options: { whole: boolean }): Promise<{ readonly directory: string; readonly problems: readonly Problem[] }>;
}

/** The holding directory `_restore/`: the only place restores write to. */
export interface HoldingArea {
  /** Name of the holding directory relative to the vault, for messages. */
  readonly name: string;
  /** Free bytes on its file system; null when the system does not say. */
  freeBytes(): Promise<number | null>;
  /**
   * Creates the holding directory if needed, with a `.gitignore` of `*` inside, so that it can be asked whether git ignores it.
   * @throws {HoldfastError} `directory_unusable` when it is a link, a file, or belongs to somebody else
   */
  prepare(): Promise<void>;
  /**
   * Prepares the holding directory, then creates a new folder `name` inside, or `name-2`, ... when taken.
   * @throws {HoldfastError} as `prepare`
   */
  begin(name: string): Promise<HoldingWriter>;
}
