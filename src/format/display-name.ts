import { bytesOf, textOfByteString, type ByteString } from '../lib/bytes.ts';

/** Longest text shown, in characters; the rest becomes an ellipsis. */
export const displayCharsMax = 1024;

export interface DisplayOptions {
  readonly charsMax?: number;
}

// Whatever could move the cursor, change colours, reorder or hide text, or draw nothing: controls, format and bidi
// characters, line and paragraph separators, lone surrogates, and all that Unicode says may be drawn as nothing.
const unsafeText = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;
const unsafeCharacters = new RegExp(unsafeText, 'gu');
// The one invisible character allowed: it asks for the coloured form of the pictograph before it.
const emojiSelector = /(?<=\p{Extended_Pictographic})\ufe0f/uy;
const edgeSpaces = /(?<=^|\/) +| +(?=$|\/)/g;
// Printable ASCII without space and backslash: nothing to escape.
const plainName = /^[!-[\]-~]*$/;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/**
 * Shows a file name or path (bytes) on a screen: inert, unambiguous, one line. Invalid UTF-8 appears as `\xff`, control,
 * bidi and invisible characters as `\x1b` or `\u{202e}`, a backslash as `\\`, a space at an edge as `\x20`.
 */
export function displayName(name: ByteString, options: DisplayOptions = {}): string {
  if (plainName.test(name)) return shorten(name, options);
  const text = textOfByteString(name);
  const shown = text === null ? escapeMixedBytes(name) : escapeText(text.replaceAll('\\', '\\\\'));
  return shorten(
    shown.replaceAll(edgeSpaces, (spaces) => '\\x20'.repeat(spaces.length)),
    options,
  );
}

/** Shows text that came from a label, a record, a server or a setting: inert, one line. */
export function displayText(text: string, options: DisplayOptions = {}): string {
  return shorten(unsafeText.test(text) ? escapeText(text) : text, options);
}

/** The fields a path has in JSON: the name itself, and its bytes where they are not valid UTF-8. */
export function jsonPath(name: ByteString): { readonly path: string; readonly path_b64?: string } {
  const text = textOfByteString(name);
  if (text !== null) return { path: text };
  const bytes = bytesOf(name);
  return { path: bytes.toString('utf8'), path_b64: bytes.toString('base64') };
}

function escapeText(text: string): string {
  return text.replaceAll(unsafeCharacters, (character, at: number) => {
    emojiSelector.lastIndex = at;
    return emojiSelector.test(text) ? character : escapeCharacter(character);
  });
}

function escapeCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0)!;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Decodes what is valid UTF-8 and shows every other byte as `\xff`. */
function escapeMixedBytes(name: ByteString): string {
  const bytes = bytesOf(name);
  let shown = '';
  for (let at = 0; at < bytes.length;) {
    const length = utf8Length(bytes, at);
    if (length === 0) {
      shown += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`;
      at++;
    } else {
      shown += escapeText(bytes.toString('utf8', at, at + length).replaceAll('\\', '\\\\'));
      at += length;
    }
  }
  return shown;
}

/** Length of the valid UTF-8 sequence at `at`, 0 when there is none. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length < 2) return length;
  const sequence = bytes.subarray(at, at + length);
  return textOfByteString(Buffer.from(sequence).toString('latin1')) === null ? 0 : length;
}

function shorten(text: string, options: DisplayOptions): string {
  const charsMax = options.charsMax ?? displayCharsMax;
  if (text.length <= charsMax) return text;
  const cut = text.slice(0, charsMax - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}
