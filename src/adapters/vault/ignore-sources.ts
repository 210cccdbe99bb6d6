import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import type { IgnoreSources } from '../../ports/working-tree.ts';
import { readUnfollowed } from '../fs/read-unfollowed.ts';
import type { IgnoreBookData } from './ignore-book.ts';
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
  const prefix = settings.gitignore ? sources.vaultPrefix : '';
  const syncText = readRuleFile(join(settings.root, '.syncignore'));
  const syncFile = { folder: prefix, reason: 'syncignore', name: '.syncignore' } as const;
  const { allowSecrets } = settings;
  return {
    ignoreCase: sources.ignoreCase,
    prefix,
    outerRules: settings.gitignore ? readOuterRules(sources) : [],
    syncRules: syncText === null ? [] : parseIgnoreRules(syncText, syncFile),
    readsGitignore: settings.gitignore,
    allowSecrets: typeof allowSecrets === 'boolean' ? allowSecrets : allowSecrets.map(byteStringOfText),
    logFolder: settings.logFolder,
  };
}

/**
 * Reads a rule file that stands in the vault. Like git, it does not follow a link there, and takes what it cannot read
 * for empty, which leaves more in scope, never less.
 */
export function readRuleFile(path: string | Buffer): ByteString | null {
  const bytes = readUnfollowed(path, ruleBytesMax);
  return bytes === null ? null : byteStringOf(bytes);
}

const ruleBytesMax = 16 * 1024 * 1024;

/** Git's rules from outside the vault, lowest precedence first. */
function readOuterRules(sources: IgnoreSources): IgnoreRule[] {
  const names = sources.vaultPrefix.split('/').slice(0, -1);
  const above = sources.outerFolders.flatMap((absolute, depth) => {
    const text = readRuleFile(join(absolute, '.gitignore'));
    const folder = names.slice(0, depth).map((name) => `${name}/`);
    const name = `${'../'.repeat(names.length - depth)}.gitignore`;
    return text === null ? [] : parseIgnoreRules(text, { folder: folder.join(''), reason: 'gitignore', name });
  });
  return [
    ...readRules(sources.excludesFile, 'core.excludesFile'),
    ...readRules(sources.infoExclude, 'info/exclude'),
    ...above,
  ];
}

/** Rules of a file that the person or git itself keeps elsewhere; links are followed there, as git does. */
function readRules(path: string | null, name: string): IgnoreRule[] {
  if (path === null) return [];
  try {
    return parseIgnoreRules(byteStringOf(readFileSync(path)), { folder: '', reason: 'gitignore', name });
  } catch {
    return [];
  }
}
