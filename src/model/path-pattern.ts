import type { ByteString } from '../lib/bytes.ts';

/**
 * Reads what a person looks for. With `*`, `?` or `[...]` it is a pattern for the name, or (with a slash) for the whole path, where
 * `**` spans folders; without, it is any part of the path. Letters of ASCII match in either case.
 */
export function pathPattern(text: ByteString): (path: ByteString, name: ByteString) => boolean {
  if (!/[*?[]/.test(text)) {
    const wanted = asciiLower(text);
    return (path) => asciiLower(path).includes(wanted);
  }
  const pattern = new RegExp(`^${expressionOf(asciiLower(text).replace(/^\//, ''))}$`);
  return text.includes('/') ? (path) => pattern.test(asciiLower(path)) : (_, name) => pattern.test(asciiLower(name));
}

function asciiLower(text: ByteString): ByteString {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function expressionOf(glob: ByteString): string {
  let expression = '';
  for (let at = 0; at < glob.length;) {
    const rest = glob.slice(at);
    const set = /^\[([!^]?)(\]?[^\]/]*)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      expression += '(?:[^]*/)?';
      at += 3;
    } else if (rest.startsWith('**')) {
      expression += '[^]*';
      at += 2;
    } else if (rest.startsWith('*')) {
      expression += '[^/]*';
      at += 1;
    } else if (rest.startsWith('?')) {
      // One character, which in UTF-8 is up to four bytes.
      expression += '(?:[\\u00c2-\\u00f4][\\u0080-\\u00bf]{1,3}|[^/])';
      at += 1;
    } else if (set !== null) {
      expression += `[${set[1] === '' ? '' : '^/'}${set[2]!.replaceAll(/[\\\]^[]/g, '\\$&')}]`;
      at += set[0].length;
    } else {
      expression += rest[0]!.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
      at += 1;
    }
  }
  return expression;
}
