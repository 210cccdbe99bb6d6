import type { Session } from '../../app/compose.ts';
import { findUndo } from '../../engine/rollback/find-undo.ts';
import type { RollbackOutcome } from '../../engine/rollback/finish-rollback.ts';
import { assertNoPendingRollback, pendingHint } from '../../engine/rollback/pending-rollback.ts';
import { abortRollback, resumeRollback } from '../../engine/rollback/resume-rollback.ts';
import { assertLabel, previewRollback, type RollbackRequest, runRollback } from '../../engine/rollback/run-rollback.ts';
import { displayText } from '../../format/display-name.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { describePoint } from '../choose-point.ts';
import { chooseRollbackPoint, noSnapshot } from '../choose-rollback-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { openPoints } from '../points-at-hand.ts';
import { printPlan, printRollback, rollbackFields } from '../print-rollback.ts';
import { askLabel } from '../ask-label.ts';

export const command: Command = {
  name: 'rollback',
  summary: 'take the live files back to a restore point',
  description: [
    'Takes the whole vault (or what --path names) back to a restore point. Without --apply it prints what it would do and refuses. ' +
      'With --apply the label of the restore point must be repeated, byte for byte.',
    'A snapshot of the vault as it is comes first, and must have reached the store before anything moves. Then everything is read ' +
      'and proved beside the live files, and put in place file by file. What the restore point does not have is moved into the ' +
      'holding directory, never deleted; what git or holdfast ignores is not touched.',
    'An interruption leaves a journal: --resume finishes the rollback, --abort puts everything back. --undo goes back to the ' +
      'snapshot that the last rollback took first.',
  ],
  arguments: [{ name: '[when]', summary: 'id, label, time or latest', completes: 'snapshot' }],
  options: [
    { flags: '--apply', summary: 'do it; without it the plan is printed and nothing changes' },
    { flags: '--confirm-label <label>', summary: 'the label of the restore point, exactly' },
    { flags: '--path <path...>', summary: 'only this file or folder; may be repeated' },
    { flags: '--all', summary: 'name every path of the plan' },
    { flags: '--dry-run', summary: 'print the plan and end with 0' },
    { flags: '--allow-partial', summary: 'go back to a partial snapshot, leaving the paths it lacks as they are' },
    { flags: '--local-safety', summary: 'a safety snapshot on this machine will do when the store cannot be reached' },
    { flags: '--undo', summary: 'go back to how it was before the last rollback' },
    { flags: '--resume', summary: 'finish a rollback that was interrupted' },
    { flags: '--abort', summary: 'take back a rollback that was interrupted' },
  ],
  examples: [
    { command: 'holdfast rollback "before the big rewrite"', means: 'what would it do?' },
    {
      command: 'holdfast rollback "before the big rewrite" --apply --confirm-label="before the big rewrite"',
      means: 'do it',
    },
    { command: 'holdfast rollback yesterday --path notes/', means: 'one folder only' },
    { command: 'holdfast rollback --undo', means: 'take the last one back' },
  ],
  async run(context) {
    assertOneWay(context);
    if (context.flag('resume') || context.flag('abort')) return finishPending(context);
    return goBack(context);
  },
};

async function finishPending(context: CommandContext): Promise<number> {
  await using deps = await context.openSession();
  const { signal } = context;
  const finish = context.flag('resume') ? resumeRollback : abortRollback;
  const outcome = await sayingWhatIsPending(context, deps, async () => finish(deps, { signal }));
  return show(context, deps, outcome);
}

