import { formatCount } from '../format/size.ts';
import { jsonPath } from '../format/display-name.ts';
import { type Change, type ChangeSide, countChangeKinds } from '../model/change.ts';
import { createDiffStyle, type DiffWriter } from './diff-style.ts';
import type { Output } from './output.ts';
import type { Paint } from './paint.ts';
import { compareContent, type ComparedContent, modeOf, type PatchOptions, printPatch } from './print-patch.ts';
import { displayWidth } from '../format/text-width.ts';

export type ChangeForm = 'patch' | 'stat' | 'name-status';

export interface PrintOptions extends PatchOptions {
  readonly form: ChangeForm;
  /** True where a person reads on a terminal. */
  readonly isTerminal: boolean;
  readonly signal?: AbortSignal | undefined;
}

const letters = { added: 'A', removed: 'D', changed: 'M', mode: 'M', type: 'T', renamed: 'R' } as const;
const colours = {
  added: 'green',
  removed: 'red',
  changed: 'yellow',
  mode: 'yellow',
  type: 'yellow',
  renamed: 'cyan',
} as const;

/** Prints changes in the form asked for; with `--json`, one row each, with counts of lines where both sides are text. */
export async function printChanges(out: Output, changes: readonly Change[], options: PrintOptions): Promise<void> {
  if (out.json) return printRows(out, changes, options);
  if (out.quiet) return;
  const style = createDiffStyle(out, { forPeople: options.isTerminal });
  const paint: Paint = (colour, text) => (options.isTerminal ? out.paint(colour, text) : text);
  if (options.form === 'stat') await printStat(out, changes, { ...options, style });
  for (const change of options.form === 'stat' ? [] : changes) {
    options.signal?.throwIfAborted();
    if (options.form === 'patch') await printPatch(style, change, options);
    else await style.shown(paint(colours[change.kind], nameStatus(style, change)));
  }
  await style.flush();
}

/** "3 changed, 1 added, 2 removed", or "no differences". */
export function summaryOf(changes: readonly Change[]): string {
  const counts = countChangeKinds(changes);
  const parts = (['changed', 'added', 'removed', 'renamed'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${formatCount(counts[kind])} ${kind}`);
  return parts.length === 0 ? 'no differences' : parts.join(', ');
}

function nameStatus(style: DiffWriter, change: Change): string {
  if (change.kind !== 'renamed') return `${letters[change.kind]}\t${style.name(change.path)}`;
  const similarity = String(change.similarity).padStart(3, '0');
  return `R${similarity}\t${style.name(change.before.path)}\t${style.name(change.path)}`;
}

interface StatLine {
  readonly name: string;
  readonly compared: ComparedContent;
}

const barColumns = 40;

async function printStat(
  out: Output,
  changes: readonly Change[],
  options: PrintOptions & { style: DiffWriter },
): Promise<void> {
  const { style } = options;
  const lines: StatLine[] = [];
  for (const change of changes) {
    options.signal?.throwIfAborted();
    const name =
      change.kind === 'renamed'
        ? `${style.name(change.before.path)} => ${style.name(change.path)}`
        : style.name(change.path);
    lines.push({ name, compared: await compareContent(change, options) });
  }
  const nameColumns = Math.max(0, ...lines.map(({ name }) => displayWidth(name)));
  const most = Math.max(
    1,
    ...lines.map(({ compared: { text } }) => (text === null ? 0 : text.addedLines + text.removedLines)),
  );
  const scale = Math.min(1, barColumns / most);
  let [added, removed] = [0, 0];
  for (const { name, compared } of lines) {
    added += compared.text?.addedLines ?? 0;
    removed += compared.text?.removedLines ?? 0;
    const padding = ' '.repeat(nameColumns - displayWidth(name));
    const amount = statAmount(compared, {
      scale,
      paint: (colour, text) => (style.forPeople ? out.paint(colour, text) : text),
    });
    await style.shown(` ${name}${padding} | ${amount}`);
  }
  const files = `${formatCount(lines.length)} ${lines.length === 1 ? 'file' : 'files'} changed`;
  await style.shown(` ${files}, ${formatCount(added)} insertions(+), ${formatCount(removed)} deletions(-)`);
}

function statAmount({ text, before, after }: ComparedContent, options: { scale: number; paint: Paint }): string {
  if (text === null) return `Bin ${before.sizeBytes ?? 'large'} -> ${after.sizeBytes ?? 'large'} bytes`;
  const { scale, paint } = options;
  const bar = (count: number): number => (count === 0 ? 0 : Math.max(1, Math.round(count * scale)));
  const plus = paint('green', '+'.repeat(bar(text.addedLines)));
  const minus = paint('red', '-'.repeat(bar(text.removedLines)));
  return `${text.addedLines + text.removedLines} ${plus}${minus}`.trimEnd();
}

async function printRows(out: Output, changes: readonly Change[], options: PrintOptions): Promise<void> {
  for (const change of changes) {
    options.signal?.throwIfAborted();
    const compared = options.form === 'name-status' ? null : await compareContent(change, options);
    out.row('change', {
      status: change.kind,
      ...jsonPath(change.path),
      ...(change.kind === 'renamed' ? { from: jsonPath(change.before.path), similarity: change.similarity } : {}),
      before: sideFields(change.before, compared?.before.sizeBytes),
      after: sideFields(change.after, compared?.after.sizeBytes),
      ...(compared?.text == null
        ? {}
        : { added_lines: compared.text.addedLines, removed_lines: compared.text.removedLines }),
    });
    await out.ready();
  }
}

function sideFields(side: ChangeSide | null, sizeBytes: number | null | undefined): object | null {
  if (side === null) return null;
  return { object: side.id, mode: modeOf(side), ...(sizeBytes == null ? {} : { size_bytes: sizeBytes }) };
}
