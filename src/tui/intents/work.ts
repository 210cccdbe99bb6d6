import { drillComponents } from '../../model/drill-report.ts';
import { runDrill } from '../../engine/drill/drill.ts';
import { setPin } from '../../engine/pins.ts';
import { takeSnapshot } from '../../engine/take-snapshot.ts';
import { verifyStore } from '../../engine/verify-store.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import { parseLabel, type SnapshotId } from '../../model/ids.ts';
import { emptyLine, line, type Line, span } from '../line.ts';
import type { Work } from '../state/actions.ts';
import type { IntentContext } from './intent-context.ts';

/** Takes a snapshot; an empty label is none. */
export async function snapshot(
  { services, dispatch }: IntentContext,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const label = text === '' ? null : parseLabel(text);
  const done = await services.withWriter(async (deps) => takeSnapshot(deps, { label, kind: 'manual', signal }));
  if (done.kind === 'unchanged') {
    const message = {
      text: `unchanged since ${done.latest}; nothing stored`,
      tone: 'good',
      command: 'holdfast snapshot',
    } as const;
    return dispatch({ type: 'job_done', message, outcome: null });
  }
  const { counts, id, complete } = done.record;
  const where = done.where === 'store' ? 'in the store' : 'on this machine only: the store could not take it yet';
  const whole = complete ? '' : ', partial';
  return dispatch({
    type: 'job_done',
    message: {
      text: `${displayText(id)}  +${formatCount(counts.added)} ~${formatCount(counts.changed)} -${formatCount(counts.removed)}, ${formatSize(counts.storedBytes)} new, ${where}${whole}`,
      tone: done.where === 'store' && complete ? 'good' : 'warn',
      command: '',
    },
    outcome: null,
  });
}

export async function setPinned(
  { deps, dispatch }: IntentContext,
  { id, pinned }: Extract<Work, { type: 'set_pin' }>,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await setPin(deps, id, { pinned, signal });
  const text = outcome === 'unchanged' ? 'it is so already' : pinned ? 'pinned: prune keeps it' : 'no longer pinned';
  dispatch({
    type: 'job_done',
    message: { text, tone: 'good', command: `holdfast ${pinned ? 'pin' : 'unpin'} ${id}` },
    outcome: null,
  });
}

/** Proves what is new in the store. */
export async function verify({ deps, dispatch }: IntentContext, signal: AbortSignal): Promise<void> {
  const report = await verifyStore(deps, { depth: 'new', signal });
  const { findings } = report;
  const amount = `${formatCounted(report.snapshots, 'snapshot')}, ${formatCounted(report.packs, 'pack')} read (${formatSize(report.readBytes)}), ${formatDuration(report.durationMs)}`;
  const lines: Line[] = [line(amount), emptyLine];
  for (const { key, message, snapshots } of findings) {
    lines.push(
      line(span(displayText(message), 'bad')),
      line(`  ${displayText(key)}, needed by ${formatCounted(snapshots.length, 'snapshot')}`),
    );
  }
  const isWhole = findings.length === 0;
  dispatch({
    type: 'job_done',
    message: {
      text: isWhole ? `verified: whole. ${amount}` : `${formatCounted(findings.length, 'finding')}`,
      tone: isWhole ? 'good' : 'bad',
      command: 'holdfast verify',
    },
    outcome: isWhole ? null : { title: 'The store is not whole', lines, directory: null },
  });
}

/** Rehearses a restore of the point, for real. */
export async function drill(context: IntentContext, id: SnapshotId, signal: AbortSignal): Promise<void> {
  const { deps, services, dispatch } = context;
  const points = context.points();
  const point = points.find(({ record }) => record.id === id);
  if (point === undefined) throw new HoldfastError('snapshot_unknown', `There is no snapshot ${id} any more.`);
  const { report } = await runDrill(deps, {
    point,
    points,
    opened: await context.reader(),
    components: drillComponents,
    withoutHoldfast: false,
    skipValidation: false,
    keep: false,
    targets: services.targets,
    signal,
  });
  const lines: Line[] = [
    line(
      `back in ${formatDuration(report.rto.measuredMs)} (target ${formatDuration(report.rto.targetMs)}), up to ${formatDuration(report.rpo.measuredMs)} of work lost (target ${formatDuration(report.rpo.targetMs)})`,
    ),
    emptyLine,
    ...report.components.map(({ component, outcome }) =>
      line(span(outcome.padEnd(8), outcome === 'passed' ? 'good' : outcome === 'failed' ? 'bad' : 'dim'), component),
    ),
    emptyLine,
    ...report.recommendations.map((text) => line(`- ${displayText(text)}`)),
  ];
  dispatch({
    type: 'job_done',
    message: {
      text: report.passed ? 'the drill passed' : 'the drill failed',
      tone: report.passed ? 'good' : 'bad',
      command: `holdfast drill ${id}`,
    },
    outcome: { title: report.passed ? 'Drill passed' : 'Drill failed', lines, directory: null },
  });
}