async function goBack(context: CommandContext): Promise<number> {
  const { out, io, signal } = context;
  const isApplied = context.flag('apply');
  // Looking and refusing must leave the vault as it is, so nothing is prepared in it before the label is confirmed.
  await using deps = await context.openSession();
  await assertNoPendingRollback(deps);
  const asked = context.flag('undo') ? await findUndo(deps) : context.args[0]!;
  const at = await openPoints(context, deps).catch((error: unknown) => {
    throw unknownPoint(error, asked, isApplied);
  });
  const chosen = await chooseRollbackPoint(at, asked, { isApplied });
  const { point } = chosen;
  out.print(`  to ${describePoint(chosen, io.now())}`);
  const paths = context.values('path').map((path) => at.path(path));
  const request: RollbackRequest = {
    point,
    paths: paths.length === 0 ? null : paths,
    allowPartial: context.flag('allow-partial'),
    signal,
  };
  const given = context.value('confirm-label');
  if (given !== undefined && isApplied) assertLabel(point, given);
  if (!isApplied || given === undefined || context.flag('dry-run')) {
    const plan = await previewRollback(deps, request);
    printPlan(context, plan, point);
    if (context.flag('dry-run')) return exitCodes.ok;
    if (given !== undefined) assertLabel(point, given);
  }
  if (!isApplied) throw notApplied(point);
  const confirmLabel = given ?? (await confirmOnTerminal(context, point));
  assertLabel(point, confirmLabel);
  return await apply(context, { ...request, confirmLabel, isPlanShown: given === undefined });
}

async function apply(
  context: CommandContext,
  request: RollbackRequest & { readonly confirmLabel: string; readonly isPlanShown: boolean },
): Promise<number> {
  await using deps = await context.openSession({ prepareVault: true });
  const outcome = await sayingWhatIsPending(context, deps, async () =>
    runRollback(deps, {
      ...request,
      localSafety: context.flag('local-safety'),
      onPlan: (plan, safety) => {
        context.out.print(`  safety snapshot ${displayText(safety.id)}`);
        if (!request.isPlanShown) printPlan(context, plan, request.point);
      },
    }),
  );
  return show(context, deps, outcome);
}

/** Being stopped by a signal is told the same way everywhere; here a person must also know that the vault is between two states. */
async function sayingWhatIsPending<T>(
  { out, signal }: CommandContext,
  deps: Session,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (signal.aborted && (await deps.rollbackJournal.load()) !== null) {
      out.complain(`  The rollback is half done. ${pendingHint}`);
    }
    throw error;
  }
}

function show(context: CommandContext, deps: Session, outcome: RollbackOutcome): number {
  context.out.result(rollbackFields(outcome));
  printRollback(context, outcome, deps.holdingArea.name);
  return outcome.problems.length === 0 ? exitCodes.ok : exitCodes.incomplete;
}

function assertOneWay(context: CommandContext): void {
  const ways = ['undo', 'resume', 'abort'].filter((name) => context.flag(name));
  const words = context.args.length + ways.length;
  if (words === 1) return;
  throw new HoldfastError(
    'flag_invalid',
    words === 0
      ? 'rollback needs a restore point to go back to.'
      : 'rollback takes one of: a restore point, --undo, --resume, --abort.',
    { hint: 'See the restore points with: holdfast list' },
  );
}

async function confirmOnTerminal({ io, out }: CommandContext, point: RestorePoint): Promise<string> {
  const canAsk = io.stdin.isTTY === true && io.stderr.isTTY === true && !out.json && !out.quiet;
  if (!canAsk) throw notApplied(point);
  return askLabel(io);
}

function notApplied({ record }: RestorePoint): HoldfastError {
  return new HoldfastError(
    'not_applied',
    `rollback changes live files. Re-run with --apply --confirm-label=${quoteLabel(record.label)}`,
    { data: { id: record.id, label: record.label } },
  );
}

/** Double quotes where a shell takes what is inside as it stands, else single ones. */
function quoteLabel(label: string): string {
  return /["$`\\!]/.test(label) ? `'${label.replaceAll("'", String.raw`'\''`)}'` : `"${label}"`;
}

function unknownPoint(error: unknown, asked: string, isApplied: boolean): unknown {
  return error instanceof HoldfastError && error.code === 'store_empty'
    ? noSnapshot(asked, { isApplied, hint: error.hint })
    : error;
}
