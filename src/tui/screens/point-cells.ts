import { displayText } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import { padStartToWidth, padToWidth, truncateToWidth } from '../../format/text-width.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { type Line, line, type Span, span, spreadLine } from '../line.ts';
import type { AppState } from '../state/app-state.ts';
import { isLabelled } from '../state/timeline.ts';

/** One restore point as a row of the timeline, `width` columns at most. Less telling cells give way first. */
export function pointLine(point: RestorePoint, state: AppState, options: { width: number; isMarked: boolean }): Line {
  const { width, isMarked } = options;
  const { record } = point;
  const right: Span[] = [];
  const marks = marksOf(point, state);
  if (width >= 54) right.push(...countSpans(point, width >= 70));
  if (width >= 64) right.push(span(padStartToWidth(formatSize(record.counts.storedBytes), 9), 'dim'));
  if (width >= 84)
    right.push(span(`  ${padToWidth(truncateToWidth(displayText(record.machine.name), 10), 10)}`, 'dim'));
  const left: Span[] = [
    span(isMarked ? '❯ ' : '  ', 'accent'),
    dotOf(point),
    span(` ${timeText(record.takenAt)}  `, 'dim'),
    isLabelled(point) ? span(displayText(record.label), 'label') : span(quietName(point), 'dim'),
    ...marks.map((mark) => span(`  ${mark.text}`, mark.style)),
  ];
  return { ...spreadLine(line(...left), line(...right), width), isSelected: isMarked };
}

/** "● " whole, "◐ " partial, "○ " on this machine only: shapes, so that no colour is needed. */
export function dotOf({ record, where }: RestorePoint): Span {
  if (where === 'local') return span('○', 'warn');
  return record.complete ? span('●', 'good') : span('◐', 'warn');
}

/** Words after the name: what is special about this point. */
export function marksOf({ record, where }: RestorePoint, state: AppState): Span[] {
  const marks: Span[] = [];
  if (state.pinned.has(record.id)) marks.push(span('pinned', 'accent'));
  if (!record.complete) marks.push(span('partial', 'warn'));
  if (where === 'local') marks.push(span('local only', 'warn'));
  if (isBurst(record.counts)) marks.push(span('burst', 'bad'));
  return marks;
}

/** Many files gone at once: what a person looks for after an accident. */
function isBurst({ removed, changed, files }: RestorePoint['record']['counts']): boolean {
  return removed + changed >= 50 && removed + changed > files / 5;
}

export function countSpans({ record }: RestorePoint, isWide = true): Span[] {
  const { added, changed, removed } = record.counts;
  const cell = (mark: string, count: number, style: 'added' | 'warn' | 'removed'): Span =>
    span(padStartToWidth(count === 0 ? '·' : mark + shortCount(count), isWide ? 7 : 6), count === 0 ? 'dim' : style);
  return [cell('+', added, 'added'), cell('~', changed, 'warn'), cell('-', removed, 'removed')];
}

function shortCount(count: number): string {
  return count < 10_000 ? formatCount(count) : `${Math.round(count / 1000)}k`;
}

function quietName({ record }: RestorePoint): string {
  if (record.kind === 'pre-rollback') return 'before a rollback';
  return record.kind === 'auto' ? 'automatic' : 'by hand';
}

/** Local time of day: "14:03". */
export function timeText(iso: string): string {
  const at = new Date(iso);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

/** "Today, Friday 20 November", "Yesterday, …", and the year where it is another one. */
export function dayText(atMs: number, nowMs: number): string {
  const [at, now] = [new Date(atMs), new Date(nowMs)];
  const year = at.getFullYear() === now.getFullYear() ? '' : ` ${at.getFullYear()}`;
  const name = `${days[at.getDay()]} ${at.getDate()} ${months[at.getMonth()]}${year}`;
  const ago = Math.round((startOf(now) - startOf(at)) / 86_400_000);
  return ago === 0 ? `Today, ${name}` : ago === 1 ? `Yesterday, ${name}` : name;
}

/** "20 Nov 14:03 (2 h ago)". */
export function momentText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const year = at.getFullYear() === new Date(nowMs).getFullYear() ? '' : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${months[at.getMonth()]!.slice(0, 3)}${year} ${two(at.getHours())}:${two(at.getMinutes())} (${formatAge(nowMs - atMs)})`;
}

function startOf(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}

function two(amount: number): string {
  return String(amount).padStart(2, '0');
}
