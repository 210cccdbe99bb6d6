import { compareRestored } from '../../engine/compare-restored.ts';
import { restoreSnapshot } from '../../engine/restore.ts';
import { displayName, displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import type { Change } from '../../model/change.ts';
import { HoldfastError } from '../../model/errors.ts';
import { emptyLine, line, type Line, span } from '../line.ts';
import type { Work } from '../state/actions.ts';
import type { IntentContext } from './intent-context.ts';

const changesShownMax = 200;
const letters = { added: '+', removed: '-', changed: '~', mode: '~', type: '~', renamed: '>' } as const;

/** Restores into the holding directory, and says where it is, how it differs from what is there now and how to take it. */
export async function restore(
  context: IntentContext,
  work: Extract<Work, { type: 'restore' }>,
  signal: AbortSignal,
): Promise<void> {
  const { deps, services } = context;
  const point = context.points().find(({ record }) => record.id === work.id);
  if (point === undefined) throw new HoldfastError('snapshot_unknown', `There is no snapshot ${work.id} any more.`);
  const { reader, known } = await context.reader();
  const { path } = work;
  const done = await restoreSnapshot(deps, { point, reader, paths: path === null ? null : [path], signal });
  const changes = await compareRestored(deps, { reader, known, tree: point.record.tree, path, signal });
  const directory = done.directory!;
  const take = done.complete && changes.length > 0 ? services.takeCommand({ directory, path, changes }) : null;
  const what = path === null ? 'everything' : displayName(path);
  const lines: Line[] = [
    line(span(what, 'bold'), ` as it was in ${displayText(point.record.id)}`),
    line(`${formatCounted(done.files, 'file')}, ${formatSize(done.sizeBytes)}, ${formatDuration(done.durationMs)}`),
    emptyLine,
    line('into  ', span(displayText(services.shownPath(directory)), 'accent')),
    line(span('o', 'key'), ' opens it. Nothing live was touched.'),
    emptyLine,
    ...(take === null ? [] : [line('To take it:'), line(`  `, span(displayText(take), 'accent')), emptyLine]),
    ...(changes.length === 0
      ? [line(span('The same as what is there now: nothing needs to be taken.', 'good'))]
      : [
          line(`Taking it would change, against what is there now (${formatCount(changes.length)}):`),
          ...changes.slice(0, changesShownMax).map(changeLine),
        ]),
    ...done.problems.map(({ path: at, message }) =>
      line(span(`not restored as it was: ${displayName(at)}: ${displayText(message)}`, 'warn')),
    ),
  ];
  context.dispatch({
    type: 'job_done',
    message: {
      text: done.complete ? 'restored; nothing live was touched' : 'restored in part: what is missing is named',
      tone: done.complete ? 'good' : 'bad',
      command: `holdfast restore ${path === null ? '--all' : services.quotePath(path)} ${point.record.id}`,
    },
    outcome: { title: done.complete ? 'Restored' : 'Restored in part', lines, directory },
  });
}

function changeLine({ kind, path }: Change): Line {
  const style = kind === 'added' ? 'added' : kind === 'removed' ? 'removed' : 'warn';
  return line('  ', span(letters[kind], style), ` ${displayName(path)}`);
}
