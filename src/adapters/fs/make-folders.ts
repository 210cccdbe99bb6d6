import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './map-fs-error.ts';

/**
 * Makes a folder and those above it as far as they are missing; returns the topmost one made, undefined when all were there.
 * Node's own recursive mkdir tries for ever where a file system answers ENOENT below a folder that is there (/proc, some
 * network mounts), and no signal ends it.
 * @throws the system's error when one cannot be made, or something else has its name
 */
export function makeFolders(path: string, mode = 0o777): string | undefined {
  try {
    mkdirSync(path, mode);
    return path;
  } catch (error) {
    const parent = dirname(path);
    const isParentMissing = statSync(parent, { throwIfNoEntry: false }) === undefined && parent !== path;
    if (systemCode(error) === 'ENOENT' && isParentMissing) {
      const topmost = makeFolders(parent, mode);
      return makeFolders(path, mode) === undefined ? topmost : (topmost ?? path);
    }
    // A link to a folder counts, as for mkdir -p; another process may have been faster.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return undefined;
    throw error;
  }
}
