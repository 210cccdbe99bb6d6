/** Control sequences our own output is made of: colours and weights, and going back to redraw the line of progress. */
const ownSequences =
  /^(?:\x1b\[(?:0|1|2|3|4|7|22|23|24|27|3[0-7]|39|4[0-7]|49|9[0-7])?m|\x1b\[[02]?K|\r|\n|\x1b\[\?25[hl]|\x1b\[\d*[ABG])$/;

/**
 * Reads what was printed as a terminal would, and returns every control sequence that is not of our own set, every character that
 * reorders, hides or breaks text, and every colour that nobody but the hostile data asks for. Empty when the output is inert.
 */
export function foreignControls(bytes: Buffer, options: { isTerminal: boolean }): string[] {
  const found = new Set<string>();
  const text = bytes.toString('utf8');
  if (Buffer.compare(Buffer.from(text), bytes) !== 0) found.add('bytes that are not UTF-8');
  for (let at = 0; at < text.length;) {
    const sequence = sequenceAt(text, at);
    if (sequence === null) {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      if (isMischievous(character)) found.add(JSON.stringify(character));
      at += character.length;
      continue;
    }
    const isOurs = options.isTerminal ? ownSequences.test(sequence) : sequence === '\n';
    if (!isOurs) found.add(JSON.stringify(sequence));
    at += sequence.length;
  }
  return [...found];
}

/** The control sequence that begins here, as the parser of a VT500 sees it (ECMA-48): null for what is printed. */
function sequenceAt(text: string, at: number): string | null {
  const code = text.charCodeAt(at);
  if (code === 0x9b) return take(/[\x9b][0-?]*[ -/]*[@-~]?/y, text, at);
  if (code >= 0x80 && code <= 0x9f) return text[at]!;
  if (code !== 0x1b) return code < 0x20 || code === 0x7f ? text[at]! : null;
  return (
    take(/\x1b\[[0-?]*[ -/]*[@-~]/y, text, at) ??
    take(/\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?/y, text, at) ??
    take(/\x1b[ -/]*[0-~]/y, text, at) ??
    '\x1b'
  );
}

function take(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Bidi controls, zero-width characters, line separators, lone surrogates, private tags. */
function isMischievous(character: string): boolean {
  return /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/u.test(
    character,
  );
}
