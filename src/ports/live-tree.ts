import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';

/** What stands at a path, by `lstat`. Times in milliseconds since the epoch, with the fraction the system gives. */
export interface LiveEntry {
  readonly kind: 'file' | 'link' | 'folder' | 'other';
  /** `st_mode & 07777`. */
  readonly permissions: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
}

/** A path in the vault, or in the work folder of one rollback. Byte strings without slashes at the ends; '' is the folder itself. */
export interface Place {
  readonly in: 'vault' | 'work';
  readonly path: ByteString;
}

/**
 * The vault's own files, for `rollback --apply`: the only way anything live is changed. No call follows a link, in the last
 * component or on the way; nothing is ever written over; only what is known to exist twice is removed.
 */
export interface LiveTree {
  /**
   * What is at a path of the vault; null when nothing is.
   * @throws {HoldfastError} `live_changed` when a folder on the way is none (a link, a file); `read_only` when it may not be entered
   */
  look(path: ByteString): LiveEntry | null;
  /** The git name of a file's bytes or a link's target; null when it is neither. @throws as `look` */
  blobId(path: ByteString): ObjectId | null;
  /** Names in a folder of the vault. @throws as `look` */
  names(path: ByteString): readonly ByteString[];
  /** Opens the vault together with the work folder of one rollback, an absolute path inside the holding directory. */
  openMover(workDirectory: string): LiveMover;
}

/**
 * Moves files between the vault and the work folder of one rollback. Each call does one thing that a crash leaves done or not
 * done, except that a file on its way into the vault can be at both ends (one file under two names).
 */
export interface LiveMover extends Disposable {
  /** As `LiveTree.look`, but null too where a file or link stands in the place of a folder on the way. */
  look(place: Place): LiveEntry | null;
  /** The git name of a file's bytes or a link's target, read through no link; null when it is neither. */
  blobId(place: Place): ObjectId | null;
  /**
   * Moves a file or link. Folders missing on the way to a place in the work folder are made. With `keepName` a file keeps its old
   * name as well where the file system allows it, so that no crash can lose both. False when something is there already.
   */
  move(from: Place, to: Place, options?: { readonly keepName: boolean }): boolean;
  /** Removes one of two names of one and the same file. @throws {HoldfastError} `invariant_broken` when they are not */
  dropTwin(place: Place, twin: Place): void;
  /** Makes a folder only this user can enter; false when something of that name is there. */
  makeFolder(place: Place): boolean;
  /** Removes an empty folder; false when it holds something, or is not there. */
  removeFolder(place: Place): boolean;
  /** Sets permissions and modification time of a file, link (time only) or folder; null leaves one as it is. */
  set(place: Place, meta: { readonly permissions: number | null; readonly mtimeMs: number | null }): void;
  /** Makes contents of files, or names in folders, survive power loss. Nothing is done for places that are not there. */
  sync(places: readonly Place[]): Promise<void>;
  /** Removes a folder of the work folder with everything in it: copies of what the store has. */
  clear(path: ByteString): void;
}
