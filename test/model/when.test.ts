import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/model/errors.ts';
import { formatMoment, parseWhen } from '../../src/model/when.ts';

const zone = process.env['TZ'];
beforeAll(() => {
  process.env['TZ'] = 'Europe/Berlin';
});
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const now = new Date('2026-11-20T14:00:00Z');
const timeOf = (raw: string) => parseWhen(raw, { now }).time?.toISOString() ?? null;

function codeOf(raw: string): string {
  try {
    parseWhen(raw, { now });
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
  return 'fine';
}

describe('parseWhen', () => {
  test.each([
    ['2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000Z'],
    ['2026-11-20t12:00z', '2026-11-20T12:00:00.000Z'],
    ['2026-11-20T12:00:00+02:00', '2026-11-20T10:00:00.000Z'],
    ['2026-11-20 12:00:00.5 +0100', null],
    ['2026-11-20 12:00:00.5+0100', '2026-11-20T11:00:00.500Z'],
    ['2026-11-20T12:00', '2026-11-20T11:00:00.000Z'],
    ['2026-07-01 12:00:30', '2026-07-01T10:00:30.000Z'],
    ['2026-11-19', '2026-11-19T22:59:59.999Z'],
    ['2026-11-20', '2026-11-20T14:00:00.000Z'],
    ['today', '2026-11-20T14:00:00.000Z'],
    ['yesterday', '2026-11-19T22:59:59.999Z'],
    ['yesterday 14:00', '2026-11-19T13:00:00.000Z'],
    ['Yesterday at 9:05', '2026-11-19T08:05:00.000Z'],
    ['90s', '2026-11-20T13:58:30.000Z'],
    ['5m', '2026-11-20T13:55:00.000Z'],
    ['2h ago', '2026-11-20T12:00:00.000Z'],
    ['2 hours ago', '2026-11-20T12:00:00.000Z'],
    ['1 day ago', '2026-11-19T14:00:00.000Z'],
    ['1w', '2026-11-13T14:00:00.000Z'],
    ['1795176000', '2026-11-20T12:00:00.000Z'],
  ])('%s is %s', (raw, iso) => {
    expect(timeOf(raw)).toBe(iso);
  });

  test.each([
    'before the big rewrite',
    '2026-11-20T14:03:11Z-before-the-big-rewrite',
    '2 days',
    'may',
    '12',
    '',
    '12:00',
    'latest~x',
    '2026-11',
  ])('%j is no time, which is no error', (raw) => {
    expect(parseWhen(raw, { now })).toEqual({ raw, latestMinus: null, time: null, timeText: null });
  });

  test.each([
    ['2026-02-30', 'no such day'],
    ['2026-13-01', 'no such month'],
    ['2026-11-19T24:30', 'no such hour'],
    ['0000-01-01', 'no year 0'],
    ['2026-03-29T02:30', 'skipped by daylight saving'],
    ['2026-11-20T12:00:00+19:00', 'no such zone'],
    ['2026-11-20Z', 'a date has no zone'],
    ['2026-11-20T14:00:01Z', 'the future'],
    ['2027-01-01', 'the future'],
    ['yesterday 25:00', 'no such hour'],
  ])('%s is refused: %s', (raw) => {
    expect(codeOf(raw)).toBe('when_invalid');
  });

  test('an ambiguous local time is taken once, and said which', () => {
    const when = parseWhen('2026-10-25T02:30', { now });
    expect(when.timeText).toBe('2026-10-25 02:30:00 +02:00');
  });

  test.each([
    ['latest', 0],
    ['Latest', 0],
    ['latest~2', 2],
  ])('%s counts from the newest', (raw, latestMinus) => {
    expect(parseWhen(raw, { now })).toMatchObject({ latestMinus, time: null });
  });

  test('a day begins where that is asked for', () => {
    expect(parseWhen('2026-11-19', { now, dayEdge: 'start' }).time?.toISOString()).toBe('2026-11-18T23:00:00.000Z');
    expect(parseWhen('today', { now, dayEdge: 'start' }).timeText).toBe('2026-11-20 00:00:00 +01:00');
  });

  test('moments are shown with their offset', () => {
    expect(formatMoment(now)).toBe('2026-11-20 15:00:00 +01:00');
  });
});
