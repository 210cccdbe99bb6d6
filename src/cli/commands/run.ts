import type { Session } from '../../app/compose.ts';
import { snapshotContents } from '../../engine/change-content.ts';
import { detectRenames } from '../../engine/detect-renames.ts';
import { diffTrees, type TreeSide } from '../../engine/diff-trees.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { loadStoreView, openPointReader } from '../../engine/store-view.ts';
import { takeSnapshotPatiently } from '../../engine/take-patiently.ts';
import type { SnapshotOutcome } from '../../engine/take-snapshot.ts';
import { displayText } from '../../format/display-name.ts';
import { formatCount } from '../../format/size.ts';
import { type Change, countChangeKinds } from '../../model/change.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import { type Label, type ObjectId, parseLabel, type SnapshotId } from '../../model/ids.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { outputForNotes } from '../output-for-notes.ts';
import { printChanges, summaryOf } from '../print-changes.ts';
import { printProblems } from '../print-problems.ts';
import { errorFields, renderError } from '../render-error.ts';
import { runChild, type ChildEnd } from '../run-child.ts';

/** More changed paths than this are counted, not named; `--json` names every one. */
const namesMax = 20;

export const command: Command = {
  name: 'run',
  summary: 'run a command between two snapshots, and show what it changed',
  description: [
    'Takes a snapshot, runs the command in your terminal, takes another snapshot and shows what the command changed. For agents ' +
      'and risky scripts: what the vault was like before is kept whatever the command does.',
    'Ends with the exit code of the command: 127 when it was not found, 126 when it could not be started, 128 plus the number of ' +
      'the signal that ended it. When the first snapshot fails, the command is not run (unless --anyway) and holdfast ends with ' +
      'its own code; so it does when the command succeeded and the snapshot after it failed.',
    'What holdfast has to say goes to stderr, so that stdout is the command’s alone. With --json it is the other way round: the ' +
      'command writes to stderr.',
  ],
  arguments: [{ name: '<command...>', summary: 'the program and its arguments, after --' }],
  options: [
    {
      flags: '--label <label>',
      summary: 'name the snapshots "before <label>" and "after <label>", and keep them always',
    },
    { flags: '--anyway', summary: 'run the command even when the snapshot before it failed' },
  ],
  examples: [
    { command: 'holdfast run -- ./tidy-notes.sh', means: 'see what the script does to your notes' },
    {
      command: 'holdfast run --label "agent 12" -- agent --task cleanup',
      means: 'with snapshots to go back to by name',
    },
  ],
  async run(context) {
    const label = context.value('label');
    const labels = { before: labelOf('before', label), after: labelOf('after', label) };
    await using deps = await context.openSession({ prepareVault: true });
    const before = await takeBefore(context, deps, labels.before);
    const end = await runChild(context.args, { io: context.io, stdoutToStderr: context.out.json });
    if (end.failure !== null) {
      const why = end.failure === 'ENOENT' ? 'there is no such program' : end.failure;
      context.out.complain(`  ${JSON.stringify(context.args[0])} was not run: ${why}`);
    }
    return await takeAfter(context, deps, { label: labels.after, before, end });
  },
};

function labelOf(side: 'before' | 'after', label: string | undefined): Label | null {
  return label === undefined ? null : parseLabel(`${side} ${label}`);
}

/** Null when there is none, and the command is to be run anyway. */
async function takeBefore(context: CommandContext, deps: Session, label: Label | null): Promise<SnapshotId | null> {
  const { out, signal } = context;
  try {
    const outcome = await takeSnapshotPatiently(deps, { label, kind: 'run', signal });
    const id = tellOutcome(context, outcome);
    out.note(`  ${out.paintNote('dim', `before: ${displayText(id)}`)}`);
    return id;
  } catch (error) {
    if (!isHoldfastError(error) || error.kind === 'canceled') throw error;
    if (!context.flag('anyway')) throw notRun(error);
    renderError(error, out);
    out.complain('  Running the command anyway: what it changes cannot be taken back.');
    return null;
  }
}

interface AfterOptions {
  readonly label: Label | null;
  readonly before: SnapshotId | null;
  readonly end: ChildEnd;
}

async function takeAfter(context: CommandContext, deps: Session, options: AfterOptions): Promise<number> {
  const { out, signal } = context;
  const { before, end } = options;
  const fields = { command: 'run', command_exit_code: end.exitCode, command_signal: end.signal, before };
  try {
    const outcome = await takeSnapshotPatiently(deps, { label: options.label, kind: 'run', signal });
    const after = tellOutcome(context, outcome);
    const changes = before === null ? null : await showChanges(context, deps, { before, after });
    out.result({ ...fields, after, ...(changes === null ? {} : countChangeKinds(changes)), after_error: null });
    return end.exitCode;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    out.complain('  The command ended, but the snapshot after it failed:');
    renderError(error, out);
    out.result({ ...fields, after: null, after_error: errorFields(error) });
    return end.exitCode === exitCodes.ok ? exitCodeOf(error) : end.exitCode;
  }
}

/** Tells what is amiss with a snapshot that was taken; returns the id it can be found by. */
function tellOutcome({ out }: CommandContext, outcome: SnapshotOutcome): SnapshotId {
  for (const notice of outcome.notices) out.notice(notice);
  const problems = outcome.kind === 'taken' ? outcome.record.problems : outcome.problems;
  printProblems(out, problems, `partial: ${formatCount(problems.length)} not stored`);
  if (outcome.publishError !== null) {
    const why = displayText(outcome.publishError.message);
    out.note(`  ${out.paintNote('yellow', 'local only:')} on this machine, not in the store yet (${why})`);
  }
  return outcome.kind === 'taken' ? outcome.record.id : outcome.latest;
}

async function showChanges(
  { out, io, signal }: CommandContext,
  deps: Session,
  { before, after }: { before: SnapshotId; after: SnapshotId },
): Promise<readonly Change[]> {
  if (before === after) {
    out.note('  The command changed nothing.');
    return [];
  }
  const view = await loadStoreView(deps, { refresh: 'never', signal });
  const { reader } = await openPointReader(deps, view.points, { signal });
  const side = (id: SnapshotId) => sideOf(reader, view.points.find(({ record }) => record.id === id)!.record.tree);
  const found = await diffTrees(side(before), side(after), { except: deps.settings.logFolder, signal });
  const contents = snapshotContents(reader, { signal });
  const changes = await detectRenames(found, { before: contents, after: contents, signal });
  const shown = out.json ? changes : changes.slice(0, namesMax);
  await printChanges(outputForNotes(out), shown, {
    before: contents,
    after: contents,
    form: 'name-status',
    context: 0,
    isTerminal: io.stderr.isTTY === true,
    signal,
  });
  const rest = changes.length - shown.length;
  if (rest > 0) out.note(`  and ${formatCount(rest)} more`);
  out.note(`  ${summaryOf(changes)}; see it again with: holdfast diff ${displayText(before)} ${displayText(after)}`);
  return changes;
}

function sideOf(reader: ObjectReader, root: ObjectId): TreeSide {
  return { trees: openTreeReader(reader), root };
}

function notRun(error: HoldfastError): HoldfastError {
  const hint = `The command was not run. ${error.hint ?? ''}`.trimEnd();
  return new HoldfastError(error.code, error.message, {
    hint: `${hint}\nTo run it without a snapshot before it: holdfast run --anyway -- …`,
    data: error.data,
    cause: error,
  });
}
