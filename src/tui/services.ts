import type { Deps } from '../engine/deps.ts';
import type { ByteString } from '../lib/bytes.ts';
import type { Change } from '../model/change.ts';

/** Two texts compared line by line: lines begin with ' ', '-', '+' or '\', and hold raw bytes. */
export interface ComparedLines {
  readonly hunks: readonly { readonly header: string; readonly lines: readonly ByteString[] }[];
  readonly addedLines: number;
  readonly removedLines: number;
}

/** What the command line has and hands in: readers of words, and ways out to the system. */
export interface TuiServices {
  /** The moment a text means; null when it means none. Never throws. */
  parseWhen(text: string): Promise<Date | null>;
  diffTexts(before: Uint8Array, after: Uint8Array, options: { readonly context: number }): Promise<ComparedLines>;
  /** The command that takes a restore into the vault; null when there is none that is safe and short. */
  takeCommand(restored: { directory: string; path: ByteString | null; changes: readonly Change[] }): string | null;
  /** Quotes a path so that it can be pasted into a shell. */
  quotePath(path: ByteString): string;
  /** A path of this machine as shown to the person: short, where it lies below the current folder. */
  shownPath(path: string): string;
  /** Shows a folder in the desktop's file manager. */
  openFolder(directory: string): void;
  /** The same vault opened for writing its private state: for snapshots and rollbacks only. */
  withWriter<T>(act: (deps: Deps) => Promise<T>): Promise<T>;
  readonly targets: { readonly rtoMs: number; readonly rpoMs: number };
}
