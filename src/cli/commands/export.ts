import { exportBundle } from '../../engine/export-bundle.ts';
import { listSnapshots } from '../../engine/list-snapshots.ts';
import { openPointReader } from '../../engine/store-view.ts';
import { displayText } from '../../format/display-name.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import { byteStringOfText } from '../../lib/bytes.ts';
import { choosePoint, describePoint } from '../choose-point.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { shellQuote } from '../shell-quote.ts';

export const command: Command = {
  name: 'export',
  summary: 'write a restore point as a git bundle',
  description: [
    'Writes one restore point as a git bundle into a new folder of the holding directory. The bundle needs nothing else: ' +
      '`git clone` takes it, with the history beneath the restore point where the store holds all of it.',
  ],
  arguments: [{ name: '[when]', summary: 'id, label, time or latest (default: latest)', completes: 'snapshot' }],
  options: [],
  examples: [
    { command: 'holdfast export', means: 'the newest restore point' },
    { command: 'holdfast export "before the big rewrite"', means: 'the one with that label' },
  ],
  async run({ args, io, out, signal, openSession }) {
    await using deps = await openSession();
    const { points, invalid, unreachable } = await listSnapshots(deps, { refresh: 'always', signal });
    if (points.length === 0 && unreachable !== null) throw unreachable;
    const chosen = await choosePoint(points, args[0] ?? 'latest', { now: io.now(), invalid });
    const { reader } = await openPointReader(deps, points, { signal });
    out.print(`  from ${describePoint(chosen, io.now())}`);
    const report = await exportBundle(deps, { point: chosen.point, reader, signal });
    const path = `${report.directory}/${report.fileName}`;
    out.result({
      command: 'export',
      id: chosen.point.record.id,
      file: path,
      size_bytes: report.sizeBytes,
      branch: report.branch,
      has_history: report.hasHistory,
      objects: report.objectCount,
    });
    const history = report.hasHistory ? 'with its history' : 'without history: the store does not hold all of it';
    out.print(`  ${displayText(path)}`);
    out.print(`  ${formatSize(report.sizeBytes)}, ${formatCounted(report.objectCount, 'object')}, ${history}`);
    const quoted = shellQuote(byteStringOfText(path), io.platform);
    out.print(`  To open it:  git clone -b ${report.branch} ${quoted} somewhere`);
    return exitCodes.ok;
  },
};
