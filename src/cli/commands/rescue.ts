import { relative } from 'node:path';
import type { Session } from '../../app/compose.ts';
import { readBurstHold, type BurstHold } from '../../engine/burst-hold.ts';
import type { TreeSide } from '../../engine/diff-trees.ts';
import { findVanished, type Vanished } from '../../engine/find-vanished.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { restoreSnapshot, type RestoreOutcome } from '../../engine/restore.ts';
import { scanLive } from '../../engine/scan-live.ts';
import { displayName, displayText, jsonPath } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { byteStringOfText } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { describePoint, type ChosenPoint } from '../choose-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import { openPoints, type PointsAtHand } from '../points-at-hand.ts';
import { printAdvice } from '../print-advice.ts';
import { printProblems, problemFields } from '../print-problems.ts';
import { shellQuote } from '../shell-quote.ts';
import { wrapToWidth } from '../../format/text-width.ts';

const namesMax = 20;

export const command: Command = {
  name: 'rescue',
  summary: 'bring back exactly what vanished, into the holding directory',
  description: [
    'Finds every path that a good restore point has and the vault has no longer, and restores exactly those into a new folder of ' +
      'the holding directory. Nothing live is touched; what is still there, changed or not, is left alone.',
    'The watcher notices when many files vanish or change at once: it pins the restore point from before, stops pruning, and tells ' +
      'you. That restore point is then the good one unless you name another. Afterwards say --resolve, and pruning goes on.',
    'With two restore points: what the first has and the second has not.',
  ],
  arguments: [
    {
      name: '[good]',
      summary: 'the restore point from before (default: the one a burst was noticed after)',
      completes: 'snapshot',
    },
    { name: '[after]', summary: 'what to compare it with (default: the vault as it is now)', completes: 'snapshot' },
  ],
  options: [
    { flags: '--list', summary: 'only name what vanished, restore nothing' },
    { flags: '--resolve', summary: 'the burst is dealt with: let pruning go on; restores nothing' },
  ],
  examples: [
    { command: 'holdfast rescue', means: 'after a burst was noticed: bring back what vanished' },
    { command: 'holdfast rescue "1 hour ago" --list', means: 'see what vanished in the last hour' },
    { command: 'holdfast rescue --resolve', means: 'all is well again: pruning goes on' },
  ],
  async run(context) {
    await using deps = await context.openSession();
    const { rows } = await deps.snapshotIndex.read();
    const hold = readBurstHold(rows);
    if (context.flag('resolve')) return await resolve(context, deps, hold);
    const at = await openPoints(context, deps);
    const good = await chooseGood(context, at, hold);
    const after = context.args[1] === undefined ? null : await at.choose(context.args[1]);
    const vanished = await findBetween(context, deps, { at, good, after });
    printVanished(context, { good, after, vanished });
    const isListOnly = context.flag('list') || vanished.files.length === 0;
    const outcome = isListOnly ? null : await restoreVanished(context, deps, { at, good, vanished });
    context.out.result({
      command: 'rescue',
      good: good.point.record.id,
      after: after?.point.record.id ?? null,
      vanished: vanished.files.length,
      burst: hold === null ? null : { at: hold.at, last_good: hold.lastGood },
      directory: outcome?.directory ?? null,
      restored: outcome?.files ?? 0,
      complete: outcome?.complete ?? null,
      problems: problemFields(outcome?.problems ?? []),
    });
    if (hold !== null)
      printAdvice(context.out, 'When all is well again, let pruning go on:', 'holdfast rescue --resolve');
    if (outcome === null) return exitCodes.ok;
    if (outcome.damaged > 0) return exitCodeOfKind.integrity;
    return outcome.problems.length === 0 ? exitCodes.ok : exitCodes.incomplete;
  },
};

async function resolve({ out }: CommandContext, deps: Session, hold: BurstHold | null): Promise<number> {
  if (hold !== null) await deps.snapshotIndex.append({ event: 'burst_resolved', by: 'rescue' });
  out.result({ command: 'rescue', resolved: hold !== null });
  out.print(
    hold === null
      ? '  There is no burst to resolve.'
      : '  Resolved: pruning goes on, snapshots have their usual label.',
  );
  return exitCodes.ok;
}

async function chooseGood({ args }: CommandContext, at: PointsAtHand, hold: BurstHold | null): Promise<ChosenPoint> {
  const asked = args[0] ?? hold?.lastGood;
  if (asked !== undefined) return at.choose(asked);
  throw new HoldfastError('flag_invalid', 'No burst was noticed, so say which restore point is the good one.', {
    hint: 'For example: holdfast rescue "2 hours ago" --list; see all of them with: holdfast list',
  });
}

interface Between {
  readonly at: PointsAtHand;
  readonly good: ChosenPoint;
  /** Null: the vault as it is now. */
  readonly after: ChosenPoint | null;
}

async function findBetween({ signal }: CommandContext, deps: Session, between: Between): Promise<Vanished> {
  const { at, good, after } = between;
  const sideOf = ({ point }: ChosenPoint): TreeSide => ({
    trees: openTreeReader(at.reader, { signal }),
    root: point.record.tree,
  });
  const other = after === null ? await scanLive(deps, { known: at.known, signal }) : sideOf(after);
  return findVanished(sideOf(good), other, { except: deps.settings.logFolder, signal });
}

function printVanished(
  { out, io }: CommandContext,
  found: { good: ChosenPoint; after: ChosenPoint | null; vanished: Vanished },
): void {
  const { good, after, vanished } = found;
  const now = io.now();
  const from = `${describePoint(good, now)} -> ${after === null ? 'now' : describePoint(after, now)}`;
  for (const line of wrapToWidth(`  ${from}`, out.columns, '    ')) out.print(line);
  for (const path of vanished.files) out.row('vanished', jsonPath(path));
  if (vanished.files.length === 0) {
    out.print('  Nothing vanished.');
    return;
  }
  for (const path of vanished.paths.slice(0, namesMax)) out.print(`  ${out.paint('red', 'D')}  ${displayName(path)}`);
  const rest = vanished.paths.length - namesMax;
  if (rest > 0) out.print(`  and ${formatCount(rest)} more; --json names every one`);
  const taken = formatAge(now.getTime() - Date.parse(good.point.record.takenAt));
  out.print(`  ${formatCounted(vanished.files.length, 'file')} vanished since then (${taken})`);
}

async function restoreVanished(
  { out, io, signal }: CommandContext,
  deps: Session,
  found: { at: PointsAtHand; good: ChosenPoint; vanished: Vanished },
): Promise<RestoreOutcome> {
  const { at, good, vanished } = found;
  const outcome = await restoreSnapshot(deps, { point: good.point, reader: at.reader, paths: vanished.paths, signal });
  const directory = relative(io.cwd, outcome.directory!) || '.';
  out.print(`  brought back ${formatCounted(outcome.files, 'file')}, ${formatSize(outcome.sizeBytes)}`);
  out.print(`  into ${displayText(directory)}/`);
  printProblems(out, outcome.problems, outcome.complete ? 'restored under other names:' : 'not restored:');
  if (!outcome.complete) return outcome;
  out.print('');
  const quote = (path: string): string => shellQuote(byteStringOfText(path), io.platform);
  const root = relative(io.cwd, deps.identity.vault.root) || '.';
  if (io.platform === 'win32') out.print('  Nothing live was touched. Look through them, and move back what you want.');
  // -n: what has come back in the meantime is not written over.
  else {
    const take = `cp -pRn ${quote(`${directory}/.`)} ${quote(root)}`;
    printAdvice(out, 'Nothing live was touched. To take all of it:', take);
  }
  return outcome;
}
