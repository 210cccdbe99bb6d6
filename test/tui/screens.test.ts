import { renderToString } from 'ink';
import { createElement } from 'react';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '../../src/lib/bytes.ts';
import { Frame } from '../../src/tui/components/Frame.tsx';
import { displayWidth } from '../../src/format/text-width.ts';
import { createPalette } from '../../src/tui/palette.ts';
import { drawScreen } from '../../src/tui/screens/draw-screen.ts';
import type { AppState, Screen } from '../../src/tui/state/app-state.ts';
import { changeTree } from '../../src/tui/state/change-rows.ts';
import { diffRows } from '../../src/tui/state/diff-rows.ts';
import { objectIdOf } from '../support/sample-record.ts';
import { nowMs, pointAt, stateWith } from '../support/tui-state.ts';

const widths = [40, 80, 120, 200];
const points = [
  pointAt(0.2),
  pointAt(1, { label: 'before the big rewrite' }),
  pointAt(3, { complete: false }),
  pointAt(20),
  pointAt(30, { label: 'first draft' }),
];
const point = points[1]!;
const scroll = { cursor: 1, top: 0 };
const side = (path: ByteString, digit: string) => ({ path, kind: 'file', id: objectIdOf(digit) }) as const;
const hostile = 'daily/evil\u001b]0;pwned\u0007\u001b[31m.md';
const changes = changeTree(
  [
    { kind: 'removed', path: 'daily/2026-04-11.md', before: side('daily/2026-04-11.md', '1'), after: null },
    { kind: 'added', path: hostile, before: null, after: side(hostile, '2') },
    {
      kind: 'changed',
      path: 'projects/plan.md',
      before: side('projects/plan.md', '3'),
      after: side('projects/plan.md', '4'),
    },
  ],
  () => 1200,
);
const diff = {
  note: '+2 -1 lines',
  rows: diffRows({
    addedLines: 2,
    removedLines: 1,
    hunks: [
      {
        header: '@@ -1,3 +1,4 @@',
        lines: [' # Plan', '-- ask [[Ada]] about it', '+- ask [[Ada]] and Grace about it', '+- rest \u001b[2J', ' end'],
      },
    ],
  }),
};
const screens: Record<string, readonly Screen[]> = {
  timeline: [],
  changes: [
    {
      kind: 'changes',
      point,
      against: 'previous',
      found: { state: 'ready', value: changes },
      diff: { path: 'projects/plan.md', found: { state: 'ready', value: diff } },
      ...scroll,
    },
  ],
  diff: [
    {
      kind: 'diff',
      point,
      path: 'projects/plan.md',
      title: '',
      found: { state: 'ready', value: diff },
      ...scroll,
      cursor: 0,
    },
  ],
  browse: [
    {
      kind: 'browse',
      point,
      path: '',
      preview: null,
      found: {
        state: 'ready',
        value: [
          { path: 'daily', name: 'daily/', kind: 'folder', id: null, sizeBytes: null, mtimeMs: nowMs },
          { path: 'a.md', name: 'a.md', kind: 'file', id: null, sizeBytes: 120, mtimeMs: nowMs },
        ],
      },
      ...scroll,
    },
  ],
  rollback: [
    {
      kind: 'rollback',
      point,
      typed: 'before',
      refusal: '',
      plan: {
        state: 'ready',
        value: {
          changed: 1,
          broughtBack: 0,
          setAside: 1,
          fetchBytes: 1200,
          estimateMs: 400,
          paths: [
            { path: hostile, what: 'set aside' },
            { path: 'a.md', what: 'change' },
          ],
        } as never,
      },
      ...scroll,
      cursor: 0,
    },
  ],
  help: [{ kind: 'help', cursor: 0, top: 0 }],
};

function draw(state: AppState, level: 0 | 1 | 2 | 3 = 0): string {
  const frame = createElement(Frame, {
    lines: drawScreen(state),
    columns: state.size.columns,
    palette: createPalette(level),
  });
  return renderToString(frame, { columns: state.size.columns });
}

describe.each(Object.keys(screens))('%s', (name) => {
  test.each(widths)('at %i columns', async (columns) => {
    const state = { ...stateWith(points, columns, columns === 40 ? 14 : 20), screens: screens[name]! };
    const bare = draw(state).replaceAll(/\u001b\[[0-9;]*m/g, '');
    const lines = bare.split('\n');
    expect(lines.length).toBe(state.size.rows - 1);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    await expect(`${bare}\n`).toMatchFileSnapshot(`../fixtures/tui/${name}-${columns}.txt`);
  });

  test.each([0, 1, 2, 3] as const)('at colour level %i sends colours and nothing else', (level) => {
    const drawn = draw({ ...stateWith(points, 120, 20), screens: screens[name]! }, level);
    expect(drawn.replaceAll(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    // Without colours: bold, dim, underlined and reversed only; no background at any level.
    const codes = [...drawn.matchAll(/\u001b\[([0-9;]*)m/g)].map(([, code]) => code!);
    const coloured = codes.filter((code) => !/^(?:0|1|2|4|7|22|24|27)$/.test(code));
    expect(coloured.length > 0).toBe(level > 0);
    expect(codes.filter((code) => /^(?:4[0-8]|10\d)/.test(code))).toEqual([]);
  });
});
