import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ByteString } from '../../lib/bytes.ts';
import type { IgnoreSources } from '../../ports/working-tree.ts';
import { isFolderIgnoredByName } from './folder-rules.ts';
import type { Inspected } from './inspect-repository.ts';
import { expandPath, isTrue, lastValue, xdgFile } from './load-config.ts';
import type { GitSurroundings, LoadedConfig } from './load-config.ts';
import { prefixWithin } from './locate-repository.ts';

/** Where the vault lies in the work tree whose rules it obeys. */
export interface WorkTreePosition {
  readonly workTree: string;
  /** '' when the vault is the work tree, else ending in '/'. */
  readonly prefix: ByteString;
}

/** Returns the vault's place in its repository's work tree; null when that is none, bare, or elsewhere. */
export function positionInWorkTree(vaultRoot: string, inspected: Inspected): WorkTreePosition | null {
  if (inspected.kind !== 'found' || inspected.repository.workTree === null) return null;
  const { workTree } = inspected.repository;
  const prefix = prefixWithin(workTree, realpathSync(vaultRoot));
  return prefix === null ? null : { workTree, prefix };
}

/**
 * Collects where git's ignore rules come from. A repository above the vault that ignores the vault itself (a home folder
 * kept in git under a rule of `*`) has no say in it: its rules would leave out everything.
 */
export function findIgnoreSources(
  vaultRoot: string,
  { inspected, config, around }: { inspected: Inspected; config: LoadedConfig; around: GitSurroundings },
): IgnoreSources {
  const position = positionInWorkTree(vaultRoot, inspected);
  const base = {
    ignoreCase: isTrue(lastValue(config.entries, 'core.ignorecase')),
    excludesFile: excludesFileOf(config, { around, workTree: position?.workTree ?? vaultRoot }),
  };
  const outside: IgnoreSources = { ...base, vaultPrefix: '', infoExclude: null, outerFolders: [] };
  if (position === null || inspected.kind !== 'found') return outside;
  const infoExclude = join(inspected.repository.place.commonDir, 'info', 'exclude');
  const { workTree, prefix } = position;
  if (prefix === '') return { ...outside, infoExclude };
  const sources = { ...base, vaultPrefix: prefix, infoExclude, outerFolders: foldersBetween(workTree, vaultRoot) };
  const atRoot = { ...sources, vaultPrefix: '', outerFolders: [] };
  return isFolderIgnoredByName(prefix.slice(0, -1), { root: workTree, sources: atRoot }) ? outside : sources;
}

function excludesFileOf(
  { entries }: LoadedConfig,
  { around, workTree }: { around: GitSurroundings; workTree: string },
): string | null {
  const value = lastValue(entries, 'core.excludesfile');
  if (value === undefined || value === null) return xdgFile('ignore', around);
  return expandPath(value, around.home, workTree);
}

function foldersBetween(workTree: string, vaultRoot: string): string[] {
  const folders: string[] = [];
  for (let folder = realpathSync(vaultRoot); folder !== workTree;) {
    folder = dirname(folder);
    folders.unshift(folder);
  }
  return folders;
}
