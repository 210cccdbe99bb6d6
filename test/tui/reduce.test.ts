import { describe, expect, test } from 'vitest';
import { keyTable } from '../../src/tui/keys.ts';
import { markedPoint, screenKindOf } from '../../src/tui/state/app-state.ts';
import { reduce } from '../../src/tui/state/reduce.ts';
import { nowMs, pointAt, press, stateWith } from '../support/tui-state.ts';

const points = [
  pointAt(0),
  pointAt(1, { label: 'before the rewrite' }),
  pointAt(20),
  pointAt(30, { label: 'first draft' }),
];
const begin = stateWith(points);
const marked = (state: typeof begin): string | undefined => markedPoint(state.timeline)?.record.label;

describe('moving in the timeline', () => {
  test.each<[keys: string[], index: number]>([
    [[], 0],
    [['down'], 1],
    [['down', 'down'], 2],
    [['end'], 3],
    [['end', 'home'], 0],
    [['up'], 0],
    [['n'], 1],
    [['n', 'n'], 3],
    [['J'], 2],
    [['end', 'K'], 2],
  ])('%j marks point %i, never the heading of a day', (keys, index) => {
    expect(markedPoint(press(begin, ...keys).state.timeline)?.record.id).toBe(points[index]!.record.id);
  });

  test('new points leave the mark on the point it was on', () => {
    const { state } = press(begin, 'down', 'down');
    const more = [pointAt(-0.5), ...points];
    const next = reduce(state, {
      type: 'points_read',
      points: more,
      isWhole: true,
      pinned: new Set(),
      store: 'answered',
    }).state;
    expect(markedPoint(next.timeline)?.record.id).toBe(points[2]!.record.id);
  });
});

describe('filtering', () => {
  test('words filter at once, and whether they are a time is asked beside it', () => {
    const { state, intents } = press(begin, '/', 'd', 'r', 'a', 'f', 't');
    expect(state.timeline.matches).toBe(1);
    expect(marked(state)).toBe('first draft');
    expect(intents.at(-1)).toEqual({ type: 'read_when', query: 'draft' });
  });

  test('a moment shows all points and marks the newest at or before it', () => {
    const { state } = press(begin, '/', 'x');
    const time = new Date(nowMs - 19 * 3_600_000);
    const next = reduce(state, { type: 'when_read', query: 'x', time }).state;
    expect(next.timeline.matches).toBe(4);
    expect(markedPoint(next.timeline)?.record.id).toBe(points[2]!.record.id);
  });

  test('an answer to an older query is dropped; escape shows all again', () => {
    const { state } = press(begin, '/', 'x', 'y');
    expect(reduce(state, { type: 'when_read', query: 'x', time: new Date(nowMs) }).state.timeline.matches).toBe(0);
    expect(press(state, 'escape').state.timeline.matches).toBe(4);
  });
});

describe('nothing destructive is one key away', () => {
  test('no single key on any screen starts a rollback', () => {
    for (const { keys } of keyTable) {
      for (const one of keys) {
        const { intents } = press(begin, one);
        expect(intents.filter(({ type }) => type === 'rollback')).toEqual([]);
      }
    }
  });

  test('the label typed is handed over as it is, and a refusal keeps the plan and clears it', () => {
    const opened = press(begin, 'down', 'B');
    expect(opened.intents).toMatchObject([{ type: 'plan_rollback' }]);
    // Without a plan, Enter does nothing.
    expect(press(opened.state, 'a', 'enter').intents).toEqual([]);
    const plan = { changed: 1, broughtBack: 0, setAside: 0, paths: [] } as never;
    const planned = reduce(opened.state, {
      type: 'plan_read',
      id: points[1]!.record.id,
      result: { value: plan },
    }).state;
    const typed = press(planned, 'q', ' ', 'r', 'enter');
    expect(typed.intents).toMatchObject([{ type: 'rollback', label: 'q r' }]);
    const refused = reduce(typed.state, { type: 'refused', text: 'does not match' }).state;
    expect(refused).toMatchObject({ job: null, screens: [{ kind: 'rollback', refusal: 'does not match', typed: '' }] });
  });
});

describe('work', () => {
  test('one at a time, with the command that does the same', () => {
    const { state, intents } = press(begin, 'r');
    expect(intents).toMatchObject([{ type: 'restore', path: null }]);
    expect(state.job?.command).toBe(`holdfast restore --all ${points[0]!.record.id}`);
    const again = press(state, 'V');
    expect(again.intents).toEqual([]);
    expect(again.state.message?.text).toMatch(/under way/);
    expect(press(state, 'x').intents).toEqual([{ type: 'stop_job' }]);
  });

  test('quitting stops it', () => {
    expect(press(press(begin, 'V').state, 'q')).toMatchObject({
      state: { isOver: true },
      intents: [{ type: 'stop_job' }],
    });
    expect(press(begin, 'ctrl-c').state.isOver).toBe(true);
  });

  test('what was read for a screen that is gone is dropped', () => {
    const { state } = press(begin, 'enter');
    expect(screenKindOf(state)).toBe('changes');
    const left = press(state, 'escape').state;
    const value = { rows: [], counts: { added: 0, changed: 0, removed: 0, renamed: 0 }, more: 0 };
    const late = reduce(left, {
      type: 'changes_read',
      id: points[0]!.record.id,
      against: 'previous',
      result: { value },
    }).state;
    expect(late.screens).toEqual([]);
  });
});
