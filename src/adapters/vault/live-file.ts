import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import { pathComponentProblem } from '../../model/path-policy.ts';
import type { LiveFile } from '../../ports/working-tree.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { diskPath } from './scan-listing.ts';

/**
 * Reads the current bytes of one file of the vault, or the target of a link. Nothing is read through a link: every
 * folder on the way is looked at before and after opening and must be the same real folder both times.
 *
 * Returns null for anything else: not there, another kind, not readable, or replaced in between.
 */
export function readLiveFile(
  root: string,
  path: ByteString,
  options: { readonly sizeBytesMax: number },
): LiveFile | null {
  const parts = path.split('/');
  if (parts.some((part) => pathComponentProblem(part) !== null)) return null;
  const folders = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
  const rootPath = `${byteStringOfText(root).replace(/\/+$/, '')}/`;
  try {
    const before = identities(rootPath, folders);
    const target = diskPath(rootPath + path);
    const stats = lstatSync(target);
    const file = stats.isSymbolicLink() ? readLink(target, options) : readRegular(target, stats, options);
    return before !== null && before === identities(rootPath, folders) ? file : null;
  } catch (error) {
    // A system error means the file cannot be had, which is an answer; anything else is a fault of ours.
    if (systemCode(error) === '') throw error;
    return null;
  }
}

/** Device and inode of every folder on the way, as one text; null when one is not a real folder. */
function identities(rootPath: ByteString, folders: readonly ByteString[]): string | null {
  const found: string[] = [];
  for (const folder of folders) {
    const stats = lstatSync(diskPath(rootPath + folder));
    if (!stats.isDirectory()) return null;
    found.push(`${stats.dev}:${stats.ino}`);
  }
  return found.join('/');
}

function readLink(target: string | Buffer, { sizeBytesMax }: { readonly sizeBytesMax: number }): LiveFile {
  const content = readlinkSync(target, 'buffer');
  const sizeBytes = content.length;
  return { kind: 'link', executable: false, sizeBytes, content: sizeBytes > sizeBytesMax ? null : content };
}

function readRegular(
  target: string | Buffer,
  expected: Stats,
  { sizeBytesMax }: { readonly sizeBytesMax: number },
): LiveFile | null {
  if (!expected.isFile()) return null;
  const fd = openSync(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.ino !== expected.ino || stats.dev !== expected.dev) return null;
    const executable = (stats.mode & 0o100) !== 0;
    if (stats.size > sizeBytesMax) return { kind: 'file', executable, sizeBytes: stats.size, content: null };
    const content = readUpTo(fd, stats.size);
    return { kind: 'file', executable, sizeBytes: content.length, content };
  } finally {
    closeSync(fd);
  }
}

/** A file that shrinks meanwhile gives fewer bytes, one that grows no more than it had. */
function readUpTo(fd: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const count = readSync(fd, bytes, done, sizeBytes - done, null);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
