import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  statfsSync,
  statSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { byteStringOfText } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { HoldingArea, HoldingWriter } from '../../ports/holding-area.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { makeRestoreFolder } from './final-name.ts';
import { DirectoryHoldingWriter } from './holding-writer.ts';
import type { RestoreRoot } from './own-folder.ts';

export interface HoldingAreaOptions {
  /** Absolute path of the vault. */
  readonly vaultRoot: string;
  /** The holding directory, relative to the vault: "_restore". */
  readonly holdingDir: string;
  /** Skip names that Windows cannot hold; by default only on Windows. */
  readonly windowsNames?: boolean;
}

/**
 * Opens the holding directory of a vault. Nothing is made before `prepare` or `begin`.
 * @throws {HoldfastError} `config_invalid` when the setting names the vault itself, its parents, `.git`, or a place outside
 */
export function openHoldingArea(options: HoldingAreaOptions): HoldingArea {
  const names = holdingNames(options.holdingDir);
  const windowsNames = options.windowsNames ?? process.platform === 'win32';
  return {
    name: names.join('/'),

    async prepare(): Promise<void> {
      prepareArea(options.vaultRoot, names);
    },

    async freeBytes(): Promise<number | null> {
      try {
        const { bavail, bsize } = statfsSync(options.vaultRoot);
        return bavail * bsize;
      } catch {
        return null;
      }
    },

    async begin(name: string): Promise<HoldingWriter> {
      // The engine builds names; one that could leave the holding directory is a bug of ours.
      if (!/^[\w][\w.~=+-]{0,199}$/.test(name)) {
        throw new HoldfastError('invariant_broken', `Not a name for a restore: ${JSON.stringify(name)}`);
      }
      const area = prepareArea(options.vaultRoot, names);
      try {
        return new DirectoryHoldingWriter({ area, root: makeRestoreFolder(area, name), windowsNames });
      } catch (error) {
        throw mapFsError(error, 'create a folder for the restore');
      }
    },
  };
}

function holdingNames(holdingDir: string): string[] {
  const names = holdingDir.replaceAll('\\', '/').replace(/\/+$/, '').split('/');
  const isBad = (name: string): boolean => name === '' || name === '.' || name === '..' || /^\.git$|[:\0]/i.test(name);
  if (!names.some(isBad)) return names;
  throw new HoldfastError('config_invalid', `The holding directory cannot be ${JSON.stringify(holdingDir)}.`, {
    hint: 'Set "holdingDir" to a folder inside the vault that is used for nothing else, for example "_restore".',
  });
}

/** Makes the holding directory where it is missing, and makes git ignore it. Every folder on the way must be a real one. */
function prepareArea(vaultRoot: string, names: readonly string[]): RestoreRoot {
  let path = vaultRoot;
  let stat = statSync(vaultRoot, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) throw unusable(vaultRoot, 'is not a folder');
  try {
    for (const name of names) {
      path = join(path, name);
      stat = makeFolder(path);
    }
    ignoreItself(join(path, '.gitignore'));
  } catch (error) {
    throw mapFsError(error, `use the holding directory ${JSON.stringify(path)}`);
  }
  return {
    path: byteStringOfText(path),
    device: stat.dev,
    inode: stat.ino,
    viaDescriptors: canNameThroughDescriptors(path, stat),
  };
}

function makeFolder(path: string): Stats {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) throw unusable(path, 'is a link');
  if (!stat.isDirectory()) throw unusable(path, 'is not a folder');
  const user = process.getuid?.();
  if (user !== undefined && user !== 0 && stat.uid !== user) throw unusable(path, 'belongs to another user');
  return stat;
}

/** Writes `.gitignore` with "*" unless one is there: the user's own is theirs, and is checked by asking git's rules. */
function ignoreItself(path: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  let fd: number;
  try {
    fd = openSync(path, flags, 0o600);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    throw error;
  }
  try {
    writeFully(fd, Buffer.from('*\n'));
  } finally {
    closeSync(fd);
  }
}

/** True where /proc names open folders (Linux with /proc mounted): then writes cannot be redirected at all. */
function canNameThroughDescriptors(path: string, stat: Stats): boolean {
  if (process.platform !== 'linux' || !existsSync('/proc/self/fd')) return false;
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const through = statSync(`/proc/self/fd/${fd}/.`);
    return through.ino === stat.ino && through.dev === stat.dev && fstatSync(fd).ino === stat.ino;
  } finally {
    closeSync(fd);
  }
}

function unusable(path: string, why: string): HoldfastError {
  return new HoldfastError('directory_unusable', `The holding directory ${JSON.stringify(path)} ${why}.`, {
    hint: 'Restores are written only to a folder of their own inside the vault. Move that away, or choose another with "holdingDir".',
  });
}
