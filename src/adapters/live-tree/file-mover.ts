import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { LiveEntry, LiveMover, Place } from '../../ports/live-tree.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { copyAcross } from './copy-across.ts';
import { FolderReach, splitPath } from './folder-path.ts';
import { hashBlob } from './hash-blob.ts';
import { lookAt } from './open-live-tree.ts';

const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Syncs that wait for one another share the journal write of the file system. */
const syncsAtOnce = 8;
const syncFile = promisify(fsync);

/** Moves files between the vault and one work folder; the port says what each call promises. */
export class FileMover implements LiveMover {
  readonly #workDirectory: string;
  readonly #reaches: { readonly vault: FolderReach; readonly work: FolderReach };

  constructor(vaultRoot: string, workDirectory: string) {
    this.#workDirectory = workDirectory;
    this.#reaches = { vault: new FolderReach(vaultRoot), work: new FolderReach(workDirectory) };
  }

  look(place: Place): LiveEntry | null {
    return this.#try('look at a file', () => unlessOffTheWay(() => lookAt(this.#reaches[place.in], place.path)));
  }

  blobId(place: Place): ObjectId | null {
    return this.#try('read a file', () => {
      const target = this.#pathOf(place);
      return target === null ? null : hashBlob(target);
    });
  }

  move(from: Place, to: Place, { keepName } = { keepName: false }): boolean {
    return this.#try('move a file', () => {
      if (to.in === 'work') this.#makeWorkFolders(splitPath(to.path).folder);
      const source = this.#pathOf(from);
      const target = this.#pathOf(to);
      if (source === null || target === null) return false;
      if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
      return moveFile(source, target, { isExclusive: to.in === 'vault', keepName });
    });
  }

  dropTwin(place: Place, twin: Place): void {
    this.#try('remove the second name of a file', () => {
      const [one, other] = [this.#pathOf(place), this.#pathOf(twin)];
      const [a, b] = [one, other].map((path) => (path === null ? undefined : lstatSync(path, { bigint: true })));
      if (one === null || a === undefined || b === undefined || a.ino !== b.ino || a.dev !== b.dev) {
        throw new HoldfastError('invariant_broken', 'A file was to be removed that is not known to be kept elsewhere.');
      }
      unlinkSync(one);
    });
  }

  makeFolder(place: Place): boolean {
    return this.#try('make a folder', () => {
      const target = this.#pathOf(place);
      return target !== null && makeNew(target);
    });
  }

  removeFolder(place: Place): boolean {
    return this.#try('remove an empty folder', () => {
      // The folder kept open may be the one that goes.
      this.#reaches[place.in].forget();
      const isWorkItself = place.in === 'work' && place.path === '';
      const target = isWorkItself ? this.#workDirectory : unlessOffTheWay(() => this.#pathOf(place));
      try {
        if (target === null) return false;
        rmdirSync(target);
        return true;
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(systemCode(error))) return false;
        throw error;
      }
    });
  }

  set(place: Place, meta: { readonly permissions: number | null; readonly mtimeMs: number | null }): void {
    this.#try('set permissions and time', () => {
      const target = this.#pathOf(place);
      const stat = target === null ? undefined : lstatSync(target, { throwIfNoEntry: false });
      if (target === null || stat === undefined) return;
      const { permissions, mtimeMs } = meta;
      if (stat.isSymbolicLink()) {
        if (mtimeMs !== null) lutimesSync(target, stat.atime, timeOf(mtimeMs));
        return;
      }
      const fd = openUnlessDenied(target);
      if (fd === null) return setByName(target, meta, stat.atime);
      try {
        if (permissions !== null) fchmodSync(fd, permissions);
        if (mtimeMs !== null) futimesSync(fd, stat.atime, timeOf(mtimeMs));
      } finally {
        closeSync(fd);
      }
    });
  }

  async sync(places: readonly Place[]): Promise<void> {
    try {
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < places.length) await this.#syncOne(places[next++]!);
      };
      await Promise.all(Array.from({ length: Math.min(syncsAtOnce, places.length) }, lane));
    } catch (error) {
      throw mapFsError(error, 'make moved files durable');
    }
  }

  clear(path: ByteString): void {
    this.#try('remove staged copies', () => {
      const target = this.#pathOf({ in: 'work', path });
      if (target !== null) rmSync(target, { recursive: true, force: true });
      this.#reaches.work.forget();
    });
  }

  [Symbol.dispose](): void {
    this.#reaches.vault[Symbol.dispose]();
    this.#reaches.work[Symbol.dispose]();
  }

  /** The path to hand to the system; null when the folder it would be in is not there. */
  #pathOf({ in: area, path }: Place): string | Buffer | null {
    const { folder, name } = splitPath(path);
    return this.#reaches[area].reach(folder)?.pathOf(name === '' ? '.' : name) ?? null;
  }

  #pathUnlessDenied(place: Place): string | Buffer | null {
    try {
      return unlessOffTheWay(() => this.#pathOf(place));
    } catch (error) {
      if (systemCode(error) === 'EACCES') return null;
      throw error;
    }
  }

  #makeWorkFolders(path: ByteString): void {
    const reach = this.#reaches.work;
    if (path === '' || reach.reach(path) !== null) return;
    const { folder, name } = splitPath(path);
    this.#makeWorkFolders(folder);
    makeNew(reach.reach(folder)!.pathOf(name));
  }

  async #syncOne(place: Place): Promise<void> {
    // Windows cannot open a folder for syncing; its renames are journalled.
    const target = this.#pathUnlessDenied(place);
    const stat = target === null ? undefined : lstatSync(target, { throwIfNoEntry: false });
    if (target === null || stat === undefined || stat.isSymbolicLink()) return;
    if (process.platform === 'win32' && stat.isDirectory()) return;
    const fd = openUnlessDenied(target);
    // A folder nobody may read any more: its times and permissions follow with the next journal write of the file system.
    if (fd === null) return;
    try {
      await syncFile(fd);
    } finally {
      closeSync(fd);
    }
  }

  #try<T>(doing: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw mapFsError(error, doing);
    }
  }
}

