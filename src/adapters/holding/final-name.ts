import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { byteStringOfText } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { type OpenFolder, openOwnFolder, type RestoreRoot, systemPath } from './own-folder.ts';

const incompleteSuffix = '.INCOMPLETE';
const clashesMax = 10_000;

/** Makes the new folder `<name>.INCOMPLETE` in the holding directory; `<name>-2`, ... when either form of the name is taken. */
export function makeRestoreFolder(area: RestoreRoot, name: string): RestoreRoot {
  using folder = openOwnFolder(area, { path: '', inode: area.inode });
  for (const candidate of candidates(byteStringOfText(name))) {
    if (isTaken(folder, candidate)) continue;
    try {
      mkdirSync(folder.pathOf(candidate + incompleteSuffix), 0o700);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') continue;
      throw error;
    }
    const stat = lstatSync(folder.pathOf(candidate + incompleteSuffix));
    if (!stat.isDirectory()) break;
    const path = `${area.path}/${candidate}${incompleteSuffix}`;
    return { path, device: stat.dev, inode: stat.ino, viaDescriptors: area.viaDescriptors };
  }
  throw noFreeName(name);
}

/** Renames a whole restore to its final name, never over anything; returns where it is now. */
export function giveFinalName(area: RestoreRoot, root: RestoreRoot): RestoreRoot {
  using folder = openOwnFolder(area, { path: '', inode: area.inode });
  const current = root.path.slice(area.path.length + 1);
  const wanted = current.slice(0, -incompleteSuffix.length);
  syncDirectory(systemPath(root.path).toString());
  for (const candidate of candidates(wanted)) {
    // Holding `<name>.INCOMPLETE` keeps other restores off `<name>`; a check is enough against anything else.
    if (isTaken(folder, candidate)) continue;
    renameSync(folder.pathOf(current), folder.pathOf(candidate));
    syncDirectory(systemPath(area.path).toString());
    return { ...root, path: `${area.path}/${candidate}` };
  }
  throw noFreeName(wanted);
}

function* candidates(name: string): Generator<string> {
  yield name;
  for (let n = 2; n <= clashesMax; n++) yield `${name}-${n}`;
}

function isTaken(folder: OpenFolder, name: string): boolean {
  return lstatSync(folder.pathOf(name), { throwIfNoEntry: false }) !== undefined;
}

function noFreeName(name: string): HoldfastError {
  return new HoldfastError(
    'directory_unusable',
    `The holding directory has no free name for ${JSON.stringify(name)}.`,
    {
      hint: 'Remove old restores from the holding directory.',
    },
  );
}
