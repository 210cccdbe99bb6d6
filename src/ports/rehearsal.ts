import type { ByteString } from '../lib/bytes.ts';
import type { ProgramEnd } from './program-runner.ts';

/** What a path of a restored folder turned out to be; links are looked at, never followed. */
export interface RestoredEntry {
  readonly kind: 'file' | 'link' | 'folder' | 'other';
  readonly sizeBytes: number;
  /** Permission bits, 0o777 at most. */
  readonly permissions: number;
  readonly mtimeMs: number;
}

/** A restored folder, read again from the disk by code that had no part in writing it. Paths are byte strings below it. */
export interface RestoredFolder {
  /** Null when nothing is there. */
  look(path: ByteString): RestoredEntry | null;
  /** Bytes `start` to `end` of a file (fewer at its end); for a link, of its target. */
  read(path: ByteString, start: number, end: number): Uint8Array;
  /** How many entries of any kind there are, folders included, the root and `.git` directly below it left out. */
  countEntries(): number;
}

export type DatabaseVerdict =
  | { readonly kind: 'whole' }
  | { readonly kind: 'damaged'; readonly reason: string }
  /** No SQLite database, whatever its name says. */
  | { readonly kind: 'none' };

/** What a drill needs besides a restore: independent eyes on what was restored, and a way to throw it away. */
export interface Rehearsal {
  /** `directory` is absolute, as a restore returned it. */
  open(directory: string): RestoredFolder;
  /** Opens a restored database with SQLite and lets it check itself. Its folder is a throw-away one: SQLite may write there. */
  checkDatabase(directory: string, path: ByteString): DatabaseVerdict;
  /** Runs commands of our own guide with `sh` in a folder, with stock git and none of the person's settings. */
  runScript(script: string, options: { directory: string; signal?: AbortSignal | undefined }): Promise<ProgramEnd>;
  /**
   * Removes a folder that lies directly in the holding directory, following no link.
   * @throws {HoldfastError} `invariant_broken` for any other place
   */
  remove(directory: string): void;
}
