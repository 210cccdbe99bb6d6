import { displayText } from '../format/display-name.ts';
import { formatAge } from '../format/duration.ts';
import { formatCount, formatSize } from '../format/size.ts';
import { type SnapshotId, slugOfLabel } from '../model/ids.ts';
import type { Pin } from '../model/pin.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { Output } from './output.ts';
import type { Paint } from './paint.ts';
import { displayWidth, joinToWidth, padStartToWidth, padToWidth, truncateToWidth } from '../format/text-width.ts';

export interface PointTableOptions {
  readonly out: Output;
  readonly now: Date;
  readonly pins?: ReadonlyMap<SnapshotId, Pin>;
}

/** Narrower than this, each restore point takes two lines. */
const tableColumnsMin = 60;
const gap = '  ';
const labelCharsMax = 40;

interface Column {
  readonly name: 'mark' | 'age' | 'id' | 'label' | 'kind' | 'machine' | 'changes' | 'size' | 'note';
  readonly isNumber?: boolean;
  cell(point: RestorePoint): string;
}

/** Lays restore points out in lines that fit the screen: less telling columns give way first, ids last. */
export function pointLines(points: readonly RestorePoint[], options: PointTableOptions): string[] {
  if (points.length === 0) return [];
  const { out } = options;
  const columns = columnsFor(points, options);
  if (out.columns < tableColumnsMin) return points.flatMap((point) => narrowLines(point, columns, out.columns));
  return tableLines(points, fitColumns(points, columns, out.columns), out.columns);
}

function columnsFor(points: readonly RestorePoint[], { out, now, pins }: PointTableOptions): Column[] {
  const machines = new Set(points.map(({ record }) => record.machine.id));
  const kinds = new Set(points.map(({ record }) => record.kind));
  const { paint } = out;
  const noteOf = (point: RestorePoint): string => notesOf(point, pins?.has(point.record.id) === true);
  const columns: (Column | null)[] = [
    { name: 'mark', cell: (point) => markOf(point, paint) },
    { name: 'age', cell: ({ record }) => formatAge(now.getTime() - Date.parse(record.takenAt)) },
    { name: 'id', cell: ({ record }) => displayText(record.id) },
    points.some(hasTellingLabel) ? { name: 'label', cell: labelOf } : null,
    kinds.size > 1 ? { name: 'kind', cell: ({ record }) => record.kind } : null,
    machines.size > 1 ? { name: 'machine', cell: ({ record }) => displayText(record.machine.name) } : null,
    { name: 'changes', isNumber: true, cell: (point) => changesOf(point, paint) },
    { name: 'size', isNumber: true, cell: ({ record }) => formatSize(record.counts.storedBytes) },
    points.some((point) => noteOf(point) !== '')
      ? { name: 'note', cell: (point) => paint('yellow', noteOf(point)) }
      : null,
  ];
  return columns.filter((column) => column !== null);
}

/** Drops columns, the least telling first, until a line fits. */
function fitColumns(points: readonly RestorePoint[], columns: Column[], width: number): Column[] {
  let kept = columns;
  for (const name of ['label', 'kind', 'machine', 'note', 'size'] as const) {
    if (lineWidth(points, kept) <= width) break;
    kept = kept.filter((column) => column.name !== name);
  }
  return kept;
}

function lineWidth(points: readonly RestorePoint[], columns: readonly Column[]): number {
  const widths = columns.map((column) => columnWidth(points, column));
  return widths.reduce((sum, width) => sum + gap.length + width, 0);
}

function columnWidth(points: readonly RestorePoint[], column: Column): number {
  return points.reduce((widest, point) => Math.max(widest, displayWidth(column.cell(point))), 0);
}

function tableLines(points: readonly RestorePoint[], columns: readonly Column[], width: number): string[] {
  const overflow = Math.max(0, lineWidth(points, columns) - width);
  const widths = columns.map((column) => columnWidth(points, column) - (column.name === 'id' ? overflow : 0));
  return points.map((point) => {
    const cells = columns.map((column, index) => {
      const cell = truncateToWidth(column.cell(point), widths[index]!);
      return column.isNumber === true ? padStartToWidth(cell, widths[index]!) : padToWidth(cell, widths[index]!);
    });
    return (gap + cells.join(gap)).trimEnd();
  });
}

function narrowLines(point: RestorePoint, columns: readonly Column[], width: number): string[] {
  const cell = (name: Column['name']) => columns.find((column) => column.name === name)?.cell(point) ?? '';
  const first = `${cell('mark')} ${cell('id')}`;
  const rest = [cell('age'), cell('size'), cell('changes'), cell('note')].filter((text) => text !== '');
  return [truncateToWidth(first, width), ...joinToWidth(rest, gap, { width: width - 2 }).map((line) => gap + line)];
}

function markOf({ record, where }: RestorePoint, paint: Paint): string {
  if (where === 'local') return paint('yellow', '○');
  return record.complete ? paint('green', '●') : paint('yellow', '◐');
}

function notesOf({ record, where }: RestorePoint, isPinned: boolean): string {
  const notes = [where === 'local' ? 'local only' : '', record.complete ? '' : 'partial', isPinned ? 'pinned' : ''];
  return notes.filter((note) => note !== '').join(', ');
}

function changesOf({ record }: RestorePoint, paint: Paint): string {
  const { added, changed, removed } = record.counts;
  const texts = [
    paint('green', `+${formatCount(added)}`),
    paint('yellow', `~${formatCount(changed)}`),
    paint('red', `-${formatCount(removed)}`),
  ];
  return texts.join(' ');
}

/** Most ids spell their label already. */
function hasTellingLabel({ record }: RestorePoint): boolean {
  return record.label.replaceAll(' ', '-').toLowerCase() !== slugOfLabel(record.label);
}

function labelOf(point: RestorePoint): string {
  return hasTellingLabel(point) ? displayText(point.record.label, { charsMax: labelCharsMax }) : '';
}
