import ignore from 'ignore';
import { byteStringOf } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { IgnoreSources } from '../../ports/working-tree.ts';
import { pathWithin, readGitFile } from './read-git-file.ts';

/**
 * True when git's rules ignore a folder by its name, or one of the folders it lies in. `path` is relative to `root`, the
 * top of the work tree. Rules that cannot be read do not count, so a doubt answers false.
 */
export function isFolderIgnoredByName(
  path: ByteString,
  { root, sources }: { root: string; sources: IgnoreSources },
): boolean {
  const rules: string[] = [];
  if (sources.excludesFile !== null) rules.push(...readRules(sources.excludesFile, '', { followLink: true }));
  if (sources.infoExclude !== null) rules.push(...readRules(sources.infoExclude, '', { followLink: true }));
  const parts = path.split('/');
  // One matcher with every rule re-based to the root, in git's order: the last rule that matches decides.
  for (let depth = 0; depth < parts.length; depth++) {
    const folder = parts
      .slice(0, depth)
      .map((part) => `${part}/`)
      .join('');
    rules.push(...readRules(pathWithin(root, `${folder}.gitignore`), folder, { followLink: false }));
  }
  // Byte strings, because git matches bytes: "caf?" is not "café" to it.
  const matcher = ignore({ ignorecase: sources.ignoreCase, allowRelativePaths: true }).add(rules);
  return matcher.ignores(`${path}/`);
}

/** True when the `.gitignore` within a folder makes git ignore everything there, itself included. */
export function ignoresAllWithin(folder: string | Buffer): boolean {
  const path = Buffer.concat([Buffer.from(folder), Buffer.from('/.gitignore')]);
  let covered = false;
  for (const rule of readRules(path, '', { followLink: false })) {
    if (rule.startsWith('!')) covered = false;
    else if (/^(?:\*|\/\*|\*\*|\/\*\*)$/.test(rule)) covered = true;
  }
  return covered;
}

const sizeBytesMax = 4 << 20;
const utf8Mark = '\u00ef\u00bb\u00bf';

/** Rules of one file, re-based from the folder it lies in ('' or ending in '/') to the root. */
function readRules(path: string | Buffer, folder: ByteString, options: { followLink: boolean }): string[] {
  let text: ByteString;
  try {
    const bytes = readGitFile(path, { sizeBytesMax, ...options });
    if (bytes === null) return [];
    text = byteStringOf(bytes);
  } catch {
    return [];
  }
  if (text.startsWith(utf8Mark)) text = text.slice(utf8Mark.length);
  const rules: string[] = [];
  for (const raw of text.split('\n')) {
    const line = trimTrailingSpaces(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
    // A rule of slashes alone matches nothing, but would name the folder itself once re-based.
    if (!/^!?\/*$/.test(line) && !line.startsWith('#')) rules.push(rebase(line, folder));
  }
  return rules;
}

function rebase(line: string, folder: ByteString): string {
  if (folder === '') return line;
  const negation = line.startsWith('!') ? '!' : '';
  const pattern = line.slice(negation.length);
  const place = `/${folder.replaceAll(/[*?[\]\\!# ]/g, String.raw`\$&`)}`;
  if (pattern.startsWith('/')) return negation + place + pattern.slice(1);
  const isAnchored = pattern.slice(0, -1).includes('/');
  return `${negation}${place}${isAnchored ? '' : '**/'}${pattern}`;
}

/** Git drops spaces at the end of a rule unless a backslash keeps them. */
function trimTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ') {
    let slashes = 0;
    while (line[end - 2 - slashes] === '\\') slashes++;
    if (slashes % 2 === 1) break;
    end--;
  }
  return line.slice(0, end);
}
