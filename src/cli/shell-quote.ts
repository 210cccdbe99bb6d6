import { displayText } from '../format/display-name.ts';
import { textOfByteString, type ByteString } from '../lib/bytes.ts';

/**
 * Quotes a path (bytes) so that it can be pasted into a shell: POSIX quoting, `$'...'` where bytes or characters would
 * not survive a screen; PowerShell quoting on Windows.
 */
export function shellQuote(path: ByteString, platform: NodeJS.Platform): string {
  const text = textOfByteString(path);
  if (platform === 'win32') return `'${displayText(text ?? path).replaceAll("'", "''")}'`;
  if (text !== null && displayText(text, { charsMax: Number.POSITIVE_INFINITY }) === text) {
    return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  }
  return `$'${Array.from(path, escapeByte).join('')}'`;
}

function escapeByte(byte: string): string {
  if (byte === "'" || byte === '\\') return `\\${byte}`;
  return byte >= ' ' && byte <= '~' ? byte : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
