import { join, resolve } from 'node:path';
import { type Line, type Row, holdfast } from '../bench.ts';
import { manySnapshots } from '../many-snapshots.ts';
import { race } from '../measure.ts';
import { ms } from './capture.ts';

const launcher = resolve(import.meta.dirname, '../../../bin/holdfast.js');

export const startUp: Row = {
  id: 'C6',
  title: 'start-up: --version against bare node; status and list with 1,000 snapshots',
  async run(bench) {
    const version = race(
      [
        { name: 'holdfast', job: () => ({ argv: [process.execPath, launcher, '--version'] }) },
        { name: 'node', job: () => ({ argv: [process.execPath, '-e', '0'] }) },
      ],
      Math.max(bench.runs, 15),
      3,
    );
    const mine = version.get('holdfast')!;
    const bare = version.get('node')!;
    const lines: Line[] = [
      {
        row: 'C6',
        what: '--version against node -e 0, wall',
        ours: ms(mine.wallMs),
        peer: ms(bare.wallMs),
        value: mine.wallMs / bare.wallMs,
        unit: 'x',
        target: 1.8,
      },
    ];
    const { vault, home } = await manySnapshots(join(bench.folder, 'C6'), 1000);
    for (const command of ['status', 'list']) {
      const figures = race([{ name: 'holdfast', job: () => holdfast([command], { vault, home }) }], bench.runs, 2).get(
        'holdfast',
      )!;
      lines.push({
        row: 'C6',
        what: `${command} with 1,000 snapshots, CPU`,
        ours: ms(figures.cpuMs),
        peer: '',
        value: figures.cpuMs,
        unit: 'ms',
        target: 200,
      });
    }
    return lines;
  },
};
