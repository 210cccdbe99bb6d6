import { closeSync, constants, fchmodSync, fstatSync, futimesSync, openSync, unlinkSync } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import { writeFully } from '../fs/durable-write.ts';
import type { OpenFolder } from './own-folder.ts';
import { type AliasReason, createUnderFreeName } from './target-name.ts';

/** A file of ours, open for writing; it did not exist before. */
export interface NewFile {
  readonly fd: number;
  /** The name it really has. */
  readonly name: ByteString;
  readonly reason: AliasReason | null;
}

// O_EXCL with O_CREAT refuses anything that is there, links included; O_NOFOLLOW says so a second time.
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** Permission bits this process's umask (or an inherited ACL) is known to let through, or known not to; one per restore. */
export type UmaskMemo = Map<number, boolean>;

/** Creates a file that must be new, with exactly these permission bits (0o777 at most) whatever the umask. */
export function createFile(
  folder: OpenFolder,
  name: ByteString,
  options: { path: ByteString; permissions: number; umask: UmaskMemo },
): NewFile {
  const permissions = options.permissions & 0o777;
  const created = createUnderFreeName(name, options.path, (candidate) =>
    openSync(folder.pathOf(candidate), createFlags, permissions),
  );
  const fd = created.value;
  try {
    // One fstat for each kind of permissions instead of one fchmod for each file.
    let isLetThrough = options.umask.get(permissions);
    if (isLetThrough === undefined) {
      isLetThrough = (fstatSync(fd).mode & 0o777) === permissions;
      options.umask.set(permissions, isLetThrough);
    }
    if (!isLetThrough) fchmodSync(fd, permissions);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, name: created.name, reason: created.reason };
}

/** Creates a file holding `content`. */
export function createFileWith(
  folder: OpenFolder,
  name: ByteString,
  options: { path: ByteString; permissions: number; umask: UmaskMemo; mtimeMs: number | null; content: Uint8Array },
): NewFile {
  const file = createFile(folder, name, options);
  try {
    writeFully(file.fd, options.content);
    setTime(file.fd, options.mtimeMs);
  } catch (error) {
    discardFile(folder, file);
    throw error;
  } finally {
    closeSync(file.fd);
  }
  return file;
}

/** Sets the modification time through the descriptor; null leaves it. */
export function setTime(fd: number, mtimeMs: number | null): void {
  if (mtimeMs === null) return;
  const time = timeOf(mtimeMs);
  futimesSync(fd, time, time);
}

/** A time as Node's utimes calls take it: they read a negative number (before 1970) as "now", but not a negative Date. */
export function timeOf(mtimeMs: number): number | Date {
  return mtimeMs < 0 ? new Date(mtimeMs) : mtimeMs / 1000;
}

/** Removes a file of ours that could not be finished. */
export function discardFile(folder: OpenFolder, file: NewFile): void {
  try {
    unlinkSync(folder.pathOf(file.name));
  } catch {
    // The failure that brought us here is the one to report; the folder keeps its name in `.INCOMPLETE`.
  }
}
