import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { byteStringOf, byteStringOfText, textOfByteString } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { gitBoolean, parseGitConfig } from '../../format/git-config.ts';
import type { GitConfigEntry } from '../../format/git-config.ts';
import { matchPathPattern } from './match-path-pattern.ts';
import { readGitFile } from './read-git-file.ts';

/** What git takes from its surroundings. */
export interface GitSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The person's home folder; null when there is none. */
  readonly home: string | null;
}

export interface ConfigPlace {
  readonly gitDir: string;
  readonly commonDir: string;
  /** Short name of the branch HEAD is on, for `includeIf "onbranch:"`; null when detached. */
  readonly branch: ByteString | null;
}

export interface LoadedConfig {
  /** In git's order: system, global, the repository's, the worktree's. The last one of a key counts. */
  readonly entries: readonly GitConfigEntry[];
  /** Of these, those of the repository itself, included files counted. */
  readonly ownEntries: readonly GitConfigEntry[];
  /** Why the repository's own configuration cannot be trusted to be whole; null when it can. */
  readonly ownTrouble: string | null;
  /** Parts that were not followed, as plain clauses. */
  readonly doubts: readonly string[];
}

/** Reads git's configuration files with what they include, for a repository or (null) for none. Runs nothing, ever. */
export function loadConfig(place: ConfigPlace | null, around: GitSurroundings): LoadedConfig {
  const loader: Loader = { place, around, entries: [], doubts: [], trouble: [], filesLeft: filesMax };
  for (const path of personalFiles(around)) loadFile(loader, path, 0);
  if (place === null) return { entries: loader.entries, ownEntries: [], ownTrouble: null, doubts: loader.doubts };
  const personal: readonly string[] = [...loader.doubts, ...loader.trouble.splice(0)];
  const own: Loader = { ...loader, entries: [], doubts: [] };
  loadFile(own, join(place.commonDir, 'config'), 0);
  // In a linked worktree these two of the shared file speak of the main one.
  const isLinked = place.gitDir !== place.commonDir;
  let shared = own.entries;
  if (isLinked) shared = shared.filter(({ key }) => key !== 'core.bare' && key !== 'core.worktree');
  own.entries = [...shared];
  if (isTrue(lastValue(shared, 'extensions.worktreeconfig'))) loadFile(own, join(place.gitDir, 'config.worktree'), 0);
  return {
    entries: [...loader.entries, ...own.entries],
    ownEntries: own.entries,
    ownTrouble: own.trouble[0] ?? null,
    doubts: [...personal, ...own.doubts],
  };
}

/** Value of the last entry of a key: undefined when there is none, null for a bare name. */
export function lastValue(entries: readonly GitConfigEntry[], key: ByteString): ByteString | null | undefined {
  return entries.findLast((entry) => entry.key === key)?.value;
}

/** Git's reading of a value as a boolean that is false unless set. */
export function isTrue(value: ByteString | null | undefined): boolean {
  return value !== undefined && gitBoolean(value) === true;
}

/** Makes the path of a configuration value absolute: `~/` is the home folder. Null when it cannot be. */
export function expandPath(value: ByteString, home: string | null, relativeTo: string): string | null {
  const text = textOfByteString(value);
  if (text === null || text === '' || text.includes('\0')) return null;
  if (text === '~' || text.startsWith('~/')) return home === null ? null : join(home, text.slice(1));
  // Other people's homes and git's own prefix would need lookups that nothing here depends on.
  if (text.startsWith('~') || text.startsWith('%(prefix)/')) return null;
  return resolve(relativeTo, text);
}

/** `$XDG_CONFIG_HOME/git/<name>` or its default; null without a home folder. */
export function xdgFile(name: string, { env, home }: GitSurroundings): string | null {
  const xdg = env['XDG_CONFIG_HOME'];
  if (xdg !== undefined && xdg !== '') return join(xdg, 'git', name);
  return home === null ? null : join(home, '.config', 'git', name);
}

