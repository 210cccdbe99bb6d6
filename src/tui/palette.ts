/** What a piece of text is, for the eye. Names of meaning, not of colours: the terminal's own palette gives those. */
export type Style =
  | 'plain'
  | 'dim'
  | 'bold'
  | 'accent'
  | 'good'
  | 'warn'
  | 'bad'
  | 'label'
  | 'key'
  | 'added'
  | 'removed'
  | 'addedWord'
  | 'removedWord'
  | 'comment'
  | 'string'
  | 'heading'
  | 'keyword'
  /** Reversed: where the person is. */
  | 'selected'
  | `heat${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;

/** 0: attributes only (NO_COLOR); 1: the 16 colours of the terminal; 2: 256; 3: 16 million. */
export type ColourLevel = 0 | 1 | 2 | 3;

/** Puts a style on a text. Never sets a background: it would guess the one that is there. */
export type Palette = (style: Style, text: string) => string;

type Code = readonly [number | string, number];

const attributes: Partial<Record<Style, readonly Code[]>> = {
  dim: [[2, 22]],
  bold: [[1, 22]],
  label: [[1, 22]],
  key: [[1, 22]],
  heading: [[1, 22]],
  addedWord: [[4, 24]],
  removedWord: [[4, 24]],
  comment: [[2, 22]],
};

const colours: Partial<Record<Style, readonly Code[]>> = {
  accent: [[36, 39]],
  good: [[32, 39]],
  warn: [[33, 39]],
  bad: [[31, 39]],
  key: [[36, 39]],
  added: [[32, 39]],
  removed: [[31, 39]],
  addedWord: [[32, 39]],
  removedWord: [[31, 39]],
  string: [[36, 39]],
  keyword: [[35, 39]],
  heading: [[36, 39]],
};

// Middle tones: they stand out on black and on white.
const heat256 = [65, 65, 71, 71, 70, 106, 142, 172] as const;

export function createPalette(level: ColourLevel): Palette {
  const codes = new Map<Style, { open: string; close: string }>();
  const codesOf = (style: Style): { open: string; close: string } => {
    let found = codes.get(style);
    if (found === undefined) {
      const all = [...(attributes[style] ?? []), ...(level === 0 ? [] : colourOf(style, level))];
      const open = all.map(([code]) => `\u001b[${code}m`).join('');
      const close = all.map(([, code]) => `\u001b[${code}m`).join('');
      found = { open, close };
      codes.set(style, found);
    }
    return found;
  };
  return (style, text) => {
    if (style === 'plain' || text === '') return text;
    const { open, close } = codesOf(style);
    return open + text + close;
  };
}

function colourOf(style: Style, level: ColourLevel): readonly Code[] {
  if (!style.startsWith('heat')) return colours[style] ?? [];
  return level === 1 ? [[32, 39]] : [[`38;5;${heat256[Number(style.slice(4))]}`, 39]];
}

/** How many colours a terminal shows, from what it says of itself. */
export function colourLevelOf(env: Readonly<Record<string, string | undefined>>): ColourLevel {
  if ((env['NO_COLOR'] ?? '') !== '') return 0;
  const { TERM: term = '', COLORTERM: depth = '' } = env;
  if (term === 'dumb') return 0;
  if (/truecolor|24bit/i.test(depth)) return 3;
  return /256/.test(term) ? 2 : 1;
}
