import { besideLines, emptyLine, type Line, line, span } from '../line.ts';
import type { DiffFound, Loadable } from '../state/app-state.ts';
import type { DiffRow } from '../state/diff-rows.ts';
import { languageOf, rowSpans } from './code-line.ts';
import { drawLoadable } from './loadable.ts';

const sideBySideColumnsMin = 120;

export interface DiffView {
  readonly path: string;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly isSideBySide: boolean;
}

/** A comparison, or a file as it was. */
export function drawDiff(found: Loadable<DiffFound>, view: DiffView): Line[] {
  return drawLoadable(found, (value) => {
    if (value.rows.length === 0) return [emptyLine, line(`  ${value.note === '' ? 'no difference' : value.note}`)];
    const isWide =
      view.isSideBySide && view.width >= sideBySideColumnsMin && value.rows.some(({ kind }) => kind === 'hunk');
    return isWide ? drawSides(value.rows, view) : drawUnified(value.rows, view);
  });
}

function drawUnified(rows: readonly DiffRow[], { path, top, width, height }: DiffView): Line[] {
  const language = languageOf(path);
  const shown = rows.slice(top, top + height);
  const digits = width >= 60 ? String(rows.at(-1)?.newLine ?? rows.length).length : 0;
  return shown.map((row) => {
    const mark =
      row.kind === 'added' ? span('+ ', 'added') : row.kind === 'removed' ? span('- ', 'removed') : span('  ');
    const number = digits === 0 ? [] : [span(`${String(row.newLine ?? row.oldLine ?? '').padStart(digits)} `, 'dim')];
    return row.kind === 'hunk'
      ? line(...number, ...rowSpans(row, language))
      : line(...number, mark, ...rowSpans(row, language));
  });
}

/** Old on the left, new on the right: a run of gone lines stands beside the run of new ones. */
function drawSides(rows: readonly DiffRow[], { path, top, width, height }: DiffView): Line[] {
  const language = languageOf(path);
  const half = Math.floor((width - 3) / 2);
  const digits = 4;
  const draw = (row: DiffRow | null, number: number | null): Line => {
    if (row === null) return emptyLine;
    const mark =
      row.kind === 'added' ? span('+ ', 'added') : row.kind === 'removed' ? span('- ', 'removed') : span('  ');
    return line(
      span(`${String(number ?? '').padStart(digits)} `, 'dim'),
      row.kind === 'hunk' ? '' : mark,
      ...rowSpans(row, language),
    );
  };
  const pairs = pairRows(rows).slice(top, top + height);
  return besideLines(
    { lines: pairs.map(([old]) => draw(old, old?.oldLine ?? null)), width: half },
    { lines: pairs.map(([, now]) => draw(now, now?.newLine ?? null)), width: half },
    pairs.length,
  );
}

function pairRows(rows: readonly DiffRow[]): (readonly [DiffRow | null, DiffRow | null])[] {
  const pairs: (readonly [DiffRow | null, DiffRow | null])[] = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at]!;
    if (row.kind !== 'removed' && row.kind !== 'added') {
      pairs.push([row, row]);
      at++;
      continue;
    }
    const gone: DiffRow[] = [];
    const fresh: DiffRow[] = [];
    while (rows[at]?.kind === 'removed') gone.push(rows[at++]!);
    while (rows[at]?.kind === 'added') fresh.push(rows[at++]!);
    for (let i = 0; i < Math.max(gone.length, fresh.length); i++) pairs.push([gone[i] ?? null, fresh[i] ?? null]);
  }
  return pairs;
}
