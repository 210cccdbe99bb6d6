import { lstatSync, mkdirSync } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import { type OpenFolder, openOwnFolder, type OwnFolder, type RestoreRoot } from './own-folder.ts';
import { createUnderFreeName, describeAlias, shortAlias } from './target-name.ts';
import { splitPath } from './write-job.ts';

// What the system takes as one path, less a NUL; Windows paths are long-path prefixed by Node.
const pathBytesMax = process.platform === 'linux' ? 4095 : process.platform === 'win32' ? 32_000 : 1023;
const nameBytesMax = 255;

/** The folders one restore made, by the path they were asked for: where each really is, and its inode. */
export class CreatedFolders implements Disposable {
  readonly #root: RestoreRoot;
  /** The parent used last: siblings are created one after the other. */
  #parent: { readonly path: ByteString; readonly open: OpenFolder } | null = null;
  readonly #byPath = new Map<ByteString, OwnFolder>();

  constructor(root: RestoreRoot) {
    this.#root = root;
    this.#byPath.set('', { path: '', inode: root.inode });
  }

  /** @throws {HoldfastError} `invariant_broken` for a folder never created */
  get(path: ByteString): OwnFolder {
    const folder = this.#byPath.get(path);
    if (folder === undefined) {
      throw new HoldfastError(
        'invariant_broken',
        `The folder ${JSON.stringify(path)} was not created by this restore.`,
      );
    }
    return folder;
  }

  /** Creates a folder whose parent was created before; a second call for one path does nothing. */
  create(path: ByteString): Problem | null {
    if (this.#byPath.has(path)) return null;
    const { folder: parentPath, name } = splitPath(path);
    const parent = this.get(parentPath);
    // A folder so deep that names in it could not be reached moves to the top, so that everything below it still fits.
    const isDeep = this.#root.path.length + parent.path.length + name.length + nameBytesMax + 3 > pathBytesMax;
    const target = isDeep ? this.get('') : parent;
    const open = this.#openParent(target);
    const made = createUnderFreeName(isDeep ? shortAlias(path) : name, path, (candidate) => {
      // 0700 passes every sane umask, and nobody else can look in or reach in while the restore is under way.
      mkdirSync(open.pathOf(candidate), 0o700);
    });
    const stat = lstatSync(open.pathOf(made.name));
    if (!stat.isDirectory() || stat.dev !== this.#root.device) {
      throw new HoldfastError(
        'directory_unusable',
        `The new folder ${JSON.stringify(path)} was replaced by another program.`,
        {
          hint: 'Find out what works in the holding directory, then restore again.',
        },
      );
    }
    this.#byPath.set(path, {
      path: target.path === '' ? made.name : `${target.path}/${made.name}`,
      inode: stat.ino,
    });
    const reason = made.reason ?? (isDeep ? 'name_too_long' : null);
    return reason === null ? null : { path, code: reason, message: describeAlias(reason, made.name) };
  }

  [Symbol.dispose](): void {
    this.#parent?.open[Symbol.dispose]();
    this.#parent = null;
  }

  #openParent(folder: OwnFolder): OpenFolder {
    // Where names are resolved by path, every use needs its own check.
    if (this.#root.viaDescriptors && this.#parent?.path === folder.path) return this.#parent.open;
    this[Symbol.dispose]();
    this.#parent = { path: folder.path, open: openOwnFolder(this.#root, folder) };
    return this.#parent.open;
  }
}
