import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringOf } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { parseRefFile } from '../../format/git-refs.ts';
import type { RefValue } from '../../format/git-refs.ts';
import { expandPath, isTrue, lastValue, loadConfig } from './load-config.ts';
import type { GitSurroundings, LoadedConfig } from './load-config.ts';
import { locateRepository } from './locate-repository.ts';
import type { RepositoryPlace } from './locate-repository.ts';
import { lstatIfThere, readGitFile, readLinkText } from './read-git-file.ts';

/** A repository with everything that decides how it may be read. */
export interface Repository {
  readonly place: RepositoryPlace;
  /** True when its work tree is the vault, or it lies in the vault: its history is the vault's. */
  readonly isVaults: boolean;
  readonly config: LoadedConfig;
  /** HEAD as written; null when it is not well-formed. */
  readonly head: RefValue | null;
  /** Top of its work tree; null for a bare one. */
  readonly workTree: string | null;
  /** Width of its object names: 20 bytes (SHA-1) or 32. */
  readonly hashBytes: 20 | 32;
  /** Why its history is left out whole, as a clause; null when it can be read. */
  readonly unread: string | null;
  /** True when its index may be read: the format is one we know, and there is a work tree. */
  readonly hasReadableIndex: boolean;
  /** Objects may be missing here because a server still has them. */
  readonly isPartialClone: boolean;
}

export type Inspected =
  | { readonly kind: 'none'; readonly config: LoadedConfig }
  | { readonly kind: 'broken'; readonly config: LoadedConfig; readonly reason: string }
  | { readonly kind: 'found'; readonly repository: Repository };

/** Finds the vault's repository and reads its configuration, afresh at every call: it may change between two. */
export function inspectRepository(vaultRoot: string, around: GitSurroundings): Inspected {
  const vault = realpathSync(vaultRoot);
  const located = locateRepository(vault, around.env);
  if (located.kind === 'none') return { kind: 'none', config: loadConfig(null, around) };
  if (located.kind === 'broken') return { kind: 'broken', config: loadConfig(null, around), reason: located.reason };
  const { place } = located;
  const head = readHead(place.gitDir);
  const branch =
    head?.kind === 'symbolic' && head.target.startsWith(branches) ? head.target.slice(branches.length) : null;
  const config = loadConfig({ gitDir: place.gitDir, commonDir: place.commonDir, branch }, around);
  const format = readFormat(config);
  const workTree = isTrue(lastValue(config.ownEntries, 'core.bare')) ? null : workTreeOf(place, config);
  return {
    kind: 'found',
    repository: {
      place,
      isVaults: place.folder === vault || workTree === vault,
      config,
      head,
      workTree,
      hashBytes: format.hashBytes,
      unread:
        config.ownTrouble ??
        format.unread ??
        folderTrouble(place.commonDir) ??
        (head === null ? 'its HEAD cannot be read' : null),
      hasReadableIndex: config.ownTrouble === null && format.isIndexKnown && workTree !== null,
      isPartialClone: isPartialClone(config),
    },
  };
}

const branches = 'refs/heads/';

/** Extensions that change nothing about how objects, refs and the index are read. */
const harmlessExtensions = new Set([
  'noop',
  'noop-v1',
  'preciousobjects',
  'partialclone',
  'worktreeconfig',
  'relativeworktrees',
]);

function readHead(gitDir: string): RefValue | null {
  try {
    const path = join(gitDir, 'HEAD');
    // Very old repositories keep HEAD as a link to the branch's file.
    if (lstatIfThere(path)?.isSymbolicLink() === true) {
      const target = readLinkText(path);
      return target?.startsWith('refs/') === true ? { kind: 'symbolic', target } : null;
    }
    const bytes = readGitFile(path, { sizeBytesMax: 65_536 });
    return bytes === null ? null : parseRefFile(byteStringOf(bytes));
  } catch {
    return null;
  }
}

function readFormat({ ownEntries }: LoadedConfig): {
  hashBytes: 20 | 32;
  unread: string | null;
  isIndexKnown: boolean;
} {
  const formatVersion = lastValue(ownEntries, 'core.repositoryformatversion') ?? '0';
  const objectFormat = (lastValue(ownEntries, 'extensions.objectformat') ?? 'sha1').toLowerCase();
  const refStorage = (lastValue(ownEntries, 'extensions.refstorage') ?? 'files').toLowerCase();
  const hashBytes = objectFormat === 'sha256' ? 32 : 20;
  if (!/^[01]$/.test(formatVersion)) {
    return { hashBytes, unread: `it has repository format ${quoted(formatVersion)}`, isIndexKnown: false };
  }
  for (const { key } of ownEntries) {
    const name = key.startsWith('extensions.') ? key.slice('extensions.'.length) : null;
    if (name === null || name === 'objectformat' || name === 'refstorage' || harmlessExtensions.has(name)) continue;
    // In format 0 git pays no heed to extensions it does not know.
    if (formatVersion === '0') continue;
    return { hashBytes, unread: `it uses the extension ${quoted(name)}`, isIndexKnown: false };
  }
  if (objectFormat === 'sha256') return { hashBytes, unread: 'its object names are SHA-256', isIndexKnown: true };
  if (objectFormat !== 'sha1') {
    return { hashBytes, unread: `its object names are ${quoted(objectFormat)}`, isIndexKnown: false };
  }
  if (refStorage !== 'files') {
    return { hashBytes, unread: `its refs are kept as ${quoted(refStorage)}`, isIndexKnown: true };
  }
  return { hashBytes, unread: null, isIndexKnown: true };
}

function folderTrouble(commonDir: string): string | null {
  for (const name of ['objects', 'refs']) {
    // Following it would read, as the vault's history, whatever someone linked there.
    if (lstatIfThere(join(commonDir, name))?.isDirectory() !== true) return `its ${name} folder is a symbolic link`;
  }
  return null;
}

function workTreeOf(place: RepositoryPlace, config: LoadedConfig): string | null {
  const named = lastValue(config.ownEntries, 'core.worktree');
  if (named === undefined || named === null || named === '') return place.folder;
  const path = expandPath(named, null, place.gitDir);
  try {
    return path === null ? null : realpathSync(path);
  } catch {
    return null;
  }
}

function isPartialClone({ ownEntries }: LoadedConfig): boolean {
  return ownEntries.some(
    ({ key, value }) =>
      key === 'extensions.partialclone' ||
      (/^remote\..*\.promisor$/s.test(key) && isTrue(value)) ||
      /^remote\..*\.partialclonefilter$/s.test(key),
  );
}

function quoted(value: ByteString): string {
  return JSON.stringify(value.slice(0, 100));
}
