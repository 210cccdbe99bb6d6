import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFully } from '../fs/durable-write.ts';

/** Creates a new private file of ours under a name that nothing else has; returns its path and descriptor. */
export function createTemporaryFile(directory: string): { readonly path: string; readonly fd: number } {
  const path = join(directory, `tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  return { path, fd: openSync(path, flags, 0o600) };
}

/** Writes a whole new file, fsyncs it and gives it its name. The directory is left to be synced by the caller. */
export function writeNewFile(directory: string, name: string, bytes: Uint8Array): string {
  const { path, fd } = createTemporaryFile(directory);
  try {
    try {
      writeFully(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const finalPath = join(directory, name);
    renameSync(path, finalPath);
    return finalPath;
  } catch (error) {
    removeQuietly(path);
    throw error;
  }
}

/** Removes a temporary file whose absence is as good. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The error that led here is the one to report; leftovers are swept with their directory.
  }
}

/** Puts bytes under a name without waiting for the disk: for caches, whose readers check what they find. */
export function writeCacheFile(path: string, bytes: Uint8Array): void {
  const temporary = createTemporaryFile(dirname(path));
  try {
    try {
      writeFully(temporary.fd, bytes);
    } finally {
      closeSync(temporary.fd);
    }
    renameSync(temporary.path, path);
  } catch (error) {
    removeQuietly(temporary.path);
    throw error;
  }
}
