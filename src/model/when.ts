import { HoldfastError } from './errors.ts';

/** A point in time as somebody typed it. Ids and labels are not told apart here: the snapshots themselves decide. */
export interface When {
  readonly raw: string;
  /** `latest` is 0, `latest~2` is 2; null for anything else. */
  readonly latestMinus: number | null;
  /** The moment meant, null when the text is no time. */
  readonly time: Date | null;
  /** The moment in full, in local time, for echoing; null when there is none. */
  readonly timeText: string | null;
}

export interface WhenOptions {
  readonly now: Date;
  /** What a whole day ("2026-11-19", "yesterday") stands for: its last moment ('end', the default) or its first. */
  readonly dayEdge?: 'start' | 'end';
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const unitWords = /^(s|m|h|d|w)$|^(sec|second|min|minute|hour|hr|day|week)s?$/;
const latestPattern = /^latest(?:~(\d{1,6}))?$/;
const epochPattern = /^@?(\d{9,11})$/;
const agoPattern = /^(\d{1,6}) ?([a-z]+)( ago)?$/;
const dayWordPattern = /^(today|yesterday)(?:(?: at)? (\d{1,2}):(\d\d))?$/;
const isoPattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Reads the strict forms of a point in time: `latest`, `latest~2`, ISO times (local unless they name a zone), dates, epoch
 * seconds, `90s 5m 2h 3d 1w` with or without "ago", "2 hours ago", "yesterday", "yesterday 14:00". Any other text has a
 * null `time`, which is no error: it may be an id or a label.
 * @throws {HoldfastError} `when_invalid` for what looks like a time but is none (30 February, a local time skipped by
 * daylight saving, year 0) or lies in the future
 */
export function parseWhen(raw: string, options: WhenOptions): When {
  const text = raw.trim().toLowerCase();
  const latest = latestPattern.exec(text);
  if (latest !== null) return { raw, latestMinus: Number(latest[1] ?? 0), time: null, timeText: null };
  const time = parseEpoch(text) ?? parseAgo(text, options) ?? parseDayWord(raw, options) ?? parseIso(raw, options);
  return whenOfTime(raw, time, options);
}

/** Makes the `When` of a moment found by other means; refuses the future. */
export function whenOfTime(raw: string, time: Date | null, options: WhenOptions): When {
  if (time !== null && time.getTime() > options.now.getTime()) {
    throw invalid(raw, `it lies in the future (${formatMoment(time)})`);
  }
  return { raw, latestMinus: null, time, timeText: time === null ? null : formatMoment(time) };
}

/** Shows a moment in local time with its offset: "2026-11-20 12:01:40 +01:00". */
export function formatMoment(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const hours = two(Math.floor(Math.abs(offset) / 60));
  const minutes = two(Math.abs(offset) % 60);
  return `${formatMinute(time)}:${two(time.getSeconds())} ${sign}${hours}:${minutes}`;
}

/** Shows a moment in local time to the minute: "2026-11-20 12:01". */
export function formatMinute(time: Date): string {
  const date = `${String(time.getFullYear()).padStart(4, '0')}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

function parseEpoch(text: string): Date | null {
  const match = epochPattern.exec(text);
  return match === null ? null : new Date(Number(match[1]) * 1000);
}

function parseAgo(text: string, options: WhenOptions): Date | null {
  const match = agoPattern.exec(text);
  if (match === null || !unitWords.test(match[2]!)) return null;
  const isWord = match[2]!.length > 1;
  // "2 days" alone says no direction; "2d" is ours and means ago.
  if (isWord && match[3] === undefined) return null;
  const seconds = Number(match[1]) * unitSeconds[match[2]![0]!]!;
  return new Date(options.now.getTime() - seconds * 1000);
}

function parseDayWord(raw: string, options: WhenOptions): Date | null {
  const match = dayWordPattern.exec(raw.trim().toLowerCase());
  if (match === null) return null;
  const { now } = options;
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - (match[1] === 'yesterday' ? 1 : 0));
  const date = { year: day.getFullYear(), month: day.getMonth() + 1, day: day.getDate() };
  if (match[2] === undefined) return dayEdge(raw, date, options);
  return localMoment(raw, { ...date, hour: Number(match[2]), minute: Number(match[3]), second: 0, ms: 0 });
}

function parseIso(raw: string, options: WhenOptions): Date | null {
  const match = isoPattern.exec(raw.trim());
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const date = { year: year!, month: month!, day: day! };
  if (year === 0) throw invalid(raw, 'there is no year 0');
  const zone = match[8];
  if (match[4] === undefined) {
    if (zone !== undefined) throw invalid(raw, 'a date with a zone needs a time');
    return dayEdge(raw, date, options);
  }
  const ms = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
  const fields = { ...date, hour: hour!, minute: minute!, second: second!, ms };
  return zone === undefined ? localMoment(raw, fields) : zonedMoment(raw, fields, zone);
}

interface Fields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

function localMoment(raw: string, fields: Fields): Date {
  const time = new Date(2000, 0, 1);
  time.setFullYear(fields.year, fields.month - 1, fields.day);
  time.setHours(fields.hour, fields.minute, fields.second, fields.ms);
  assertCalendar(raw, fields);
  if (time.getHours() !== fields.hour || time.getMinutes() !== fields.minute) {
    throw invalid(raw, 'the clocks skipped that local time');
  }
  return time;
}

function zonedMoment(raw: string, fields: Fields, zone: string): Date {
  const utc = assertCalendar(raw, fields);
  if (zone.toUpperCase() === 'Z') return utc;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone)!;
  if (Number(hours) > 14 || Number(minutes) > 59) throw invalid(raw, 'there is no such zone');
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return new Date(utc.getTime() - (sign === '-' ? -offsetMs : offsetMs));
}

/** Checks that the date and time exist on the calendar; returns them read as UTC. */
function assertCalendar(raw: string, fields: Fields): Date {
  const utc = new Date(0);
  utc.setUTCFullYear(fields.year, fields.month - 1, fields.day);
  utc.setUTCHours(fields.hour, fields.minute, fields.second, fields.ms);
  const isSame =
    utc.getUTCFullYear() === fields.year &&
    utc.getUTCMonth() === fields.month - 1 &&
    utc.getUTCDate() === fields.day &&
    utc.getUTCHours() === fields.hour &&
    utc.getUTCMinutes() === fields.minute &&
    utc.getUTCSeconds() === fields.second;
  if (!isSame) throw invalid(raw, 'there is no such date or time');
  return utc;
}

/** The last moment of a day, but not after now: "today" and "now" are the same restore point. */
function dayEdge(raw: string, date: Pick<Fields, 'year' | 'month' | 'day'>, options: WhenOptions): Date {
  assertCalendar(raw, { ...date, hour: 0, minute: 0, second: 0, ms: 0 });
  const start = new Date(2000, 0, 1);
  start.setFullYear(date.year, date.month - 1, date.day);
  if (options.dayEdge === 'start' || start.getTime() > options.now.getTime()) return start;
  const next = new Date(start);
  next.setDate(start.getDate() + 1);
  return new Date(Math.min(next.getTime() - 1, options.now.getTime()));
}

function invalid(raw: string, why: string): HoldfastError {
  return new HoldfastError('when_invalid', `${JSON.stringify(raw)} is not a point in time: ${why}.`, {
    data: { when: raw },
    hint: 'Write it as 2026-11-20T14:00, "2 hours ago", "yesterday 14:00", latest or latest~2; see: holdfast help when',
  });
}

function two(amount: number): string {
  return String(amount).padStart(2, '0');
}