/** Null where a file or link stands in the place of a folder on the way: nothing can be at such a path. */
function unlessOffTheWay<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (isHoldfastError(error, 'live_changed')) return null;
    throw error;
  }
}

/** Into the work folder a rename is enough, for nobody else writes there; into the vault a link, which never replaces. */
function moveFile(
  source: string | Buffer,
  target: string | Buffer,
  { isExclusive, keepName }: { isExclusive: boolean; keepName: boolean },
): boolean {
  try {
    if (!isExclusive || lstatSync(source).isSymbolicLink()) renameSync(source, target);
    else if (linkOrRename(source, target) && !keepName) unlinkSync(source);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return false;
    if (code === 'EXDEV') return copyAcross(source, target);
    throw error;
  }
}

/** True when the file has both names now. */
function linkOrRename(source: string | Buffer, target: string | Buffer): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    // File systems without hard links, and files the kernel does not let us link: nothing stood there a moment ago.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes(systemCode(error))) throw error;
    renameSync(source, target);
    return false;
  }
}

function makeNew(target: string | Buffer): boolean {
  try {
    mkdirSync(target, 0o700);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function openUnlessDenied(target: string | Buffer): number | null {
  try {
    return openSync(target, openFlags);
  } catch (error) {
    if (systemCode(error) === 'EACCES') return null;
    throw error;
  }
}

/** A file its owner may not read: the name was just seen to be no link. */
function setByName(
  target: string | Buffer,
  meta: { readonly permissions: number | null; readonly mtimeMs: number | null },
  accessed: Date,
): void {
  if (meta.permissions !== null) chmodSync(target, meta.permissions);
  if (meta.mtimeMs !== null) lutimesSync(target, accessed, timeOf(meta.mtimeMs));
}

/** Node reads a negative number (before 1970) as "now", but not a negative Date. */
function timeOf(mtimeMs: number): number | Date {
  return mtimeMs < 0 ? new Date(mtimeMs) : mtimeMs / 1000;
}
