import { relative } from 'node:path';
import type { Session } from '../../app/compose.ts';
import { liveContents, snapshotContents } from '../../engine/change-content.ts';
import { compareRestored } from '../../engine/compare-restored.ts';
import { restoreSnapshot, type RestoreOutcome } from '../../engine/restore.ts';
import { displayName, displayText, jsonPath } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import type { Change } from '../../model/change.ts';
import { describePoint } from '../choose-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import { askedWords, openPoints, type PathAndPoint, type PointsAtHand, readPathAndPoint } from '../points-at-hand.ts';
import { printChanges, summaryOf } from '../print-changes.ts';
import { restoreVersions } from '../restore-versions.ts';
import { printProblems, problemFields } from '../print-problems.ts';
import { takeCommand } from '../take-command.ts';

/** More changed files than this are counted and listed, not shown line by line. */
const patchesMax = 5;
const namesMax = 20;

export const command: Command = {
  name: 'restore',
  summary: 'bring files back into the holding directory',
  description: [
    'Restores a file, a folder or everything from a restore point into a new folder of the holding directory, and shows how ' +
      'it differs from what is there now. Nothing live is touched; the command to take it is printed last.',
    'Whatever is not whole ends in .INCOMPLETE, and every path left out is named.',
  ],
  arguments: [
    { name: '[path]', summary: 'file or folder (default: everything)' },
    { name: '[when]', summary: 'id, label, time or latest (default: latest)', completes: 'snapshot' },
  ],
  options: [
    { flags: '--all', summary: 'everything: the only word is then the restore point' },
    { flags: '--validate-only', summary: 'read and prove everything, write nothing' },
    { flags: '--from-versions', summary: 'from the versions of the live mirror (setting "live"), not from snapshots' },
    { flags: '--no-diff', summary: 'do not compare with what is there now' },
  ],
  examples: [
    { command: 'holdfast restore notes/plan.md "2 hours ago"', means: 'one file as it was' },
    { command: 'holdfast restore --all latest', means: 'the whole vault' },
    { command: 'holdfast restore --validate-only', means: 'prove that the newest restore point can be restored' },
  ],
  async run(context) {
    if (context.flag('from-versions')) return restoreVersions(context);
    const { out, io, signal } = context;
    await using deps = await context.openSession();
    const at = await openPoints(context, deps, askedWords(context));
    const asked = await readAsked(context, at);
    const { point } = asked.chosen;
    out.print(`  from ${describePoint(asked.chosen, io.now())}`);
    const outcome = await restoreSnapshot(deps, {
      point,
      reader: at.reader,
      paths: asked.path === null ? null : [asked.path],
      validateOnly: context.flag('validate-only'),
      signal,
    });
    out.result(resultFields(asked, outcome));
    if (outcome.directory === null) printProved(context, outcome);
    else await printRestored(context, deps, { at, asked, outcome, directory: outcome.directory });
    printProblems(out, outcome.problems, outcome.complete ? 'restored under other names:' : 'not restored:');
    return exitCodeOf(outcome);
  },
};

/** With `--all` the words name the restore point alone. The vault itself, named as a path, is everything. */
async function readAsked(context: CommandContext, at: PointsAtHand): Promise<PathAndPoint> {
  const words = context.flag('all') ? [] : context.args;
  const asked = await readPathAndPoint(at, words, context.flag('all') ? context.args[0] : undefined);
  return asked.path === '' ? { ...asked, path: null } : asked;
}

function exitCodeOf(outcome: RestoreOutcome): number {
  if (outcome.damaged > 0) return exitCodeOfKind.integrity;
  return outcome.problems.length === 0 ? exitCodes.ok : exitCodes.incomplete;
}

function resultFields({ path, chosen }: PathAndPoint, outcome: RestoreOutcome): Record<string, unknown> {
  return {
    command: 'restore',
    id: chosen.point.record.id,
    ...(path === null ? { path: null } : jsonPath(path)),
    directory: outcome.directory,
    validated_only: outcome.directory === null,
    complete: outcome.complete,
    files: outcome.files,
    folders: outcome.folders,
    size_bytes: outcome.sizeBytes,
    damaged: outcome.damaged,
    problems: problemFields(outcome.problems),
    duration_ms: outcome.durationMs,
  };
}

function amountOf(outcome: RestoreOutcome): string {
  const files = `${formatCount(outcome.files)} ${outcome.files === 1 ? 'file' : 'files'}`;
  return `${files}, ${formatSize(outcome.sizeBytes)}, ${formatDuration(outcome.durationMs)}`;
}

function printProved({ out }: CommandContext, outcome: RestoreOutcome): void {
  if (outcome.complete) out.print(`  ${out.paint('green', 'proved')}: ${amountOf(outcome)}; every byte is what it was`);
  else out.print(`  ${out.paint('red', 'cannot be restored whole')}: proved ${amountOf(outcome)}`);
}

interface Restored {
  readonly at: PointsAtHand;
  readonly asked: PathAndPoint;
  readonly outcome: RestoreOutcome;
  readonly directory: string;
}

async function printRestored(context: CommandContext, deps: Session, restored: Restored): Promise<void> {
  const { out, io } = context;
  const { asked, outcome } = restored;
  const directory = relative(io.cwd, restored.directory) || '.';
  out.print(`  into ${displayText(directory)}/`);
  out.print(`  ${amountOf(outcome)}`);
  const changes = context.flag('no-diff') ? null : await showDifferences(context, deps, restored);
  if (!outcome.complete) return;
  out.print('');
  if (changes?.length === 0) {
    out.print('  Nothing live was touched, and nothing needs to be taken: it is the same as what is there now.');
    return;
  }
  const take = takeCommand({
    from: restored.directory,
    vaultRoot: deps.identity.vault.root,
    logFolder: deps.settings.logFolder,
    path: asked.path,
    changes: changes ?? [],
    cwd: io.cwd,
    platform: io.platform,
  });
  const log = displayName(deps.settings.logFolder);
  out.print(
    `  Nothing live was touched. ${take === null ? `Copy out what you want; leave ${log}/ as it is.` : `To take it:  ${take}`}`,
  );
}

/** What would change if the restore were taken: live on the left, the restore point on the right. */
async function showDifferences(
  context: CommandContext,
  deps: Session,
  { at, asked }: Restored,
): Promise<readonly Change[]> {
  const { out, io, signal } = context;
  const { path, chosen } = asked;
  const { reader, known } = at;
  const changes = await compareRestored(deps, { reader, known, tree: chosen.point.record.tree, path, signal });
  const isShort = changes.length <= patchesMax && !out.json;
  const shown = changes.slice(0, isShort || out.json ? undefined : namesMax);
  await printChanges(out, shown, {
    before: liveContents(deps.workingTree),
    after: snapshotContents(reader, { signal }),
    sideNames: { before: 'live', after: 'restore point' },
    form: isShort ? 'patch' : 'name-status',
    context: 3,
    isTerminal: io.stdout.isTTY === true,
    signal,
  });
  if (changes.length > shown.length) out.print(`  and ${formatCount(changes.length - shown.length)} more`);
  if (changes.length > 0) out.print(`  against what is there now: ${summaryOf(changes)}`);
  return changes;
}
