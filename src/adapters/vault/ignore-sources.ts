import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import type { IgnoreSources } from '../../ports/working-tree.ts';
import type { IgnoreBookData } from './ignore-book.ts';
import { RuleMatcher } from './ignore-matcher.ts';
import { type IgnoreRule, parseIgnoreRules } from './ignore-rules.ts';

export interface IgnoreSettings {
  /** Absolute path of the vault. */
  readonly root: string;
  /** False: git's ignore rules do not apply, only `.syncignore` does. */
  readonly gitignore: boolean;
  /** True, or patterns (as in `.gitignore`) of untracked secrets that may be stored. */
  readonly allowSecrets: boolean | readonly string[];
  readonly logFolder: ByteString | null;
}

/**
 * Reads the ignore rules that stand outside the vault's own folders, and `.syncignore`, which is read in the vault's root
 * only: its patterns reach every folder from there.
 */
export function readIgnoreBook(settings: IgnoreSettings, sources: IgnoreSources): IgnoreBookData {
  const syncText = readRuleFile(join(settings.root, '.syncignore'));
  const syncRules = syncText === null ? [] : parse(syncText, { folder: '', reason: 'syncignore', name: '.syncignore' });
  const { ignoreCase } = sources;
  const allowSecrets =
    typeof settings.allowSecrets === 'boolean' ? settings.allowSecrets : settings.allowSecrets.map(byteStringOfText);
  const shared = { ignoreCase, syncRules, allowSecrets, logFolder: settings.logFolder };
  if (!settings.gitignore) return { ...shared, prefix: '', outerRules: [], readsGitignore: false };

  const personal = readRules(sources.excludesFile, { folder: '', name: 'core.excludesFile' });
  const ofRepository = [
    ...readRules(sources.infoExclude, { folder: '', name: 'info/exclude' }),
    ...outerRules(sources),
  ];
  const outer = { prefix: sources.vaultPrefix, outerRules: [...personal, ...ofRepository] };
  // A vault inside a folder that its repository ignores would be empty by git's rules. Whoever made it a vault wants
  // its files, so that repository has no say.
  const isIgnored = sources.vaultPrefix !== '' && ignores(outer.outerRules, sources);
  if (!isIgnored) return { ...shared, ...outer, syncRules: rebased(syncText, outer.prefix), readsGitignore: true };
  return { ...shared, prefix: '', outerRules: personal, readsGitignore: true };
}

/**
 * Reads a rule file that stands in the vault. Like git, it does not follow a link there, and takes what it cannot read
 * for empty, which leaves more in scope, never less.
 */
export function readRuleFile(path: string | Buffer): ByteString | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= ruleBytesMax ? byteStringOf(readFileSync(fd)) : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

const ruleBytesMax = 16 * 1024 * 1024;
const parse = parseIgnoreRules;

function rebased(text: ByteString | null, folder: ByteString): IgnoreRule[] {
  return text === null ? [] : parse(text, { folder, reason: 'syncignore', name: '.syncignore' });
}

/** The `.gitignore` files above the vault, from the repository's root down. */
function outerRules(sources: IgnoreSources): IgnoreRule[] {
  const names = sources.vaultPrefix.split('/').slice(0, -1);
  return sources.outerFolders.flatMap((absolute, depth) => {
    const folder = names.slice(0, depth).map((name) => `${name}/`);
    const text = readRuleFile(join(absolute, '.gitignore'));
    const name = `${'../'.repeat(names.length - depth)}.gitignore`;
    return text === null ? [] : parse(text, { folder: folder.join(''), reason: 'gitignore', name });
  });
}

/** Rules of a file that the person or git itself keeps elsewhere; links are followed there, as git does. */
function readRules(path: string | null, file: { folder: ByteString; name: string }): IgnoreRule[] {
  if (path === null) return [];
  try {
    return parse(byteStringOf(readFileSync(path)), { ...file, reason: 'gitignore' });
  } catch {
    return [];
  }
}

function ignores(rules: readonly IgnoreRule[], sources: IgnoreSources): boolean {
  const patterns = rules.map(({ pattern }) => ({ pattern, mark: '' }));
  return new RuleMatcher(sources.ignoreCase, [patterns]).test(sources.vaultPrefix).ignoredBy !== null;
}
