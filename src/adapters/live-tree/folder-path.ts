import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { bytesOf, byteStringOfText, type ByteString, isAscii } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { displayName } from '../../format/display-name.ts';
import { systemCode } from '../fs/map-fs-error.ts';

const folderFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
const hasDescriptorPaths = process.platform === 'linux' && existsSync('/proc/self/fd');

/** A folder reached through real folders only; names in it can be handed to the system. */
export interface ReachedFolder extends Disposable {
  pathOf(name: ByteString): string | Buffer;
}

/**
 * Reaches folders below one root, from the root down, never through a link. On Linux each step opens the next folder relative to
 * the one before, so that nothing swapped in on the way can lead elsewhere; other systems look at each step first. The folder
 * reached last is kept open: what a rollback does comes folder by folder.
 */
export class FolderReach implements Disposable {
  readonly #root: string;
  #last: { readonly path: ByteString; readonly reached: ReachedFolder } | null = null;

  constructor(root: string) {
    this.#root = root.replace(/\/+$/, '');
  }

  /**
   * Null when the folder is not there. Valid until the next call.
   * @throws {HoldfastError} `live_changed` when a link or a file stands on the way
   */
  reach(path: ByteString): ReachedFolder | null {
    if (hasDescriptorPaths && this.#last?.path === path) return this.#last.reached;
    this.forget();
    const reached = hasDescriptorPaths ? this.#open(path) : this.#look(path);
    if (reached !== null) this.#last = { path, reached };
    return reached;
  }

  /** Drops the folder kept open: it was, or may have been, removed. */
  forget(): void {
    this.#last?.reached[Symbol.dispose]();
    this.#last = null;
  }

  [Symbol.dispose](): void {
    this.forget();
  }

  #open(path: ByteString): ReachedFolder | null {
    // The root is where the user says it is, be it through a link.
    let fd = openSync(this.#root === '' ? '/' : this.#root, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      for (const name of path === '' ? [] : path.split('/')) {
        const next = openNext(systemPath(`/proc/self/fd/${fd}/${name}`), path);
        if (next === null) {
          closeSync(fd);
          return null;
        }
        closeSync(fd);
        fd = next;
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return { pathOf: (name) => systemPath(`/proc/self/fd/${fd}/${name}`), [Symbol.dispose]: () => closeSync(fd) };
  }

  #look(path: ByteString): ReachedFolder | null {
    let at = byteStringOfText(this.#root);
    for (const name of path === '' ? [] : path.split('/')) {
      at += `/${name}`;
      const stat = lstatSync(systemPath(at), { throwIfNoEntry: false });
      if (stat === undefined) return null;
      if (!stat.isDirectory()) throw notAFolder(path);
    }
    return { pathOf: (name) => systemPath(`${at}/${name}`), [Symbol.dispose]() {} };
  }
}

/** The form the system takes a byte path in: plain text where that is safe, else bytes. */
export function systemPath(path: ByteString): string | Buffer {
  if (isAscii(path)) return path;
  return process.platform === 'win32' ? bytesOf(path).toString('utf8') : bytesOf(path);
}

/** Splits a path into the folder and the name in it. */
export function splitPath(path: ByteString): { readonly folder: ByteString; readonly name: ByteString } {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? { folder: '', name: path } : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}

function openNext(target: string | Buffer, path: ByteString): number | null {
  let fd: number;
  try {
    fd = openSync(target, folderFlags);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP' || code === 'ENOTDIR') throw notAFolder(path);
    throw error;
  }
  // O_DIRECTORY says so already where it is known.
  if (fstatSync(fd).isDirectory()) return fd;
  closeSync(fd);
  throw notAFolder(path);
}

function notAFolder(path: ByteString): HoldfastError {
  return new HoldfastError(
    'live_changed',
    `"${displayName(path)}" does not lead through folders of the vault any more.`,
  );
}
