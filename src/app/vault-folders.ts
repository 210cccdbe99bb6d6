import { normalize } from 'node:path/posix';
import type { Settings } from './settings-schema.ts';

export interface FolderProblem {
  readonly key: 'stateDir' | 'holdingDir';
  readonly message: string;
}

/**
 * Says what is wrong with the folders holdfast has in the vault. Both must lie inside it and apart from each other and
 * from git: a restore could otherwise land on live files (G03).
 */
export function checkFolders(settings: Pick<Settings, 'stateDir' | 'holdingDir'>): FolderProblem[] {
  const problems: FolderProblem[] = [];
  for (const key of ['stateDir', 'holdingDir'] as const) {
    const message = folderProblem(settings[key]);
    if (message !== null) problems.push({ key, message });
  }
  if (problems.length > 0) return problems;
  const state = cleanFolder(settings.stateDir);
  const holding = cleanFolder(settings.holdingDir);
  if (isInside(state, holding)) problems.push({ key: 'stateDir', message: 'must not be (in) the holding directory' });
  // Only the private part of the state folder is never captured; a holding directory there would mix with it.
  else if (isInside(holding, state)) problems.push({ key: 'holdingDir', message: 'must not be in the state folder' });
  return problems;
}

/** A folder of the vault as the program uses it: '/' between parts, none at the ends. */
export function cleanFolder(folder: string): string {
  return normalize(folder.replaceAll('\\', '/')).replaceAll(/^\.\/|\/+$/g, '');
}

function folderProblem(folder: string): string | null {
  const slashed = folder.replaceAll('\\', '/');
  if (slashed.startsWith('/') || slashed.startsWith('~') || /^[A-Za-z]:/.test(slashed)) {
    return 'must be a folder inside the vault, written relative to it';
  }
  const clean = cleanFolder(folder);
  if (clean === '' || clean === '.') return 'must not be the vault itself';
  const parts = clean.split('/');
  if (parts.includes('..')) return 'must lie inside the vault';
  // Some file systems take ".GIT", ".git." and "git~1" for ".git".
  if (parts.some((part) => /^(?:\.git|git~\d+)[. ]*$/i.test(part))) return 'must not be in .git';
  return null;
}

function isInside(inner: string, outer: string): boolean {
  return inner.toLowerCase() === outer.toLowerCase() || inner.toLowerCase().startsWith(`${outer.toLowerCase()}/`);
}
