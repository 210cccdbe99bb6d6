import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { wrapToWidth } from '../../format/text-width.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { besideLines, emptyLine, type Line, line, span } from '../line.ts';
import { type AppState, markedPoint } from '../state/app-state.ts';
import { hasSidePane } from '../state/reduce.ts';
import { dayText, dotOf, marksOf, momentText, pointLine } from './point-cells.ts';

const paneColumnsMax = 44;
/** A row needs this much to show how much changed. */
const rowColumnsMin = 60;

/** The restore points by day, the marked one in detail beside them where there is room. */
export function drawTimeline(state: AppState, height: number): Line[] {
  const { columns } = state.size;
  if (!hasSidePane(state)) return rowsOfTimeline(state, columns, height);
  const paneColumns = Math.min(paneColumnsMax, columns - rowColumnsMin - 3);
  const width = columns - paneColumns - 3;
  const point = markedPoint(state.timeline);
  const right = point === null ? [] : pointPane(point, state, paneColumns);
  return besideLines(
    { lines: rowsOfTimeline(state, width, height), width },
    { lines: right, width: paneColumns },
    height,
  );
}

function rowsOfTimeline(state: AppState, width: number, height: number): Line[] {
  const { timeline } = state;
  if (timeline.rows.length === 0) return nothingYet(state);
  const lines: Line[] = [];
  for (let at = timeline.top; at < Math.min(timeline.rows.length, timeline.top + height); at++) {
    const row = timeline.rows[at]!;
    if (row >= 0) lines.push(pointLine(timeline.points[row]!, state, { width, isMarked: at === timeline.cursor }));
    else lines.push(dayLine(timeline.points[-1 - row]!, state, width));
  }
  return lines;
}

function dayLine({ record }: RestorePoint, state: AppState, width: number): Line {
  const text = dayText(Date.parse(record.takenAt), state.nowMs);
  const rule = '─'.repeat(Math.max(0, width - text.length - 4));
  return line(span('─ ', 'dim'), span(text, 'bold'), span(` ${rule}`, 'dim'));
}

function nothingYet({ timeline, store }: AppState): Line[] {
  if (timeline.query !== '')
    return [
      emptyLine,
      line(`  Nothing matches ${JSON.stringify(displayText(timeline.query))}.`),
      line(span('  esc shows all again', 'dim')),
    ];
  if (store === 'asking') return [emptyLine, line(span('  reading restore points …', 'dim'))];
  return [emptyLine, line('  There is no restore point yet.'), line('  ', span('S', 'key'), ' takes the first one.')];
}

/** Everything about one restore point. */
function pointPane(point: RestorePoint, state: AppState, width: number): Line[] {
  const { record, where } = point;
  const { counts } = record;
  const fact = (name: string, value: string): Line => line(span(name.padEnd(10), 'dim'), value);
  const lines: Line[] = [
    ...wrapToWidth(displayText(record.label), width)
      .slice(0, 3)
      .map((text) => line(span(text, 'bold'))),
    line(
      dotOf(point),
      ' ',
      where === 'local' ? 'on this machine only' : 'in the store',
      ...marksOf(point, state).map(({ text, style }) => span(` · ${text}`, style)),
    ),
    emptyLine,
    fact('taken', momentText(Date.parse(record.takenAt), state.nowMs)),
    fact('kind', record.kind),
    fact('machine', `${displayText(record.machine.name)} (${displayText(record.machine.user)})`),
    fact('changed', `+${formatCount(counts.added)} ~${formatCount(counts.changed)} -${formatCount(counts.removed)}`),
    fact('holds', `${formatCounted(counts.files, 'file')}, ${formatSize(counts.sizeBytes)}`),
    fact('stored', `${formatSize(counts.storedBytes)} new in ${formatDuration(record.durationMs)}`),
  ];
  if (record.git?.branch != null)
    lines.push(fact('branch', displayText(record.git.branch.replace(/^refs\/heads\//, ''))));
  if (record.problems.length > 0)
    lines.push(line(span(`${formatCounted(record.problems.length, 'path')} could not be stored`, 'warn')));
  if (record.ledger.length > 0)
    lines.push(fact('left out', `${formatCounted(record.ledger.length, 'path')}, by your ignore rules`));
  lines.push(emptyLine, ...wrapToWidth(displayText(record.id), width).map((text) => line(span(text, 'dim'))));
  lines.push(emptyLine, line(span('⏎', 'key'), ' what it changed   ', span('b', 'key'), ' browse files'));
  return lines;
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** How much changed in which hours: the newest on the right, a bar an hour. */
export function densityStrip(state: AppState): Line {
  const { points } = state.timeline;
  const newest = points[0];
  const prefix = '  ';
  const suffix = ' now';
  const hours = Math.max(0, Math.min(168, state.size.columns - prefix.length - suffix.length - 8));
  if (newest === undefined || hours < 12) return emptyLine;
  const hourMs = 3_600_000;
  const end = Math.floor(state.nowMs / hourMs) + 1;
  const sums = new Float64Array(hours);
  for (const { record } of points) {
    const at = hours - (end - Math.floor(Date.parse(record.takenAt) / hourMs));
    if (at < 0) break;
    if (at < hours) sums[at]! += 1 + record.counts.added + record.counts.changed + record.counts.removed;
  }
  const most = Math.log1p(Math.max(1, ...sums));
  const cells = Array.from(sums, (sum) => {
    if (sum === 0) return span('·', 'dim');
    const level = Math.min(7, Math.floor((Math.log1p(sum) / most) * 7.99)) as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
    return span(bars[level], `heat${level}`);
  });
  const span0 = hours >= 48 ? `${Math.floor(hours / 24)} d ago ` : `${hours} h ago `;
  return line(span(prefix + span0.padStart(8), 'dim'), ...cells, span(suffix, 'dim'));
}
