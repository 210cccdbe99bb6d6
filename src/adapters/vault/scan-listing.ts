import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { bytesOf, isAscii, type ByteString } from '../../lib/bytes.ts';
import { modeBits } from '../../model/vault-tree.ts';
import { systemCode } from '../fs/map-fs-error.ts';

/** Why a folder's contents are not known. */
export type ListingFailure = 'vanished' | 'replaced' | 'name_too_long' | 'unreadable';

/** A folder as last seen, so that another one in its place is noticed. */
export interface FolderIdentity {
  readonly device: number;
  readonly inode: number;
}

/**
 * One folder's names with their stat data, in git's tree order. One object serves a whole scan: the columns are
 * filled anew for each folder, so nothing is allocated for a file but its name.
 */
export class FolderListing {
  count = 0;
  names: ByteString[] = [];
  modes = new Uint32Array(256);
  sizes = new Float64Array(256);
  mtimes = new Float64Array(256);
  ctimes = new Float64Array(256);
  inodes = new Float64Array(256);
  devices = new Float64Array(256);
  /** Names that were gone when looked at, and names that could not be looked at. */
  vanished = 0;
  unreadable: { readonly name: ByteString; readonly code: string }[] = [];
  /** The system's code after a failure. */
  failureCode = '';

  /**
   * Reads the folder at `path` (absolute, a byte string, ending in '/'). Skips the names in `denied`. Afterwards the
   * folder is looked at again: what was listed came from there only if it still is the same real folder.
   */
  read(
    path: ByteString,
    options: {
      readonly identity: FolderIdentity;
      readonly denied: ReadonlySet<ByteString> | undefined;
      readonly isRoot: boolean;
    },
  ): ListingFailure | null {
    this.count = 0;
    this.vanished = 0;
    this.unreadable = [];
    const folder = diskPath(path.slice(0, -1));
    try {
      this.names = readdirSync(folder, 'latin1');
    } catch (error) {
      return this.#fail(error);
    }
    if (options.denied !== undefined) this.names = this.names.filter((name) => !options.denied!.has(name));
    this.names.sort();
    this.#makeRoom(this.names.length);
    const failure = this.#statAll(path, typeof folder === 'string');
    if (failure !== null) return failure;
    this.#putInTreeOrder();
    return this.#isStillThere(folder, options) ? null : 'replaced';
  }

  isFolder(i: number): boolean {
    return (this.modes[i]! & modeBits.kindMask) === modeBits.folder;
  }

  #statAll(path: ByteString, isAsciiPath: boolean): ListingFailure | null {
    const { names, modes, sizes, mtimes, ctimes, inodes, devices } = this;
    let count = 0;
    for (const name of names) {
      let stats: Stats | undefined;
      try {
        const target = isAsciiPath && isAscii(name) ? path + name : bytesOf(path + name);
        stats = lstatSync(target, noThrow);
      } catch (error) {
        const code = systemCode(error);
        // Names can be listed but nothing looked at: the folder lacks search permission.
        if (code === 'EACCES' || code === 'EPERM') return this.#fail(error);
        this.unreadable.push({ name, code });
        continue;
      }
      if (stats === undefined) {
        this.vanished++;
        continue;
      }
      names[count] = name;
      modes[count] = stats.mode;
      sizes[count] = stats.size;
      mtimes[count] = stats.mtimeMs;
      ctimes[count] = stats.ctimeMs;
      inodes[count] = stats.ino;
      devices[count] = stats.dev;
      count++;
    }
    names.length = count;
    this.count = count;
    return null;
  }

  /** Names are sorted by their bytes; a folder counts as its name plus '/', which can move it past names like `a-b`. */
  #putInTreeOrder(): void {
    const { names, count } = this;
    let isOrdered = true;
    for (let i = 1; i < count && isOrdered; i++) {
      if (this.isFolder(i - 1)) isOrdered = `${names[i - 1]!}/` < names[i]!;
    }
    if (isOrdered) return;
    const keys = names.map((name, i) => (this.isFolder(i) ? `${name}/` : name));
    const order = Uint32Array.from(keys.keys()).sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
    this.names = Array.from(order, (i) => names[i]!);
    for (const column of [this.modes, this.sizes, this.mtimes, this.ctimes, this.inodes, this.devices]) {
      const before = column.slice(0, count);
      for (let i = 0; i < count; i++) column[i] = before[order[i]!]!;
    }
  }

  #isStillThere(folder: string | Buffer, { identity, isRoot }: { identity: FolderIdentity; isRoot: boolean }): boolean {
    try {
      // The vault itself may be reached through a link; nothing below it may.
      const stats = isRoot ? statSync(folder, noThrow) : lstatSync(folder, noThrow);
      if (stats === undefined) return false;
      return stats.isDirectory() && stats.ino === identity.inode && stats.dev === identity.device;
    } catch {
      return false;
    }
  }

  #fail(error: unknown): ListingFailure {
    this.count = 0;
    this.failureCode = systemCode(error);
    if (this.failureCode === 'ENOENT') return 'vanished';
    if (this.failureCode === 'ENOTDIR' || this.failureCode === 'ELOOP') return 'replaced';
    return this.failureCode === 'ENAMETOOLONG' ? 'name_too_long' : 'unreadable';
  }

  #makeRoom(count: number): void {
    if (count <= this.modes.length) return;
    this.modes = new Uint32Array(count);
    this.sizes = new Float64Array(count);
    this.mtimes = new Float64Array(count);
    this.ctimes = new Float64Array(count);
    this.inodes = new Float64Array(count);
    this.devices = new Float64Array(count);
  }
}

const noThrow = { throwIfNoEntry: false } as const;

/** A path for the system: text where all is ASCII, the very bytes otherwise. */
export function diskPath(path: ByteString): string | Buffer {
  return isAscii(path) ? path : bytesOf(path);
}
