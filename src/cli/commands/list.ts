import { listSnapshots, type SnapshotList } from '../../engine/list-snapshots.ts';
import { displayText } from '../../format/display-name.ts';
import { formatCount } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { exitCodeOfInvalid, printInvalidRecords } from '../print-invalid-records.ts';
import type { Session } from '../../app/compose.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOf, exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { parseWhenText } from '../parse-when.ts';
import { pointFields } from '../point-fields.ts';
import { pointLines } from '../point-table.ts';

export const command: Command = {
  name: 'list',
  summary: 'list the restore points, newest first',
  description: [
    'Lists every restore point of the vault, of all machines that share its store, newest first. ● is complete and in the ' +
      'store, ◐ is partial (some paths could not be stored), ○ is on this machine only.',
    'Counts are files added, changed and removed since the restore point before; the size is what it added to the store.',
  ],
  arguments: [],
  options: [
    { flags: '--label <text>', summary: 'only those whose label contains this' },
    { flags: '--since <when>', summary: 'only those taken at or after this time' },
    { flags: '--until <when>', summary: 'only those taken at or before this time' },
    {
      flags: '--kind <kind>',
      summary: 'only those taken this way',
      choices: ['manual', 'auto', 'pre-rollback', 'run'],
    },
    { flags: '--machine <name>', summary: 'only those of this machine' },
    { flags: '--path <path>', summary: 'only those where this file or folder changed' },
    { flags: '-n, --limit <count>', summary: 'only the newest ones' },
  ],
  examples: [
    { command: 'holdfast list -n 10', means: 'the ten newest' },
    { command: 'holdfast list --since yesterday', means: 'those since yesterday began' },
    { command: 'holdfast list --json', means: 'one object a restore point, for scripts' },
  ],
  async run(context) {
    const { out, io, signal } = context;
    const filter = await readFilter(context);
    const limit = context.count('limit');
    await using deps = await context.openSession();
    const list = await listSnapshots(deps, { refresh: 'always', signal });
    const touching = await pointsTouching(context, deps, list);
    const matching = list.points.filter((point) => filter(point) && touching(point));
    const shown = matching.slice(0, limit);
    for (const point of shown) out.row('snapshot', pointFields(point, list.pins));
    out.result({
      command: 'list',
      count: shown.length,
      matching: matching.length,
      total: list.points.length,
      invalid: list.invalid,
      missing: list.missing,
      stale: list.unreachable?.message ?? null,
    });
    for (const line of pointLines(shown, { out, now: io.now(), pins: list.pins })) out.print(line);
    printRest(out, { shown: shown.length, matching: matching.length, list });
    return reportTrouble(out, list);
  },
};

type Filter = (point: RestorePoint) => boolean;

async function readFilter(context: CommandContext): Promise<Filter> {
  const label = context.value('label')?.toLowerCase();
  const kind = context.value('kind');
  const machine = context.value('machine');
  const since = await readTime(context, 'since');
  const until = await readTime(context, 'until');
  return ({ record }) => {
    const takenMs = Date.parse(record.takenAt);
    return (
      (label === undefined || record.label.toLowerCase().includes(label)) &&
      (kind === undefined || record.kind === kind) &&
      (machine === undefined || record.machine.name === machine || record.machine.id === machine) &&
      (since === null || takenMs >= since.getTime()) &&
      (until === null || takenMs <= until.getTime())
    );
  };
}

async function readTime(context: CommandContext, flag: 'since' | 'until'): Promise<Date | null> {
  const raw = context.value(flag);
  if (raw === undefined) return null;
  const when = await parseWhenText(raw, { now: context.io.now(), dayEdge: flag === 'since' ? 'start' : 'end' });
  if (when.time !== null) return when.time;
  throw new HoldfastError('when_invalid', `--${flag} takes a time, not ${JSON.stringify(raw)}.`, {
    hint: 'For example 2026-11-20, "2 hours ago", yesterday; see: holdfast help when',
  });
}

function printRest(out: Output, counts: { shown: number; matching: number; list: SnapshotList }): void {
  const { shown, matching, list } = counts;
  if (list.points.length === 0 && list.unreachable !== null) return;
  if (list.points.length === 0) out.print('  No restore points yet. Take the first one with: holdfast snapshot');
  else if (matching === 0) out.print(`  None of the ${formatCount(list.points.length)} restore points match.`);
  else if (shown < matching) out.print(out.paint('dim', `  and ${formatCount(matching - shown)} older`));
}

/** With `--path`: tells whether a point is the first with a version of that path (or the first without it). */
async function pointsTouching(
  context: CommandContext,
  deps: Session,
  { points }: SnapshotList,
): Promise<(point: RestorePoint) => boolean> {
  const { io, signal } = context;
  const raw = context.value('path');
  if (raw === undefined || points.length === 0) return () => true;
  const [{ readPathHistory }, { openPointReader }, { parseVaultPath }] = await Promise.all([
    import('../../engine/path-history.ts'),
    import('../../engine/store-view.ts'),
    import('../vault-path.ts'),
  ]);
  const path = parseVaultPath(raw, { cwd: io.cwd, root: deps.identity.vault.root, platform: io.platform });
  const { reader } = await openPointReader(deps, points, { signal });
  const { versions } = await readPathHistory(reader, { points, path, signal });
  const ids = new Set(versions.map(({ since }) => since.record.id));
  return (point) => ids.has(point.record.id);
}

/** What is known is listed even when the store cannot be asked, but then it may not be all there is: the exit code says so. */
function reportTrouble(out: Output, list: SnapshotList): number {
  const { unreachable, missing, invalid, lastSeenAt } = list;
  if (unreachable !== null) {
    const seen = lastSeenAt === null ? '' : ` on ${lastSeenAt.slice(0, 16).replace('T', ' ')} UTC`;
    out.complain(`  ${out.paintNote('yellow', 'the store cannot be reached:')} ${displayText(unreachable.message)}`);
    if (unreachable.hint !== undefined) out.complain(`  ${displayText(unreachable.hint)}`);
    out.complain(`  This is what was known${seen}.`);
  }
  printInvalidRecords(out, invalid);
  if (missing.length > 0) {
    const what = `${formatCount(missing.length)} snapshots that were in the store are gone`;
    out.complain(`  ${out.paintNote('red', what)} (the newest: ${displayText(missing.toSorted().at(-1)!)})`);
    out.complain('  If they were removed on purpose: holdfast reindex');
  }
  if (missing.length > 0) return exitCodeOfKind.integrity;
  if (invalid.length > 0) return exitCodeOfInvalid(invalid);
  return unreachable === null ? exitCodes.ok : exitCodeOf(unreachable);
}
