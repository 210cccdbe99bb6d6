/*
 * What goes to a thread that reads files, and what comes back: columns, one element a file, so that a message is a handful
 * of arrays whatever the number of files.
 */

/** Files and links to read, all below one root. */
export interface IngestJob {
  /** Paths relative to the root as byte strings, joined by NUL (a string is the cheapest thing to send). */
  readonly paths: string;
  /** Inodes the scan saw. */
  readonly inodes: Float64Array;
  /** 1 for links. */
  readonly areLinks: Uint8Array;
}

/** How reading one file or link ended. */
export const outcomes = {
  stored: 0,
  /** Nothing is there any more. */
  vanished: 1,
  unreadable: 2,
  /** Something else is there now. */
  replaced: 3,
  nameTooLong: 4,
  /** No descriptor was left to open it: worth another try when others are done. */
  outOfDescriptors: 5,
  /** A SQLite database with a log beside it: not read, to be captured through SQLite. */
  database: 6,
} as const;

/** How the files of a job ended, in its order. All but `outcomes` are meaningful only where the outcome is `stored`. */
export interface IngestResult {
  readonly outcomes: Uint8Array;
  /** 20 bytes a file. */
  readonly ids: Uint8Array;
  /** Flags of the tree's column. */
  readonly flags: Uint8Array;
  /** What `fstat` said before the bytes were read: mode, size, mtime, ctime, inode. Links keep what the scan saw: zeros. */
  readonly stats: Float64Array;
  /** The system's error codes, by number of the file. */
  readonly errorCodes: Map<number, string>;
}

/** Columns of `IngestResult.stats`. */
export const statColumns = { mode: 0, size: 1, mtime: 2, ctime: 3, inode: 4 } as const;
export const statColumnCount = 5;

/** A result to be filled: until told otherwise, every file is stored. */
export function makeIngestResult(fileCount: number): IngestResult {
  return {
    outcomes: new Uint8Array(fileCount),
    ids: new Uint8Array(fileCount * 20),
    flags: new Uint8Array(fileCount),
    stats: new Float64Array(fileCount * statColumnCount),
    errorCodes: new Map(),
  };
}
