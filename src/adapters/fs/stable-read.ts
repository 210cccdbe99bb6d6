import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import { withReachablePath } from './byte-path.ts';
import { systemCode } from './map-fs-error.ts';

/** A file as the scan saw it. */
export interface ScannedFile {
  readonly root: string;
  /** Relative to `root`. */
  readonly path: ByteString;
  readonly inode: number;
}

/** Points at which a test can change the file that is being read. */
export type ReadStep = 'before-open' | 'after-open' | 'after-read';
export type ReadHook = (step: ReadStep, path: ByteString) => void;

/** A regular file open for reading, with what `fstat` said before the bytes were read. */
export interface StableFile {
  readonly fd: number;
  readonly path: ByteString;
  stat: Stats;
}

/**
 * Opens a file for reading, certain that it is the regular file in the vault that the scan saw, or one saved in its place
 * since. Never follows a link and never waits for a fifo. Null when something else is there now: a link, a folder, a special
 * file, or another file that was reached through a link. The caller closes `fd`.
 * @throws the system's error when it cannot be opened
 */
export function openStable(file: ScannedFile, hook?: ReadHook): StableFile | null {
  hook?.('before-open', file.path);
  const fd = openWithoutFollowing(file);
  if (fd === null) return null;
  let opened: StableFile | null = null;
  try {
    const stat = fstatSync(fd);
    if (stat.isFile() && (stat.ino === file.inode || isSavedAnew(file, stat))) opened = { fd, path: file.path, stat };
  } finally {
    if (opened === null) closeSync(fd);
  }
  hook?.('after-open', file.path);
  return opened;
}

/**
 * Tells whether the file is still as `stat` says, so that the bytes read since are of one moment. When it is not, `stat`
 * is brought up to date for another try.
 */
export function hasStayed(file: StableFile, hook?: ReadHook): boolean {
  hook?.('after-read', file.path);
  const before = file.stat;
  const after = fstatSync(file.fd);
  file.stat = after;
  return after.size === before.size && after.mtimeMs === before.mtimeMs && after.ctimeMs === before.ctimeMs;
}

/** Reads until `bytes` is full or the file ends; returns how many bytes were read. */
export function readUpTo(fd: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  while (done < bytes.length) {
    const got = readSync(fd, bytes, done, bytes.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function openWithoutFollowing(file: ScannedFile): number | null {
  try {
    return withReachablePath(file.root, file.path, (path) => openSync(path, readFlags));
  } catch (error) {
    // ELOOP: a link stands there now. ENXIO: a socket, or a device without a driver.
    if (['ELOOP', 'ENXIO', 'EMLINK'].includes(systemCode(error))) return null;
    throw error;
  }
}

/**
 * Programs save by renaming a new file over the old one, which gives it another inode. That is an ordinary edit, as long as the
 * path still leads there through real folders: through a link it could be any file of the machine.
 */
function isSavedAnew(file: ScannedFile, opened: Stats): boolean {
  try {
    const there = withReachablePath(file.root, file.path, (path) => lstatSync(path));
    if (!there.isFile() || there.ino !== opened.ino || there.dev !== opened.dev) return false;
    for (let cut = file.path.indexOf('/'); cut >= 0; cut = file.path.indexOf('/', cut + 1)) {
      const folder = withReachablePath(file.root, file.path.slice(0, cut), (path) => lstatSync(path));
      if (!folder.isDirectory()) return false;
    }
    return true;
  } catch {
    return false;
  }
}
