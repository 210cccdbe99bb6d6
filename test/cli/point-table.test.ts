import { describe, expect, test } from 'vitest';
import { openOutput } from '../../src/cli/output.ts';
import { pointLines } from '../../src/cli/point-table.ts';
import { displayWidth } from '../../src/format/text-width.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { fakeIo } from './fake-io.ts';
import { fakePoint } from './fake-point.ts';

const points = [
  fakePoint({
    id: '2026-11-20T14:04:00Z-auto-desk',
    label: 'auto-desk',
    kind: 'auto',
    machine: 'desk',
    where: 'local',
  }),
  fakePoint(),
  fakePoint({
    id: '2026-11-18T09:00:00Z-snapshot',
    label: '引っ越しの前',
    complete: false,
    counts: { added: 0, storedBytes: 12 },
  }),
];

async function lines(shown: readonly RestorePoint[], columns?: number): Promise<string[]> {
  const io = fakeIo({ env: { NO_COLOR: '1' }, ...(columns === undefined ? {} : { columns }) });
  const { output } = await openOutput(io, { json: false, quiet: false, color: true });
  return pointLines(shown, { out: output, now: new Date('2026-11-20T14:05:00Z') });
}

describe('restore points', () => {
  test('in a pipe nothing is cut', async () => {
    expect(await lines(points)).toMatchInlineSnapshot(`
      [
        "  ○  1 min ago  2026-11-20T14:04:00Z-auto-desk                             auto    desk    +214 ~31 -2  8.1 MB  local only",
        "  ●  1 min ago  2026-11-20T14:03:11Z-before-the-big-rewrite                manual  laptop  +214 ~31 -2  8.1 MB",
        "  ◐  2 d ago    2026-11-18T09:00:00Z-snapshot                引っ越しの前  manual  laptop    +0 ~31 -2    12 B  partial",
      ]
    `);
  });

  test('on a usual screen the less telling columns give way', async () => {
    expect(await lines(points, 80)).toMatchInlineSnapshot(`
      [
        "  ○  1 min ago  2026-11-20T14:04:00Z-auto-desk               +214 ~31 -2  8.1 MB",
        "  ●  1 min ago  2026-11-20T14:03:11Z-before-the-big-rewrite  +214 ~31 -2  8.1 MB",
        "  ◐  2 d ago    2026-11-18T09:00:00Z-snapshot                  +0 ~31 -2    12 B",
      ]
    `);
  });

  test('on 40 columns each takes two lines', async () => {
    expect(await lines(points, 40)).toMatchInlineSnapshot(`
      [
        "○ 2026-11-20T14:04:00Z-auto-desk",
        "  1 min ago  8.1 MB  +214 ~31 -2",
        "  local only",
        "● 2026-11-20T14:03:11Z-before-the-big-r…",
        "  1 min ago  8.1 MB  +214 ~31 -2",
        "◐ 2026-11-18T09:00:00Z-snapshot",
        "  2 d ago  12 B  +0 ~31 -2  partial",
      ]
    `);
  });

  test('columns that would say the same in every line are left out', async () => {
    expect(await lines([fakePoint()], 100)).toMatchInlineSnapshot(`
      [
        "  ●  1 min ago  2026-11-20T14:03:11Z-before-the-big-rewrite  +214 ~31 -2  8.1 MB",
      ]
    `);
  });

  test.each([20, 30, 40, 59, 60, 61, 72, 80, 100, 132])('every line fits %i columns', async (columns) => {
    for (const line of await lines(points, columns)) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  });
});
