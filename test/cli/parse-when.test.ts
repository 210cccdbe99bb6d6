import { describe, expect, test } from 'vitest';
import { parseWhenText } from '../../src/cli/parse-when.ts';

const now = new Date(2026, 10, 20, 15, 0, 0);
const timeOf = async (raw: string) => (await parseWhenText(raw, { now })).time;

describe('natural language', () => {
  test.each([
    ['yesterday at 2pm', new Date(2026, 10, 19, 14)],
    ['yesterday 14:00', new Date(2026, 10, 19, 14)],
    ['an hour ago', new Date(2026, 10, 20, 14)],
    ['3 days ago at noon', new Date(2026, 10, 17, 12)],
    ['November 3, 2026 10:15', new Date(2026, 10, 3, 10, 15)],
    ['last friday at 09:00', new Date(2026, 10, 13, 9)],
  ])('%s', async (raw, time) => {
    expect((await timeOf(raw))?.toISOString()).toBe(time.toISOString());
  });

  test.each(['before yesterday at noon or so', 'the day the music died', 'from monday to friday', 'last-good-state'])(
    '%j is no time: the whole text must make sense',
    async (raw) => {
      expect(await timeOf(raw)).toBeNull();
    },
  );

  test.each(['tomorrow at noon today', 'next friday', 'in 2 hours'])('%j is nothing in the past', async (raw) => {
    const time = await parseWhenText(raw, { now }).then(
      (when) => when.time,
      (error: { code: string }) => error.code,
    );
    expect([null, 'when_invalid']).toContain(time);
  });
});

test('a text without words of time costs no parser', async () => {
  expect(await timeOf('2026-11-20T14:03:11Z-before-the-big-rewrite')).toBeNull();
});