interface Loader {
  readonly place: ConfigPlace | null;
  readonly around: GitSurroundings;
  entries: GitConfigEntry[];
  doubts: string[];
  readonly trouble: string[];
  filesLeft: number;
}

const depthMax = 10;
const filesMax = 200;
const sizeBytesMax = 4 << 20;

function personalFiles(around: GitSurroundings): string[] {
  const { env, home } = around;
  const files: (string | null)[] = [];
  if (!isTrue(env['GIT_CONFIG_NOSYSTEM'])) files.push(env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig');
  const global = env['GIT_CONFIG_GLOBAL'];
  if (global === undefined) files.push(xdgFile('config', around), home === null ? null : join(home, '.gitconfig'));
  else files.push(global);
  return files.filter((path): path is string => path !== null && path !== '' && isAbsolute(path));
}

function loadFile(loader: Loader, path: string, depth: number): void {
  // Git takes the format of a repository from its own file alone, so trouble further down leaves doubt and no more.
  const trouble = depth === 0 ? loader.trouble : loader.doubts;
  if (depth > depthMax || loader.filesLeft-- <= 0) {
    trouble.push('more included files than are followed');
    return;
  }
  // /dev/null is how people say "no such file".
  if (path === '/dev/null') return;
  let bytes: Buffer | null;
  try {
    bytes = readGitFile(path, { sizeBytesMax, followLink: true });
  } catch (error) {
    trouble.push(error instanceof Error ? error.message.replace(/\.$/, '') : String(error));
    return;
  }
  if (bytes === null) return;
  const { entries, brokenLine } = parseGitConfig(byteStringOf(bytes));
  for (const entry of entries) {
    loader.entries.push(entry);
    if (entry.value !== null && shouldInclude(loader, entry.key, path)) {
      const included = expandPath(entry.value, loader.around.home, dirname(path));
      if (included === null) loader.doubts.push('an include whose path is not known');
      else loadFile(loader, included, depth + 1);
    }
  }
  if (brokenLine !== null) {
    trouble.push(`line ${brokenLine} of ${JSON.stringify(path)} is not git configuration`);
  }
}

function shouldInclude(loader: Loader, key: ByteString, file: string): boolean {
  if (key === 'include.path') return true;
  const condition = /^includeif\.(.*)\.path$/s.exec(key)?.[1];
  if (condition === undefined) return false;
  const colon = condition.indexOf(':');
  const kind = condition.slice(0, colon);
  const rest = condition.slice(colon + 1);
  let verdict: boolean | null = null;
  if (kind === 'gitdir' || kind === 'gitdir/i')
    verdict = matchesGitDir(loader, rest, { file, anyCase: kind !== 'gitdir' });
  if (kind === 'onbranch') verdict = matchesBranch(loader.place, rest);
  if (verdict === null) loader.doubts.push(`an include with the condition ${JSON.stringify(condition.slice(0, 100))}`);
  return verdict === true;
}

function matchesGitDir(
  { place, around }: Loader,
  condition: ByteString,
  { file, anyCase }: { file: string; anyCase: boolean },
): boolean | null {
  if (place === null) return false;
  let pattern = condition;
  if (pattern.startsWith('~/')) {
    if (around.home === null) return false;
    pattern = byteStringOfText(realPathOrSame(around.home)) + pattern.slice(1);
  } else if (pattern.startsWith('./')) {
    pattern = byteStringOfText(dirname(realPathOrSame(file))) + pattern.slice(1);
  } else if (!pattern.startsWith('/')) {
    pattern = `**/${pattern}`;
  }
  if (pattern.endsWith('/')) pattern += '**';
  const path = byteStringOfText(place.gitDir);
  return anyCase ? matchPathPattern(pattern.toLowerCase(), path.toLowerCase()) : matchPathPattern(pattern, path);
}

function matchesBranch(place: ConfigPlace | null, pattern: ByteString): boolean | null {
  if (place === null || place.branch === null) return false;
  return matchPathPattern(pattern.endsWith('/') ? `${pattern}**` : pattern, place.branch);
}

function realPathOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
