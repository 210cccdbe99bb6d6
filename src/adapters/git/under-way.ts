import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareRows, type IndexPaths } from '../../format/git-index-paths.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import type { RepositoryPlace } from './locate-repository.ts';
import { lstatIfThere } from './read-git-file.ts';

const foldersMax = 10_000;

/** True when the index holds more than one stage of a path: a merge, a stash or a patch left conflicts to resolve. */
export function hasConflicts(paths: IndexPaths): boolean {
  for (let row = 1; row < paths.starts.length; row++) {
    // The nameless entries of a split index come first, and are no conflict.
    if (paths.starts[row] !== paths.ends[row] && compareRows(paths, row - 1, paths, row) === 0) return true;
  }
  return false;
}

/** The lock files git holds while it writes: of the index, of HEAD, of packed refs, and of any single ref. */
export function locksOf({ gitDir, commonDir }: Pick<RepositoryPlace, 'gitDir' | 'commonDir'>): string[] {
  const files = [join(gitDir, 'index.lock'), join(gitDir, 'HEAD.lock'), join(commonDir, 'packed-refs.lock')];
  const locks = files.filter((path) => lstatIfThere(path) !== null);
  const folders = [join(commonDir, 'refs')];
  for (let at = 0; at < folders.length && at < foldersMax; at++) {
    for (const entry of entriesOf(folders[at]!)) {
      const path = join(folders[at]!, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.name.endsWith('.lock')) locks.push(path);
    }
  }
  return locks;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // Packed away in between, or never there: no lock either way.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error))) return [];
    throw error;
  }
}
