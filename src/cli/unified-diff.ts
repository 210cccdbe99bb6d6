import { type ByteString, byteStringOf } from '../lib/bytes.ts';

/** One run of differences with the lines around it. Lines start with ' ', '-', '+' or '\', and hold raw bytes. */
export interface Hunk {
  readonly header: string;
  readonly lines: readonly ByteString[];
}

export interface TextDiff {
  readonly hunks: readonly Hunk[];
  readonly addedLines: number;
  readonly removedLines: number;
}

// Beyond this many edits a minimal script costs seconds and shows nothing to a reader.
const editsMax = 2000;
const noNewline = '\\ No newline at end of file';

/**
 * Compares two texts line by line, byte for byte. Texts too different for a minimal script become one hunk that
 * replaces everything between their common beginning and end: longer than needed, and still right.
 */
export async function diffTexts(
  before: Uint8Array,
  after: Uint8Array,
  options: { readonly context: number },
): Promise<TextDiff> {
  // Loaded on use: most commands never compare a text.
  const { diffArrays } = await import('diff');
  const oldLines = linesOf(before);
  const newLines = linesOf(after);
  const edges = commonEdges(oldLines, newLines);
  const oldMiddle = oldLines.slice(edges.start, oldLines.length - edges.end);
  const newMiddle = newLines.slice(edges.start, newLines.length - edges.end);
  const runs = diffArrays(oldMiddle, newMiddle, { maxEditLength: editsMax }) ?? [
    { value: oldMiddle, removed: true, added: false },
    { value: newMiddle, removed: false, added: true },
  ];
  const edits: Edit[] = [];
  let oldAt = edges.start;
  let newAt = edges.start;
  for (const run of runs) {
    const count = run.value.length;
    if (run.removed) edits.push({ oldStart: oldAt, oldEnd: oldAt + count, newStart: newAt, newEnd: newAt });
    if (run.added) edits.push({ oldStart: oldAt, oldEnd: oldAt, newStart: newAt, newEnd: newAt + count });
    if (!run.added) oldAt += count;
    if (!run.removed) newAt += count;
  }
  return {
    hunks: hunksOf(edits, { oldLines, newLines, context: options.context }),
    addedLines: edits.reduce((sum, edit) => sum + edit.newEnd - edit.newStart, 0),
    removedLines: edits.reduce((sum, edit) => sum + edit.oldEnd - edit.oldStart, 0),
  };
}

/** Lines `[oldStart, oldEnd)` become `[newStart, newEnd)`; one of the two runs is empty. */
interface Edit {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
}

interface Texts {
  readonly oldLines: readonly ByteString[];
  readonly newLines: readonly ByteString[];
  readonly context: number;
}

/** Lines with their line feeds; a last line without one is another line than the same with it. */
function linesOf(content: Uint8Array): ByteString[] {
  const text = byteStringOf(content);
  const lines: ByteString[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end + 1;
    lines.push(text.slice(at, next));
    at = next;
  }
  return lines;
}

/** How many lines at either end are the same: usually nearly all, and the comparison need not look at them. */
function commonEdges(a: readonly ByteString[], b: readonly ByteString[]): { start: number; end: number } {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return { start, end };
}

/** Edits whose surroundings touch share a hunk. */
function hunksOf(edits: readonly Edit[], texts: Texts): Hunk[] {
  const hunks: Hunk[] = [];
  for (let first = 0; first < edits.length;) {
    let last = first + 1;
    while (last < edits.length && edits[last]!.oldStart - edits[last - 1]!.oldEnd <= texts.context * 2) last++;
    hunks.push(hunkOf(edits.slice(first, last), texts));
    first = last;
  }
  return hunks;
}

function hunkOf(edits: readonly Edit[], { oldLines, newLines, context }: Texts): Hunk {
  const [first, last] = [edits[0]!, edits.at(-1)!];
  const lead = Math.min(context, first.oldStart, first.newStart);
  const oldStart = first.oldStart - lead;
  const newStart = first.newStart - lead;
  const oldEnd = Math.min(oldLines.length, last.oldEnd + context);
  const newEnd = last.newEnd + (oldEnd - last.oldEnd);
  const lines: ByteString[] = [];
  let at = oldStart;
  const add = (mark: string, from: readonly ByteString[], range: readonly [number, number]): void => {
    for (const line of from.slice(...range)) {
      if (line.endsWith('\n')) lines.push(mark + line.slice(0, -1));
      else lines.push(mark + line, noNewline);
    }
  };
  for (const edit of edits) {
    add(' ', oldLines, [at, edit.oldStart]);
    add('-', oldLines, [edit.oldStart, edit.oldEnd]);
    add('+', newLines, [edit.newStart, edit.newEnd]);
    at = edit.oldEnd;
  }
  add(' ', oldLines, [at, oldEnd]);
  return { header: `@@ -${rangeText(oldStart, oldEnd)} +${rangeText(newStart, newEnd)} @@`, lines };
}

/** Lines count from 1; a range of none names the line before it. */
function rangeText(start: number, end: number): string {
  const count = end - start;
  if (count === 1) return String(start + 1);
  return `${count === 0 ? start : start + 1},${count}`;
}
