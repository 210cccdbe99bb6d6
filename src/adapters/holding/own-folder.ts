import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { type ByteString, bytesOf, isAscii } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { systemCode } from '../fs/map-fs-error.ts';

/** A folder this restore created: where it is below the restore's root, and the inode that proves it is still that one. */
export interface OwnFolder {
  /** Path below the root as created (aliases applied), '' for the root itself. */
  readonly path: ByteString;
  readonly inode: number;
}

/** The new folder one restore is written to. Plain data, so that workers can be told of it. */
export interface RestoreRoot {
  /** Absolute path, a byte string. */
  readonly path: ByteString;
  readonly device: number;
  readonly inode: number;
  /** Names are resolved against open descriptors (Linux), so no swap of a folder can redirect a write. */
  readonly viaDescriptors: boolean;
}

/** A folder that was just proved to be ours. Names created through it land in it and nowhere else. */
export interface OpenFolder extends Disposable {
  /** The path to hand to the system for an entry of this folder. */
  pathOf(name: ByteString): string | Buffer;
  /** The folder's own descriptor; null on Windows, which opens no folders. */
  readonly descriptor: number | null;
}

const openFolderFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * Opens a folder of ours. On Linux the check is made on the open descriptor and entries are named relative to it, so a folder that is
 * moved or replaced by a link afterwards changes nothing. Elsewhere entries are named by path, right after the check.
 * @throws {HoldfastError} `directory_unusable` when the folder was replaced since we made it
 */
export function openOwnFolder(root: RestoreRoot, folder: OwnFolder): OpenFolder {
  const path = folder.path === '' ? root.path : `${root.path}/${folder.path}`;
  if (process.platform === 'win32') {
    assertSame(lstatSync(systemPath(path)), root, folder);
    return { pathOf: (name) => systemPath(`${path}/${name}`), descriptor: null, [Symbol.dispose]() {} };
  }
  const descriptor = openFolder(path, folder);
  try {
    assertSame(fstatSync(descriptor), root, folder);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  const prefix = root.viaDescriptors ? `/proc/self/fd/${descriptor}/` : `${path}/`;
  return {
    pathOf: (name) => systemPath(prefix + name),
    descriptor,
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

/** The form the system takes a byte path in: plain text where that is safe, else bytes. */
export function systemPath(path: ByteString): string | Buffer {
  if (isAscii(path)) return path;
  // Windows names are UTF-16; Node takes UTF-8 text for them, and bytes only as UTF-8.
  return process.platform === 'win32' ? bytesOf(path).toString('utf8') : bytesOf(path);
}

function openFolder(path: ByteString, folder: OwnFolder): number {
  try {
    return openSync(systemPath(path), openFolderFlags);
  } catch (error) {
    const code = systemCode(error);
    // Gone, a link, or no folder any more: all mean that somebody else works here.
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') throw replaced(folder, error);
    throw error;
  }
}

function assertSame(stat: Stats, root: RestoreRoot, folder: OwnFolder): void {
  if (stat.isDirectory() && stat.dev === root.device && stat.ino === folder.inode) return;
  throw replaced(folder);
}

function replaced(folder: OwnFolder, cause?: unknown): HoldfastError {
  const name = folder.path === '' ? 'The folder being restored to' : `The folder ${JSON.stringify(folder.path)}`;
  return new HoldfastError(
    'directory_unusable',
    `${name} was moved or replaced by another program during the restore.`,
    {
      hint: 'Nothing was written through it. Find out what works in the holding directory, then restore again.',
      cause,
    },
  );
}
