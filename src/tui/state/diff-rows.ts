import { displayText } from '../../format/display-name.ts';
import { textOfByteString, type ByteString } from '../../lib/bytes.ts';
import type { ComparedLines } from '../services.ts';

/** One line of a comparison or of a file, ready to be drawn. */
export interface DiffRow {
  readonly kind: 'same' | 'added' | 'removed' | 'hunk' | 'note';
  readonly text: string;
  /** Line numbers on either side; null where it has no line. */
  readonly oldLine: number | null;
  readonly newLine: number | null;
  /** Parts of the text that differ from the line it replaces, as [start, end) of characters. */
  readonly words: readonly (readonly [number, number])[];
}

const tabColumns = '  ';
const wordPattern = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;
/** Longer lines are not compared word by word: nobody could see it. */
const wordsMax = 400;

/** A line of a file as text on a screen: harmless, tabs as spaces. */
export function shownLine(bytes: ByteString): string {
  const text = textOfByteString(bytes) ?? bytes;
  return displayText(text.replace(/\r$/, '').replaceAll('\t', tabColumns), { charsMax: 2000 });
}

/** Lays hunks out as rows, and marks the words that changed where as many lines came as went. */
export function diffRows(compared: ComparedLines): DiffRow[] {
  const rows: DiffRow[] = [];
  for (const hunk of compared.hunks) {
    const [, oldStart = '1', newStart = '1'] = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(hunk.header) ?? [];
    let [oldLine, newLine] = [Number(oldStart), Number(newStart)];
    rows.push({ kind: 'hunk', text: hunk.header, oldLine: null, newLine: null, words: [] });
    for (const raw of hunk.lines) {
      const text = shownLine(raw.slice(1));
      if (raw.startsWith('+')) rows.push({ kind: 'added', text, oldLine: null, newLine: newLine++, words: [] });
      else if (raw.startsWith('-')) rows.push({ kind: 'removed', text, oldLine: oldLine++, newLine: null, words: [] });
      else if (raw.startsWith('\\'))
        rows.push({ kind: 'note', text: 'no line feed at the end', oldLine: null, newLine: null, words: [] });
      else rows.push({ kind: 'same', text, oldLine: oldLine++, newLine: newLine++, words: [] });
    }
  }
  return markWords(rows);
}

/** Rows of a file as it is, for a preview. */
export function fileRows(lines: readonly ByteString[]): DiffRow[] {
  return lines.map((line, i) => ({ kind: 'same', text: shownLine(line), oldLine: null, newLine: i + 1, words: [] }));
}

function markWords(rows: readonly DiffRow[]): DiffRow[] {
  const marked = [...rows];
  for (let at = 0; at < marked.length;) {
    const firstAdded = skip(marked, at, 'removed');
    const end = skip(marked, firstAdded, 'added');
    const count = firstAdded - at;
    if (count > 0 && count === end - firstAdded) {
      for (let i = 0; i < count; i++) {
        const [before, after] = [marked[at + i]!, marked[firstAdded + i]!];
        const words = changedWords(before.text, after.text);
        if (words === null) continue;
        marked[at + i] = { ...before, words: words.before };
        marked[firstAdded + i] = { ...after, words: words.after };
      }
    }
    at = Math.max(end, at + 1);
  }
  return marked;
}

function skip(rows: readonly DiffRow[], from: number, kind: DiffRow['kind']): number {
  let at = from;
  while (at < rows.length && rows[at]!.kind === kind) at++;
  return at;
}

type Ranges = (readonly [number, number])[];

/** Where two lines differ; null when so much does that marks would only be noise. */
export function changedWords(before: string, after: string): { before: Ranges; after: Ranges } | null {
  const [old, now] = [before.match(wordPattern) ?? [], after.match(wordPattern) ?? []];
  if (old.length > wordsMax || now.length > wordsMax) return null;
  const kept = commonWords(old, now);
  const same = kept.old.reduce((sum, isKept, i) => sum + (isKept ? old[i]!.trim().length : 0), 0);
  if (same * 3 < Math.max(before.trim().length, after.trim().length)) return null;
  return { before: rangesOf(old, kept.old), after: rangesOf(now, kept.now) };
}

/** The longest common subsequence of words. */
function commonWords(old: readonly string[], now: readonly string[]): { old: boolean[]; now: boolean[] } {
  const width = now.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        old[i] === now[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const kept = { old: old.map(() => false), now: now.map(() => false) };
  for (let i = 0, j = 0; i < old.length && j < now.length;) {
    if (old[i] === now[j]) {
      kept.old[i++] = true;
      kept.now[j++] = true;
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return kept;
}

function rangesOf(words: readonly string[], kept: readonly boolean[]): Ranges {
  const ranges: [number, number][] = [];
  let at = 0;
  for (const [i, word] of words.entries()) {
    const end = at + word.length;
    const last = ranges.at(-1);
    if (!kept[i] && last?.[1] === at) last[1] = end;
    else if (!kept[i]) ranges.push([at, end]);
    at = end;
  }
  return ranges;
}
