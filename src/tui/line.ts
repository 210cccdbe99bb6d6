import { displayText } from '../format/display-name.ts';
import { displayWidth, truncateToWidth } from '../format/text-width.ts';
import type { Palette, Style } from './palette.ts';

/** A run of text of one style. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One line of the screen, before it is fitted to it. */
export interface Line {
  readonly spans: readonly Span[];
  /** Drawn reversed over its whole width: where the person is. */
  readonly isSelected?: boolean;
}

export const emptyLine: Line = { spans: [] };

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

export function line(...spans: readonly (Span | string)[]): Line {
  return { spans: spans.map((part) => (typeof part === 'string' ? span(part) : part)) };
}

export function widthOf({ spans }: Line): number {
  return spans.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** Cuts a line to `width` columns and fills it up to them, so that lines can stand side by side. */
export function fitLine(whole: Line, width: number): Line {
  const spans: Span[] = [];
  let room = Math.max(0, width);
  for (const { text, style } of whole.spans) {
    const columns = displayWidth(text);
    if (columns <= room) {
      spans.push({ text, style });
      room -= columns;
      continue;
    }
    const cut = truncateToWidth(text, room);
    spans.push({ text: cut, style });
    room -= displayWidth(cut);
    break;
  }
  if (room > 0) spans.push(span(' '.repeat(room)));
  return { ...whole, spans };
}

/** Puts the right end of a line at the right edge; the left part gives way. */
export function spreadLine(left: Line, right: Line, width: number): Line {
  const rightWidth = widthOf(right);
  if (rightWidth === 0) return fitLine(left, width);
  const leftWidth = Math.max(0, width - rightWidth - 1);
  return {
    ...left,
    spans: [...fitLine(left, leftWidth).spans, span(' '), ...fitLine(right, Math.min(width, rightWidth)).spans],
  };
}

/** Two blocks of lines beside each other with a rule between. Both are fitted and have `height` lines. */
export function besideLines(
  left: { lines: readonly Line[]; width: number },
  right: { lines: readonly Line[]; width: number },
  height: number,
): Line[] {
  return Array.from({ length: height }, (_, i) => {
    const a = fitLine(left.lines[i] ?? emptyLine, left.width);
    const b = fitLine(right.lines[i] ?? emptyLine, right.width);
    const own = a.isSelected === true ? [span(plainText(a), 'selected')] : a.spans;
    return { spans: [...own, span(' │ ', 'dim'), ...b.spans] };
  });
}

/**
 * A line as it goes to the terminal. The last gate: names were made harmless where they came from, and whatever control
 * character slipped through all the same is shown, not sent.
 */
export function paintLine(whole: Line, width: number, palette: Palette): string {
  const { spans } = fitLine(whole, width);
  if (whole.isSelected === true) return reverse(spans.map(({ text }) => displayText(text)).join(''));
  const painted = spans.map(({ text, style }) => {
    const safe = displayText(text);
    return style === 'selected' ? reverse(safe) : palette(style, safe);
  });
  return painted.join('').trimEnd();
}

/** The line without styles, for readers of the screen. */
export function plainLine({ spans }: Line): string {
  return displayText(spans.map(({ text }) => text).join('')).trimEnd();
}

function plainText({ spans }: Line): string {
  return spans.map(({ text }) => text).join('');
}

function reverse(text: string): string {
  return `\u001b[7m${text}\u001b[27m`;
}
