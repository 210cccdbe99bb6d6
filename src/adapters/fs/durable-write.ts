import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes names created, renamed or removed in a directory survive power loss. A failure is final: after a failed fsync
 * the kernel may drop the data and call the next one a success, so it is never retried.
 */
export function syncDirectory(directory: string): void {
  // Windows cannot open a directory for syncing; its renames are journalled.
  if (process.platform === 'win32') return;
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes all of `bytes`: a single write call may take less than it was given. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
}

/**
 * Replaces (or creates) a file so that a crash leaves the old bytes or the new ones, never a mixture: temporary file in
 * the same directory, fsync, rename, fsync of the directory.
 */
export function writeFileDurably(path: string, bytes: Uint8Array, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    mode,
  );
  try {
    try {
      writeFully(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    unlinkIfThere(temporary);
    throw error;
  }
  syncDirectory(dirname(path));
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The first error is the one to report; a leftover temporary file is overwritten by the next write.
  }
}
