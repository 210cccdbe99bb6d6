import { realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { byteStringOf, byteStringOfText, textOfByteString } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { lstatIfThere, readGitFile } from './read-git-file.ts';

/** A repository found on disk, before its configuration is read. All folders are absolute. */
export interface RepositoryPlace {
  /** The folder whose `.git` it is. */
  readonly folder: string;
  /** Where this work tree's HEAD and index lie. */
  readonly gitDir: string;
  /** Where objects, refs and configuration lie; another folder than `gitDir` in a linked worktree. */
  readonly commonDir: string;
}

export type Located =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly place: RepositoryPlace }
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Finds the repository of a vault as git would from inside it: a `.git` folder, or a file naming one (linked worktree,
 * submodule), in the vault or the nearest folder above on the same file system. `GIT_DIR` is not asked: a vault's
 * repository must not depend on the shell it is snapshotted from. `vault` is a real path.
 */
export function locateRepository(vault: string, env: Readonly<Record<string, string | undefined>>): Located {
  const device = statSync(vault).dev;
  const ceilings = (env['GIT_CEILING_DIRECTORIES'] ?? '').split(process.platform === 'win32' ? ';' : ':');
  for (let folder = vault; ; folder = dirname(folder)) {
    const found = repositoryIn(folder);
    if (found.kind !== 'none') return found;
    // A folder inside a bare repository (or inside a .git) has no work tree around it.
    const parent = dirname(folder);
    if (isGitFolder(folder, folder) || parent === folder) return { kind: 'none' };
    if (ceilings.includes(parent) || statIfThere(parent)?.dev !== device) return { kind: 'none' };
  }
}

/** Path of `inner` within `outer` with '/' separators and a closing '/', '' when they are one, null when not within. */
export function prefixWithin(outer: string, inner: string): ByteString | null {
  const path = relative(outer, inner);
  if (path === '') return '';
  if (path === '..' || path.startsWith(`..${sep}`) || resolve(path) === path) return null;
  return byteStringOfText(`${path.split(sep).join('/')}/`);
}

/** First line of a small file of git's as text; null when there is none or it is not UTF-8. */
export function readPathLine(path: string): string | null {
  const bytes = readGitFile(path, { sizeBytesMax: 65_536 });
  return bytes === null ? null : textOfByteString(byteStringOf(bytes).replace(/[\r\n]+$/, ''));
}

function repositoryIn(folder: string): Located {
  const dotGit = join(folder, '.git');
  const kind = statIfThere(dotGit);
  if (kind === null || (!kind.isFile() && !kind.isDirectory())) return { kind: 'none' };
  try {
    const gitDir = kind.isFile() ? readGitLink(dotGit, folder) : dotGit;
    if (gitDir === null) return { kind: 'broken', reason: 'its .git file does not name a folder' };
    const common = readPathLine(join(gitDir, 'commondir'));
    const commonDir = common === null ? gitDir : resolve(gitDir, common);
    if (isGitFolder(gitDir, commonDir)) {
      return {
        kind: 'found',
        place: { folder, gitDir: realpathSync(gitDir), commonDir: realpathSync(commonDir) },
      };
    }
    // Git walks on past a .git folder that is none, but not past a .git file that leads nowhere.
    return kind.isFile()
      ? { kind: 'broken', reason: 'its .git file names a folder that is no repository' }
      : { kind: 'none' };
  } catch (error) {
    return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) };
  }
}

function readGitLink(dotGit: string, folder: string): string | null {
  // A .git that is a link is read as the data it leads to, so it is resolved first and opened without following.
  const target = readPathLine(realpathSync(dotGit));
  return target === null || !target.startsWith('gitdir: ') ? null : resolve(folder, target.slice('gitdir: '.length));
}

function isGitFolder(gitDir: string, commonDir: string): boolean {
  const head = lstatIfThere(join(gitDir, 'HEAD'));
  if (head === null || (!head.isFile() && !head.isSymbolicLink())) return false;
  return (
    statIfThere(join(commonDir, 'objects'))?.isDirectory() === true &&
    statIfThere(join(commonDir, 'refs'))?.isDirectory() === true
  );
}

function statIfThere(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
