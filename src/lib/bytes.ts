/**
 * A *byte string* holds raw bytes as text: every character is one byte (U+0000 to U+00FF, "latin1").
 * File names travel this way, because they are bytes and need not be UTF-8; plain `<` on byte strings is
 * byte order, and converting costs one copy.
 */
export type ByteString = string;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes a byte string into its bytes. */
export function bytesOf(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Decodes bytes into a byte string. */
export function byteStringOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Returns the byte string of a text as typed by a person (its UTF-8 bytes). */
export function byteStringOfText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Returns the text a byte string spells in UTF-8, or null when its bytes are not valid UTF-8. */
export function textOfByteString(value: ByteString): string | null {
  if (isAscii(value)) return value;
  try {
    return strictUtf8.decode(bytesOf(value));
  } catch {
    return null;
  }
}

/** True when every byte is below 0x80. */
export function isAscii(value: ByteString): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Orders byte strings by their bytes. */
export function compareByteStrings(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
