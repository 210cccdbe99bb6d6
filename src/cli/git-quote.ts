import type { ByteString } from '../lib/bytes.ts';

const shortEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/**
 * Writes a path the way git does in its output: as it is, or in quotes with escapes where it holds bytes that are not printable
 * ASCII. Inert on any screen, and `git apply` reads it back.
 */
export function gitQuote(path: ByteString): string {
  if (/^[ !#-[\]-~]*$/.test(path)) return path;
  const written = Array.from(path, (byte) => {
    const short = shortEscapes[byte];
    if (short !== undefined) return short;
    return byte >= ' ' && byte <= '~' ? byte : `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${written.join('')}"`;
}
