import type { RestorePoint } from '../../model/restore-point.ts';
import type { Timeline } from './app-state.ts';

export const emptyTimeline: Timeline = {
  points: [],
  isWhole: false,
  query: '',
  queryTime: null,
  rows: [],
  matches: 0,
  cursor: 0,
  top: 0,
};

/** True for points a person named: they stand out. */
export function isLabelled({ record }: RestorePoint): boolean {
  return record.kind === 'manual' ? record.label !== 'manual' : record.kind === 'run';
}

/** Takes other points, keeping the mark on the point it was on. */
export function withPoints(timeline: Timeline, points: readonly RestorePoint[], isWhole: boolean): Timeline {
  const marked = timeline.points[Math.max(0, timeline.rows[timeline.cursor] ?? -1)]?.record.id ?? null;
  const wasAtTop = timeline.cursor <= 1;
  const next = layOut({ ...timeline, points, isWhole });
  if (marked === null || wasAtTop) return { ...next, cursor: firstPoint(next.rows), top: 0 };
  const at = next.rows.findIndex((row) => row >= 0 && points[row]!.record.id === marked);
  return at < 0 ? next : { ...next, cursor: at, top: Math.max(0, timeline.top + at - timeline.cursor) };
}

/** Filters by words, all of which must be in the label, id, machine or kind; a moment moves the mark instead. */
export function withQuery(timeline: Timeline, query: string, time: Date | null): Timeline {
  const next = layOut({ ...timeline, query, queryTime: time });
  if (time === null) return { ...next, cursor: firstPoint(next.rows), top: 0 };
  const at = next.rows.findIndex((row) => row >= 0 && Date.parse(next.points[row]!.record.takenAt) <= time.getTime());
  const cursor = at < 0 ? Math.max(0, next.rows.length - 1) : at;
  return { ...next, cursor, top: Math.max(0, cursor - 3) };
}

/** The row to move to in `step` direction, past headings. */
export function moveInTimeline(timeline: Timeline, target: number, step: 1 | -1): number {
  const { rows } = timeline;
  const start = Math.max(0, Math.min(rows.length - 1, target));
  const onward =
    step > 0
      ? rows.findIndex((row, i) => i >= start && row >= 0)
      : rows.findLastIndex((row, i) => i <= start && row >= 0);
  // Above the first point there is only its heading.
  return onward >= 0 ? onward : step < 0 ? firstPoint(rows) : timeline.cursor;
}

/** The first point of the next (older) or previous day, or the next labelled point. */
export function jumpInTimeline(timeline: Timeline, to: 'next-day' | 'previous-day' | 'next-label'): number {
  const { rows, points, cursor } = timeline;
  if (to === 'next-label') {
    const at = rows.findIndex((row, i) => i > cursor && row >= 0 && isLabelled(points[row]!));
    return at < 0 ? cursor : at;
  }
  if (to === 'next-day') {
    const at = rows.findIndex((row, i) => i > cursor && row < 0);
    return at < 0 ? cursor : at + 1;
  }
  const own = rows.findLastIndex((row, i) => i < cursor && row < 0);
  // On the first point of a day, the day above is meant.
  const at = own === cursor - 1 ? rows.findLastIndex((row, i) => i < own && row < 0) : own;
  return at < 0 ? firstPoint(rows) : at + 1;
}

function layOut(timeline: Timeline): Timeline {
  const { points, queryTime } = timeline;
  const words =
    queryTime === null
      ? timeline.query
          .toLowerCase()
          .split(/\s+/)
          .filter((word) => word !== '')
      : [];
  const rows: number[] = [];
  let [dayStart, dayEnd] = [0, 0];
  let matches = 0;
  for (const [i, point] of points.entries()) {
    if (words.length > 0 && !matchesAll(point, words)) continue;
    const takenMs = Date.parse(point.record.takenAt);
    if (takenMs < dayStart || takenMs >= dayEnd) {
      [dayStart, dayEnd] = dayAround(takenMs);
      rows.push(-1 - i);
    }
    rows.push(i);
    matches++;
  }
  const cursor = Math.min(timeline.cursor, Math.max(0, rows.length - 1));
  return { ...timeline, rows, matches, cursor };
}

function matchesAll({ record }: RestorePoint, words: readonly string[]): boolean {
  const text = `${record.label}\n${record.id}\n${record.machine.name}\n${record.kind}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** First millisecond of the local day and of the next. */
function dayAround(atMs: number): [number, number] {
  const day = new Date(atMs);
  const start = new Date(day.getFullYear(), day.getMonth(), day.getDate());
  return [start.getTime(), new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime()];
}

function firstPoint(rows: readonly number[]): number {
  return Math.max(
    0,
    rows.findIndex((row) => row >= 0),
  );
}
