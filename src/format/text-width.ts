const colourSequence = /\u001b\[[0-9;]*m/g;
const colourAt = /\u001b\[[0-9;]*m/y;
// Letters, punctuation, arrows and shapes that are one column each and never join: loading the segmenter costs more than
// most commands take to print.
const oneColumnEach =
  /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u2319\u2500-\u25fc]*$/;
const wideCharacter =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}])/u;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
let clusters: Intl.Segmenter | undefined;

/** Columns a text takes on a terminal; colour sequences take none. */
export function displayWidth(text: string): number {
  const bare = text.includes('\u001b') ? text.replaceAll(colourSequence, '') : text;
  if (oneColumnEach.test(bare)) return bare.length;
  let width = 0;
  for (const cluster of segment(bare)) width += clusterWidth(cluster);
  return width;
}

/** Cuts a text to `width` columns, ending in an ellipsis when something was cut; colour sequences are kept. */
export function truncateToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  let kept = '';
  let used = 0;
  let isFull = false;
  for (const cluster of clustersOf(text)) {
    const clusterColumns = clusterWidth(cluster);
    if (clusterColumns === 0 && (!isFull || cluster.startsWith('\u001b['))) kept += cluster;
    if (clusterColumns === 0 || isFull) continue;
    isFull = used + clusterColumns > width - 1;
    kept += isFull ? '…' : cluster;
    used += clusterColumns;
  }
  return kept;
}

/** Pads with spaces on the right to `width` columns. */
export function padToWidth(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Pads with spaces on the left to `width` columns. */
export function padStartToWidth(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/**
 * Breaks a text at spaces into lines of at most `width` columns; what has no space is cut only when it is longer than a
 * whole line. Later lines begin with `indent`.
 */
export function wrapToWidth(text: string, width: number, indent = ''): string[] {
  if (!Number.isFinite(width)) return [text];
  return joinToWidth(text.split(' '), ' ', { width, indent });
}

export interface JoinOptions {
  readonly width: number;
  /** Put before every line but the first. */
  readonly indent?: string;
}

/** Joins pieces by a separator, starting a new line where the next piece would not fit. */
export function joinToWidth(pieces: readonly string[], separator: string, options: JoinOptions): string[] {
  const indent = options.indent ?? '';
  const width = Math.max(options.width, displayWidth(indent) + 4);
  const lines: string[] = [];
  let line: string | null = null;
  for (const piece of pieces) {
    const longer: string = line === null ? piece : line + separator + piece;
    if (line !== null && displayWidth(longer) > width) {
      lines.push(line);
      line = indent + piece;
    } else line = longer;
    for (const cut of cutLong(line, { width, indent })) {
      if (cut.isLast) line = cut.text;
      else lines.push(cut.text);
    }
  }
  if (line !== null) lines.push(line);
  return lines;
}

function cutLong(line: string, options: Required<JoinOptions>): { text: string; isLast: boolean }[] {
  if (displayWidth(line) <= options.width) return [{ text: line, isLast: true }];
  const parts: { text: string; isLast: boolean }[] = [];
  let part = '';
  let used = 0;
  for (const cluster of clustersOf(line)) {
    const width = clusterWidth(cluster);
    if (used + width > options.width) {
      parts.push({ text: part, isLast: false });
      part = options.indent;
      used = displayWidth(options.indent);
    }
    part += cluster;
    used += width;
  }
  parts.push({ text: part, isLast: true });
  return parts;
}

/** What is drawn as one, a colour sequence counting as a cluster of its own. */
function* clustersOf(text: string): Iterable<string> {
  for (let at = 0; at < text.length;) {
    colourAt.lastIndex = at;
    const colour = colourAt.exec(text)?.[0];
    if (colour !== undefined) {
      yield colour;
      at += colour.length;
      continue;
    }
    const next = text.indexOf('\u001b', at + 1);
    const plain = text.slice(at, next === -1 ? undefined : next);
    yield* segment(plain);
    at += plain.length;
  }
}

function* segment(text: string): Iterable<string> {
  if (oneColumnEach.test(text)) {
    yield* text;
    return;
  }
  clusters ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { segment: cluster } of clusters.segment(text)) yield cluster;
}

function clusterWidth(cluster: string): number {
  if (cluster.startsWith('\u001b[') || zeroWidth.test(cluster)) return 0;
  return wideCharacter.test(cluster) ? 2 : 1;
}
