import type { Change, ChangeSide } from '../model/change.ts';
import { isBinary } from '../model/text-content.ts';
import type { ContentSource, SideContent } from '../engine/change-content.ts';
import { formatSize } from '../format/size.ts';
import { byteStringOfText, type ByteString } from '../lib/bytes.ts';
import type { DiffStyle } from './diff-style.ts';
import { gitQuote } from './git-quote.ts';
import { diffTexts, type TextDiff } from './unified-diff.ts';

export interface PatchOptions {
  readonly before: ContentSource;
  readonly after: ContentSource;
  /** Lines around each difference. */
  readonly context: number;
  /** What the two sides are, shown to people behind the names: "live", "restore point". */
  readonly sideNames?: { readonly before: string; readonly after: string } | undefined;
}

/** Larger files are named with their sizes, not compared. */
const comparedBytesMax = 8 * 1024 * 1024;
const nothing: SideContent = { content: new Uint8Array(0), sizeBytes: 0 };
const unread: SideContent = { content: null, sizeBytes: null };
const same: TextDiff = { hunks: [], addedLines: 0, removedLines: 0 };

/** The two contents of a change, and their differences when both are text. */
export interface ComparedContent {
  readonly before: SideContent;
  readonly after: SideContent;
  /** Null for binary files and those too large to compare. */
  readonly text: TextDiff | null;
}

export async function compareContent(change: Change, options: PatchOptions): Promise<ComparedContent> {
  const read = async (side: ChangeSide | null, source: ContentSource): Promise<SideContent> =>
    side === null ? nothing : source.read(side, { sizeBytesMax: comparedBytesMax });
  if (change.before?.id === change.after?.id) return { before: unread, after: unread, text: same };
  const before = await read(change.before, options.before);
  const after = await read(change.after, options.after);
  if (before.content === null || after.content === null) return { before, after, text: null };
  if (isBinary(before.content) || isBinary(after.content)) return { before, after, text: null };
  return { before, after, text: await diffTexts(before.content, after.content, { context: options.context }) };
}

/** Writes one change as a patch: git's extended headers, then hunks, or a line saying why there are none. */
export async function printPatch(style: DiffStyle, change: Change, options: PatchOptions): Promise<void> {
  if (change.kind === 'type') {
    // A file cannot be patched into a link: git, too, writes one gone and one new.
    const { path, before, after } = change;
    await printPatch(style, { kind: 'removed', path, before, after: null }, options);
    await printPatch(style, { kind: 'added', path, before: null, after }, options);
    return;
  }
  const { before, after } = change;
  const oldPath = before?.path ?? change.path;
  const compared = await compareContent(change, options);
  const header = async (line: ByteString): Promise<void> => style.line(line, 'bold');
  await header(`diff --git ${quoted(`a/${oldPath}`, style)} ${quoted(`b/${change.path}`, style)}`);
  for (const line of modeLines(change)) await header(line);
  if (change.kind === 'renamed') {
    await header(`similarity index ${change.similarity}%`);
    await header(`rename from ${quoted(oldPath, style)}`);
    await header(`rename to ${quoted(change.path, style)}`);
  }
  if (compared.text === null) return printUncompared(style, change, compared);
  if (compared.text.hunks.length === 0) return;
  await header(`--- ${sideName(before, 'a/', { style, name: options.sideNames?.before })}`);
  await header(`+++ ${sideName(after, 'b/', { style, name: options.sideNames?.after })}`);
  for (const hunk of compared.text.hunks) {
    await style.line(hunk.header, 'cyan');
    for (const line of hunk.lines) await style.line(line, styleOfLine(line));
  }
}

/** Git's mode of a side, as text. */
export function modeOf(side: ChangeSide): string {
  if (side.kind === 'link') return '120000';
  return side.kind === 'executable' || side.executable === true ? '100755' : '100644';
}

function modeLines({ before, after }: Change): string[] {
  if (before === null) return [`new file mode ${modeOf(after)}`];
  if (after === null) return [`deleted file mode ${modeOf(before)}`];
  const [oldMode, newMode] = [modeOf(before), modeOf(after)];
  return oldMode === newMode ? [] : [`old mode ${oldMode}`, `new mode ${newMode}`];
}

async function printUncompared(style: DiffStyle, change: Change, compared: ComparedContent): Promise<void> {
  if (style.forPeople) {
    const { before, after } = compared;
    const isLarge = before.content === null || after.content === null;
    const sizes = `${sizeText(change.before, before)} -> ${sizeText(change.after, after)}`;
    await style.line(`${isLarge ? 'too large to compare line by line' : 'binary'}: ${sizes}`, 'yellow');
    return;
  }
  const a = change.before === null ? '/dev/null' : gitQuote(`a/${change.before.path}`);
  const b = change.after === null ? '/dev/null' : gitQuote(`b/${change.path}`);
  await style.line(`Binary files ${a} and ${b} differ`);
}

function sizeText(side: ChangeSide | null, { sizeBytes }: SideContent): string {
  if (side === null) return 'nothing';
  return sizeBytes === null ? 'large' : formatSize(sizeBytes);
}

function sideName(
  side: ChangeSide | null,
  prefix: string,
  options: { style: DiffStyle; name: string | undefined },
): ByteString {
  if (side === null) return '/dev/null';
  const { style, name } = options;
  const written = quoted(prefix + side.path, style);
  if (style.forPeople) return name === undefined ? written : `${written} (${name})`;
  // Git ends such a name with a tab, or it could not tell where the name ends.
  return written.includes(' ') && !written.startsWith('"') ? `${written}\t` : written;
}

/** The shown name as bytes again, since lines travel as bytes. */
function quoted(path: ByteString, style: DiffStyle): ByteString {
  return byteStringOfText(style.name(path));
}

function styleOfLine(line: ByteString): 'green' | 'red' | 'dim' | undefined {
  if (line.startsWith('+')) return 'green';
  if (line.startsWith('-')) return 'red';
  return line.startsWith('\\') ? 'dim' : undefined;
}
