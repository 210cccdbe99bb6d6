import { displayName, displayText } from '../../format/display-name.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import { padStartToWidth } from '../../format/text-width.ts';
import { besideLines, emptyLine, type Line, line, span, spreadLine } from '../line.ts';
import type { AppState, BrowsedEntry, ChangeRow, FoundRow, Screen, VersionRow } from '../state/app-state.ts';
import { hasSidePane } from '../state/reduce.ts';
import { drawDiff } from './diff.ts';
import { drawLoadable } from './loadable.ts';
import { momentText } from './point-cells.ts';

type Of<Kind extends Screen['kind']> = Extract<Screen, { kind: Kind }>;

interface Area {
  readonly width: number;
  readonly height: number;
}

/** Draws the rows of a list that are in sight. */
function windowed<T>(
  rows: readonly T[],
  { top, cursor }: { top: number; cursor: number },
  options: Area & { draw: (row: T) => Line },
): Line[] {
  return rows
    .slice(top, top + options.height)
    .map((row, i) => ({ ...options.draw(row), isSelected: top + i === cursor }));
}

export function drawChanges(state: AppState, screen: Of<'changes'>, height: number): Line[] {
  const { columns } = state.size;
  const isSplit = hasSidePane(state);
  const width = isSplit ? Math.max(36, Math.floor(columns * 0.36)) : columns;
  const left = drawLoadable(screen.found, (value) => {
    if (value.rows.length > 0)
      return windowed(value.rows, screen, { width, height, draw: (row) => changeLine(row, width) });
    const text =
      screen.against === 'live'
        ? 'The vault is as it was at this moment.'
        : 'Nothing changed: it was taken for its label.';
    return [emptyLine, line(`  ${text}`)];
  });
  if (!isSplit) return left;
  const rightWidth = columns - width - 3;
  const view = { path: screen.diff?.path ?? '', top: 0, width: rightWidth, height, isSideBySide: false };
  const right = screen.diff === null ? [] : drawDiff(screen.diff.found, view);
  return besideLines({ lines: left, width }, { lines: right, width: rightWidth }, height);
}

const letters = {
  added: ['+', 'added'],
  removed: ['-', 'removed'],
  changed: ['~', 'warn'],
  mode: ['m', 'warn'],
  type: ['t', 'warn'],
  renamed: ['>', 'accent'],
} as const;

function changeLine({ name, depth, change, sizeBytes }: ChangeRow, width: number): Line {
  const indent = ' '.repeat(1 + depth * 2);
  if (change === null) return line(indent, span(name, 'dim'));
  const [letter, style] = letters[change.kind];
  const size = sizeBytes === null ? '' : formatSize(sizeBytes);
  return spreadLine(line(indent, span(letter, style), ` ${name}`), line(span(padStartToWidth(size, 8), 'dim')), width);
}

export function drawBrowse(state: AppState, screen: Of<'browse'>, height: number): Line[] {
  const { columns } = state.size;
  const isSplit = hasSidePane(state);
  const width = isSplit ? Math.max(40, Math.floor(columns * 0.4)) : columns;
  const left = drawLoadable(screen.found, (rows) =>
    rows.length === 0
      ? [emptyLine, line(span('  an empty folder', 'dim'))]
      : windowed(rows, screen, { width, height, draw: (row) => entryLine(row, width) }),
  );
  if (!isSplit) return left;
  const rightWidth = columns - width - 3;
  const view = { path: screen.preview?.path ?? '', top: 0, width: rightWidth, height, isSideBySide: false };
  return besideLines(
    { lines: left, width },
    { lines: screen.preview === null ? [] : drawDiff(screen.preview.found, view), width: rightWidth },
    height,
  );
}

function entryLine({ name, kind, sizeBytes, mtimeMs }: BrowsedEntry, width: number): Line {
  const style = kind === 'folder' ? 'accent' : kind === 'link' ? 'dim' : 'plain';
  const size = kind === 'folder' ? '' : sizeBytes === null ? '?' : formatSize(sizeBytes);
  const when = width < 56 || mtimeMs === null ? '' : new Date(mtimeMs).toISOString().slice(0, 10);
  return spreadLine(line(' ', span(name, style)), line(span(when, 'dim'), span(padStartToWidth(size, 9))), width);
}

export function drawVersions(state: AppState, screen: Of<'versions'>, height: number): Line[] {
  const width = state.size.columns;
  return drawLoadable(screen.found, (rows) =>
    rows.length === 0
      ? [emptyLine, line('  No restore point has this path.')]
      : windowed(rows, screen, { width, height, draw: (row) => versionLine(row, state, width) }),
  );
}

function versionLine(row: VersionRow, { nowMs }: AppState, width: number): Line {
  const name = row.entryId === null ? span('not there', 'removed') : span(momentText(row.sinceMs, nowMs), 'bold');
  const since = row.entryId === null ? ` since ${momentText(row.sinceMs, nowMs)}` : '';
  const label = row.label === '' ? '' : `  ${displayText(row.label)}`;
  const size = row.sizeBytes === null ? '' : formatSize(row.sizeBytes);
  const right = width < 60 ? size : `${formatCounted(row.pointCount, 'point')}  ${padStartToWidth(size, 8)}`;
  return spreadLine(line(' ', name, since, span(label, 'accent')), line(span(right, 'dim')), width);
}

export function drawFound(state: AppState, screen: Of<'found'>, height: number): Line[] {
  const width = state.size.columns;
  return drawLoadable(screen.found, (rows) =>
    rows.length === 0
      ? [
          emptyLine,
          line(`  No file of any restore point has ${JSON.stringify(displayText(screen.query))} in its path.`),
        ]
      : windowed(rows, screen, { width, height, draw: (row) => foundLine(row, state, width) }),
  );
}

function foundLine(row: FoundRow, { nowMs }: AppState, width: number): Line {
  const gone = row.isCurrent ? '' : `gone, last seen ${momentText(row.newestMs, nowMs)}`;
  const right = width < 60 ? (row.isCurrent ? '' : 'gone') : `${gone}  ${formatCounted(row.versionCount, 'version')}`;
  return spreadLine(
    line(' ', displayName(row.path) === row.name ? row.name : displayName(row.path)),
    line(span(right, row.isCurrent ? 'dim' : 'warn')),
    width,
  );
}
