import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readSync,
  renameSync,
  unlinkSync,
  write,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError } from '../../model/errors.ts';
import type { StorageBody } from '../../ports/object-storage.ts';
import { syncDirectory, writeFully } from '../fs/durable-write.ts';
import { systemCode } from '../fs/map-fs-error.ts';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const fsyncAsync = promisify(fsync);

/** Work on more than this happens piece by piece off the main thread's critical path. */
const pieceSizeBytes = 1 << 20;
// On Windows these flags do not exist and are 0 there.
const openForReading = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const openForCreating = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** What file systems say that cannot link here: another device, no links at all, too many of them. */
const linkRefusals = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EACCES']);

const temporaryPattern = /^\.[^/]+\.[0-9a-f]{16}\.tmp$/;

export function isTemporaryName(name: string): boolean {
  return temporaryPattern.test(name);
}

export function temporaryNameFor(path: string): string {
  return join(dirname(path), `.${randomBytes(2).toString('hex')}.${randomBytes(8).toString('hex')}.tmp`);
}

/** True when `path` now is a second name of `existing`; false where the file system cannot do that. EEXIST is thrown. */
export function tryLink(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (linkRefusals.has(systemCode(error))) return false;
    throw error;
  }
}

/**
 * Puts the body in a new temporary file beside `path`, durable, and returns its name. A finished file on the same file
 * system becomes a second name of itself: nothing is copied.
 */
export async function stageBody(body: StorageBody, path: string, signal?: AbortSignal): Promise<string> {
  const temporary = temporaryNameFor(path);
  try {
    if (body.kind === 'bytes') writeNewFile(temporary, body.bytes);
    else if (!(await linkBody(body, temporary))) await copyBody(body, temporary, signal);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
  return temporary;
}

/** Creates a file with these bytes, synced. */
export function writeNewFile(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, openForCreating, 0o600);
  try {
    writeFully(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Opens a regular file without following a link; null when there is none (a link, folder or fifo is none of ours). */
export function openRegular(path: string): { fd: number; sizeBytes: number; modifiedAt: Date } | null {
  let fd: number;
  try {
    fd = openSync(path, openForReading);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EMLINK'].includes(systemCode(error))) return null;
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, sizeBytes: stats.size, modifiedAt: stats.mtime };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return null;
}

/** Reads exactly `target.length` bytes from `position`; returns how many there were. */
export async function readFully(
  fd: number,
  target: Uint8Array,
  position: number,
  signal?: AbortSignal,
): Promise<number> {
  if (target.length <= pieceSizeBytes) {
    let done = 0;
    while (done < target.length) {
      const got = readSync(fd, target, done, target.length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  }
  let done = 0;
  while (done < target.length) {
    signal?.throwIfAborted();
    const want = Math.min(8 * pieceSizeBytes, target.length - done);
    const { bytesRead } = await readAsync(fd, target, done, want, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** SHA-256 of an open file, in hex, and how many bytes it had. */
export async function hashFile(fd: number, signal?: AbortSignal): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceSizeBytes);
  let sizeBytes = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, sizeBytes);
    if (bytesRead === 0) return { sha256: hash.digest('hex'), sizeBytes };
    hash.update(buffer.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
}

/** Creates the folders between the root (which exists) and `directory`, each durable in its parent. */
export function ensureDirectory(root: string, directory: string): void {
  if (directory === root || isRealDirectory(directory)) return;
  const parent = dirname(directory);
  ensureDirectory(root, parent);
  try {
    mkdirSync(directory, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    // Somebody else just made it: their sync may not have happened yet, so ours does.
    isRealDirectory(directory);
  }
  syncDirectory(parent);
}

/** Copies a regular file to a new name, synced. */
export async function copyFileDurably(from: string, to: string): Promise<void> {
  const source = openRegular(from);
  if (source === null) throw Object.assign(new Error('the file is gone'), { code: 'ENOENT' });
  try {
    await copyDescriptor(source.fd, to);
  } finally {
    closeSync(source.fd);
  }
}

export function removeIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Gives a staged file its final name, replacing what has it. */
export function replaceWith(temporary: string, path: string): void {
  renameSync(temporary, path);
  // rename() does nothing when both names are one file already.
  removeIfThere(temporary);
  syncDirectory(dirname(path));
}

/** False when nothing is there. */
export function isRealDirectory(path: string): boolean {
  let stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (stats.isDirectory()) return true;
  throw new HoldfastError('directory_unusable', `Part of the store is not a folder: ${JSON.stringify(path)}.`, {
    hint: 'Links inside a store are never followed; move it away and run the command again.',
  });
}

async function linkBody(body: StorageBody & { kind: 'file' }, path: string): Promise<boolean> {
  const source = openBody(body);
  try {
    // What is not on disk yet must be before the name is.
    await fsyncAsync(source.fd);
    if (!tryLink(body.path, path)) return false;
    const linked = lstatSync(path);
    const opened = fstatSync(source.fd);
    if (linked.ino === opened.ino && linked.dev === opened.dev) return true;
    removeIfThere(path);
    return false;
  } finally {
    closeSync(source.fd);
  }
}

async function copyBody(body: StorageBody & { kind: 'file' }, path: string, signal?: AbortSignal): Promise<void> {
  const source = openBody(body);
  try {
    const sha256 = await copyDescriptor(source.fd, path, signal);
    if (sha256 !== body.sha256) throw bodyDamaged(body.path);
  } finally {
    closeSync(source.fd);
  }
}

async function copyDescriptor(from: number, path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceSizeBytes);
  const to = openSync(path, openForCreating, 0o600);
  try {
    for (let position = 0; ;) {
      signal?.throwIfAborted();
      const { bytesRead } = await readAsync(from, buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      for (let done = 0; done < bytesRead;) {
        done += (await writeAsync(to, buffer, done, bytesRead - done, null)).bytesWritten;
      }
      position += bytesRead;
    }
    await fsyncAsync(to);
    return hash.digest('hex');
  } finally {
    closeSync(to);
  }
}

function openBody(body: StorageBody & { kind: 'file' }): { fd: number } {
  const source = openRegular(body.path);
  if (source?.sizeBytes === body.sizeBytes) return source;
  if (source !== null) closeSync(source.fd);
  throw bodyDamaged(body.path);
}

/** The file to be stored is not what it was when it was sealed. */
export function bodyDamaged(path: string): HoldfastError {
  return new HoldfastError(
    'spool_damaged',
    `A file waiting to be stored has changed or gone: ${JSON.stringify(path)}.`,
    {
      hint: 'Take the snapshot again; nothing was stored from the damaged file.',
    },
  );
}
