import type { ByteString } from '../lib/bytes.ts';

/** A captured folder, relative to the vault, with the inode the scan saw. */
export interface WatchedFolder {
  readonly path: ByteString;
  readonly inode: number;
}

/** Something may have happened. Hints can be late, doubled, wrong and lost: only looking at the disk tells. */
export type WatchHint =
  /** Entries of this folder may have come, gone or changed. */
  | { readonly kind: 'folder'; readonly path: ByteString }
  /** HEAD, refs or the state of an operation of the user's repository may have changed. */
  | { readonly kind: 'repository' }
  /** Hints may have been lost: everything must be looked at. `reason` is for a person. */
  | { readonly kind: 'unsure'; readonly reason: string }
  /** The system watches no more folders: these changes will be seen by looking only. */
  | { readonly kind: 'limited'; readonly unwatched: number; readonly code: string; readonly remedy: string };

/** Watches folders of the vault for as long as it is open. Nothing is watched before the first `follow`. */
export interface Watcher extends AsyncDisposable {
  /**
   * Watches these folders too, and with `isWhole` none but these. Returns those that were not watched before, as they
   * stand on disk now: what happened in them until this call gave no hint, so they must be looked at once more.
   */
  follow(folders: Iterable<WatchedFolder>, options: { readonly isWhole: boolean }): readonly ByteString[];
  /** Folders watched now; 0 where the system watches a whole tree at once. */
  readonly watchedCount: number;
}

/** Opens a watcher; `onHint` is called from the event loop, never from within `follow`, except for `limited`. */
export type OpenWatcher = (onHint: (hint: WatchHint) => void) => Watcher;
