import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { sha256Of } from '../../format/digest.ts';
import { HoldfastError } from '../../model/errors.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { makeFolders } from '../fs/make-folders.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** Absolute paths of the private state: `<stateDir>/.holdfast` and what lies in it. */
export interface PrivateState {
  readonly directory: string;
  /** Can be rebuilt: pack indexes, records, the stat cache. */
  readonly cache: string;
  /** Captured, not yet published; a folder for each store. Never delete. */
  readonly spool: string;
  /** The vault lock. */
  readonly run: string;
}

/**
 * Creates the private state below `stateDir` as far as it is missing: folders only this user can enter, and a
 * `.gitignore` of `*` so that git never sees them. Parts that lie inside `vault` are checked one by one: a vault may come
 * from anywhere, and a symlink in it must not make us write elsewhere (Q17).
 * @throws {HoldfastError} `directory_unusable` when a part is a symlink or no folder
 */
export function preparePrivateState(stateDir: string, vault: string): PrivateState {
  const directory = join(stateDir, '.holdfast');
  const state = {
    directory,
    cache: join(directory, 'cache'),
    spool: join(directory, 'spool'),
    run: join(directory, 'run'),
  };
  try {
    prepareParents(stateDir, vault);
    for (const path of [directory, state.cache, state.spool, state.run]) ensurePrivateFolder(path);
    ignoreItself(directory);
  } catch (error) {
    throw mapFsError(error, `prepare the private state in ${JSON.stringify(directory)}`);
  }
  return state;
}

/**
 * Creates (when missing) and returns the spool of one store. Each has its own: what waits for one store may build on objects
 * only that store holds, so it must never be published to another.
 */
export function spoolOfStore(state: PrivateState, storeUrl: string): string {
  const path = join(state.spool, sha256Of(Buffer.from(storeUrl, 'utf8')).slice(0, 16));
  try {
    ensurePrivateFolder(path);
  } catch (error) {
    throw mapFsError(error, `prepare the spool in ${JSON.stringify(path)}`);
  }
  return path;
}

function prepareParents(stateDir: string, vault: string): void {
  const inner = relative(vault, stateDir);
  if (inner === '' || isAbsolute(inner) || inner.split(sep)[0] === '..') {
    // Outside the vault the folder is of the user's own choosing; a symlink on the way is theirs.
    makeFolders(stateDir, 0o700);
    return;
  }
  let path = vault;
  for (const part of inner.split(sep)) {
    path = join(path, part);
    ensureFolder(path, 0o755);
  }
}

function ensurePrivateFolder(path: string): void {
  ensureFolder(path, 0o700);
  // A folder made by other means (a restored vault, a wide umask) is narrowed.
  if ((lstatSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
}

function ensureFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    syncDirectory(dirname(path));
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const stat = lstatSync(path);
  if (stat.isDirectory()) return;
  const what = stat.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder';
  throw new HoldfastError(
    'directory_unusable',
    `${JSON.stringify(path)} ${what}, and holdfast keeps its state there.`,
    {
      hint: 'Move it out of the way, or choose another place with "stateDir".',
      data: { path },
    },
  );
}

function ignoreItself(directory: string): void {
  let fd;
  try {
    // Exclusive creation also refuses to write through a symlink of that name.
    fd = openSync(join(directory, '.gitignore'), 'wx', 0o600);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    throw error;
  }
  try {
    writeSync(fd, '*\n');
  } finally {
    closeSync(fd);
  }
}
