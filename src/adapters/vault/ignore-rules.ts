import type { ByteString } from '../../lib/bytes.ts';

/** One line of an ignore file. */
export interface IgnoreRule {
  /** The pattern re-based to the root of the repository (of the vault without one), as the matcher takes it. */
  readonly pattern: ByteString;
  /** The pattern as it stands in the file. */
  readonly written: ByteString;
  readonly reason: 'gitignore' | 'syncignore';
  /** File and line: ".gitignore:3". */
  readonly source: string;
}

/**
 * Reads the text of an ignore file as git does: byte for byte, `#` comments, trailing spaces dropped unless escaped.
 * `folder` is the folder the file stands in, relative to where paths are tested from: '' or 'a/b/'. Its patterns are
 * rewritten so that one matcher can hold the rules of many folders, in git's order, and let a deeper `!` undo an upper rule.
 */
export function parseIgnoreRules(
  text: ByteString,
  file: { readonly folder: ByteString; readonly reason: IgnoreRule['reason']; readonly name: string },
): IgnoreRule[] {
  const rules: IgnoreRule[] = [];
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split('\n');
  for (const [i, line] of lines.entries()) {
    const written = patternOf(line);
    if (written === null) continue;
    const pattern = file.folder === '' ? written : rebase(written, file.folder);
    rules.push({ pattern, written, reason: file.reason, source: `${file.name}:${i + 1}` });
  }
  return rules;
}

/** True for `**` that shares its segment with something else: git and the matcher may read it differently. */
export function isDoubtful(rule: IgnoreRule): boolean {
  return /[^/]\*\*|\*\*[^/]/.test(bodyOf(rule.written));
}

/** Splits a pattern as written into its sign, whether it only fits folders, whether a slash ties it to its folder, and the rest. */
export function splitPattern(written: ByteString): {
  readonly isNegative: boolean;
  readonly isAnchored: boolean;
  readonly isFolderOnly: boolean;
  /** Without '!', without slashes at either end. */
  readonly body: ByteString;
} {
  const unsigned = bodyOf(written);
  const isFolderOnly = unsigned.endsWith('/');
  const inner = isFolderOnly ? unsigned.slice(0, -1) : unsigned;
  return {
    isNegative: written.startsWith('!'),
    isAnchored: inner.includes('/'),
    isFolderOnly,
    body: inner.replace(/^\//, ''),
  };
}

/** Quotes what a pattern would read as a wildcard. */
export function escapePattern(path: ByteString): ByteString {
  return path.replaceAll(/[*?[\]\\]/g, (c) => `\\${c}`);
}

/** The pattern a line holds, or null for comments and lines that can match nothing. */
function patternOf(line: ByteString): ByteString | null {
  if (line.startsWith('#')) return null;
  // Git works on C strings, so a NUL ends the pattern.
  const pattern = withoutTrailingSpaces(line.replace(/\0[^]*$/, '').replace(/\r$/, ''));
  // What is left of such lines would match the folder itself once it is re-based.
  return /^!?\/*$/.test(pattern) ? null : pattern;
}

function withoutTrailingSpaces(line: ByteString): ByteString {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ') end--;
  if (end === line.length) return line;
  let backslashes = 0;
  while (backslashes < end && line[end - 1 - backslashes] === '\\') backslashes++;
  return line.slice(0, backslashes % 2 === 1 ? end + 1 : end);
}

function bodyOf(written: ByteString): ByteString {
  return written.startsWith('!') ? written.slice(1) : written;
}

function rebase(written: ByteString, folder: ByteString): ByteString {
  const { isNegative, isAnchored, isFolderOnly, body } = splitPattern(written);
  return `${isNegative ? '!' : ''}/${escapePattern(folder)}${isAnchored ? '' : '**/'}${body}${isFolderOnly ? '/' : ''}`;
}
