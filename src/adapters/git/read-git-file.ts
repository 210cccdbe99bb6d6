import { closeSync, constants, fstatSync, lstatSync, openSync, opendirSync, readSync, readlinkSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { bytesOf, isAscii } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { systemCode } from '../fs/map-fs-error.ts';

export interface ReadGitFileOptions {
  readonly sizeBytesMax: number;
  /** Follow a symbolic link in the last part of the path: only for the person's own configuration. */
  readonly followLink?: boolean;
  /** Of a longer file, read the last `sizeBytesMax` bytes instead of refusing it. */
  readonly tailOfLonger?: boolean;
}

/**
 * Reads a whole small file that git keeps, or returns null when there is none. Only regular files are opened (a FIFO
 * would hang, a device never end), without following links, and never past the size limit.
 * @throws {HoldfastError} `local_io` when something is there that cannot be read whole
 */
export function readGitFile(path: string | Buffer, options: ReadGitFileOptions): Buffer | null {
  const follow = options.followLink === true ? 0 : noFollow;
  // A FIFO without a writer is opened at once with O_NONBLOCK, and refused by its kind.
  const flags = constants.O_RDONLY | nonBlock | follow;
  let fd: number;
  try {
    fd = openSync(path, flags);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw cannotRead(path, systemCode(error) === 'ELOOP' ? 'it is a symbolic link' : systemCode(error));
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw cannotRead(path, 'it is not a regular file');
    if (stat.size > options.sizeBytesMax && options.tailOfLonger !== true) throw cannotRead(path, 'it is too large');
    const start = Math.max(0, stat.size - options.sizeBytesMax);
    return readRange(fd, start, stat.size - start);
  } catch (error) {
    throw error instanceof HoldfastError ? error : cannotRead(path, systemCode(error));
  } finally {
    closeSync(fd);
  }
}

/** Reads up to `length` bytes at `start`; fewer when the file ends before. */
export function readRange(fd: number, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, start + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** Entries of a folder of git's, names as byte strings; null when there is no such folder. Links are not followed. */
export function listGitFolder(path: string | Buffer, options: { entriesMax: number }): Dirent[] | null {
  const kind = lstatIfThere(path);
  if (kind === null) return null;
  if (!kind.isDirectory()) throw cannotRead(path, 'it is not a folder');
  const entries: Dirent[] = [];
  try {
    const folder = opendirSync(path, { encoding: 'latin1' as BufferEncoding, bufferSize: 256 });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (entries.length >= options.entriesMax) throw cannotRead(path, 'it holds too many entries');
        entries.push(entry);
      }
    } finally {
      folder.closeSync();
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error instanceof HoldfastError ? error : cannotRead(path, systemCode(error));
  }
  return entries;
}

/** Stat data of the path itself, null when nothing is there or it cannot be reached. */
export function lstatIfThere(path: string | Buffer): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Target of a symbolic link, or null when it is none. */
export function readLinkText(path: string | Buffer): ByteString | null {
  try {
    return readlinkSync(path, { encoding: 'latin1' });
  } catch {
    return null;
  }
}

/** The path of a name that is bytes: plain text where that says the same, else bytes. */
export function pathWithin(folder: string, name: ByteString): string | Buffer {
  return isAscii(name) ? `${folder}/${name}` : Buffer.concat([Buffer.from(`${folder}/`), bytesOf(name)]);
}

/** True for "no such file or folder". */
export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function cannotRead(path: string | Buffer, reason: string): HoldfastError {
  return new HoldfastError('local_io', `Cannot read ${JSON.stringify(path.toString())}: ${reason}.`, {
    hint: 'Check the repository with git fsck and its permissions with ls -l.',
  });
}

// Windows has neither; it has no FIFOs in the file system, and git for Windows makes no links in .git.
const nonBlock = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;
const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
