import type { Session } from '../../app/compose.ts';
import { liveContents, snapshotContents, type ContentSource } from '../../engine/change-content.ts';
import { detectRenames } from '../../engine/detect-renames.ts';
import { diffTrees, type TreeSide } from '../../engine/diff-trees.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { scanLive } from '../../engine/scan-live.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import { countChangeKinds } from '../../model/change.ts';
import { describePoint, type ChosenPoint } from '../choose-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { openPoints, type PointsAtHand, tryChoose } from '../points-at-hand.ts';
import { printChanges, summaryOf } from '../print-changes.ts';
import { printProblems, problemFields } from '../print-problems.ts';

export const command: Command = {
  name: 'diff',
  summary: 'show what changed between restore points, or since one',
  description: [
    'Compares two restore points, or (with one or none named) the vault as it is now with a restore point. Files that moved are ' +
      'shown as renames. Into a pipe it writes patches that `git apply` takes.',
    'A word is read as a restore point when there is one of that name, label or time, and as a path otherwise.',
  ],
  arguments: [
    { name: '[a]', summary: 'the older side (default: the newest restore point)', completes: 'snapshot' },
    { name: '[b]', summary: 'the newer side (default: the vault as it is now)', completes: 'snapshot' },
    { name: '[path]', summary: 'only this file or folder' },
  ],
  options: [
    { flags: '--stat', summary: 'one line a file, with counts of lines' },
    { flags: '--name-status', summary: 'one line a file: A added, M changed, D removed, T type, R renamed' },
    { flags: '--path <path>', summary: 'only this file or folder, whatever its name' },
    { flags: '-U, --unified <count>', summary: 'lines around each difference (default: 3)' },
    { flags: '--no-renames', summary: 'show moved files as removed and added' },
  ],
  examples: [
    { command: 'holdfast diff', means: 'what changed since the newest restore point' },
    { command: 'holdfast diff yesterday notes/', means: 'what changed in notes/ since yesterday' },
    { command: 'holdfast diff latest~5 latest --stat', means: 'between two restore points' },
  ],
  async run(context) {
    const { out, io, signal } = context;
    const lines = context.count('unified', 0) ?? 3;
    await using deps = await context.openSession();
    const at = await openPoints(context, deps);
    const asked = await readWords(context, at);
    const older = pointSide(at, asked.a, signal);
    const newer = asked.b === null ? await liveSide(deps, at, signal) : pointSide(at, asked.b, signal);
    // Our own log changes with every snapshot: it is shown only when asked for.
    const except = asked.path === null ? deps.settings.logFolder : undefined;
    const options = { path: asked.path, except, signal };
    const found = await diffTrees(older, newer, options);
    const sources = { before: older.contents, after: newer.contents };
    const changes = context.flag('no-renames') ? found : await detectRenames(found, { ...sources, signal });

    const now = io.now();
    out.note(`  ${describePoint(asked.a, now)} -> ${asked.b === null ? 'now' : describePoint(asked.b, now)}`);
    await printChanges(out, changes, {
      ...sources,
      form: context.flag('stat') ? 'stat' : context.flag('name-status') ? 'name-status' : 'patch',
      context: lines,
      isTerminal: io.stdout.isTTY === true,
      signal,
    });
    out.result({
      command: 'diff',
      before: asked.a.point.record.id,
      after: asked.b?.point.record.id ?? null,
      ...countChangeKinds(changes),
      problems: problemFields(newer.problems),
    });
    out.note(`  ${summaryOf(changes)}`);
    printProblems(out, newer.problems, 'these could not be read, so they look removed or unchanged:');
    return newer.problems.length === 0 ? exitCodes.ok : exitCodes.incomplete;
  },
};

interface Asked {
  readonly a: ChosenPoint;
  /** Null: the vault as it is. */
  readonly b: ChosenPoint | null;
  readonly path: ByteString | null;
}

/** Leading words that name points are the sides; what is left, at most one word, is the path. */
async function readWords(context: CommandContext, at: PointsAtHand): Promise<Asked> {
  const rest = [...context.args];
  const sides: ChosenPoint[] = [];
  while (sides.length < 2 && rest.length > 0) {
    const chosen = await tryChoose(at, rest[0]!);
    if (chosen === null) break;
    sides.push(chosen);
    rest.shift();
  }
  const words = [...rest, ...(context.value('path') === undefined ? [] : [context.value('path')!])];
  if (words.length > 1) {
    throw new HoldfastError(
      'snapshot_unknown',
      `No snapshot is called ${JSON.stringify(words[0])}, and it is not a time.`,
      {
        hint: 'See all of them with: holdfast list',
      },
    );
  }
  return {
    a: sides[0] ?? (await at.choose(at.newest.record.id)),
    b: sides[1] ?? null,
    path: words[0] === undefined ? null : at.path(words[0]),
  };
}

interface Side extends TreeSide {
  readonly contents: ContentSource;
  readonly problems: readonly Problem[];
}

function pointSide(at: PointsAtHand, { point }: ChosenPoint, signal: AbortSignal): Side {
  const { reader } = at;
  return {
    trees: openTreeReader(reader, { signal }),
    root: point.record.tree,
    contents: snapshotContents(reader, { signal }),
    problems: [],
  };
}

async function liveSide(deps: Session, at: PointsAtHand, signal: AbortSignal): Promise<Side> {
  const { trees, root, problems } = await scanLive(deps, { known: at.known, signal });
  return { trees, root, problems, contents: liveContents(deps.workingTree) };
}
