import type { RollbackJournal } from '../../format/rollback-journal.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { IndexEvent } from '../../model/index-row.ts';
import type { Problem } from '../../model/problem.ts';
import type { LiveMover } from '../../ports/live-tree.ts';
import type { Deps } from '../deps.ts';
import { moveBack } from './move-back.ts';
import { isTouch, type MoveContext } from './move-context.ts';
import { moveForward } from './move-forward.ts';
import { pendingHint } from './pending-rollback.ts';

export interface RollbackOutcome {
  /** 'aborted': the vault is as it was before. */
  readonly outcome: 'done' | 'aborted';
  readonly target: SnapshotId;
  readonly safety: SnapshotId;
  readonly changed: number;
  readonly broughtBack: number;
  readonly setAside: number;
  /** Name of the folder in the holding directory that keeps what was set aside; null when nothing was. */
  readonly keptIn: string | null;
  /** Paths that differ from what was asked for, and stayed. */
  readonly problems: readonly Problem[];
  readonly durationMs: number;
  /** The command that takes it back. */
  readonly undo: string;
}

export interface MovingOptions {
  readonly journal: RollbackJournal;
  readonly mover: LiveMover;
  readonly signal?: AbortSignal | undefined;
  readonly leftAlone: readonly Problem[];
  /** When the command began, by `Clock.monotonicMs`. */
  readonly startedMs: number;
}

/** Moves everything to the target, notes it in the index, closes the journal. */
export async function finishForward(deps: Deps, options: MovingOptions): Promise<RollbackOutcome> {
  await moving(deps, async () => moveForward(contextOf(deps, options)));
  return close(deps, options, { outcome: 'done', problems: options.leftAlone });
}

/** Moves everything back, notes it in the index, closes the journal. */
export async function finishBack(deps: Deps, options: MovingOptions): Promise<RollbackOutcome> {
  const { problems } = await moving(deps, async () => moveBack(contextOf(deps, options)));
  return close(deps, options, { outcome: 'aborted', problems });
}

function contextOf(deps: Deps, { journal, mover, signal }: MovingOptions): MoveContext {
  return {
    journal,
    mover,
    signal,
    onProgress: (done, total) => deps.events.emit({ type: 'progress', phase: 'rollback', done, total, unit: 'files' }),
  };
}

/** Whatever stops moving leaves a journal, and that is what a person must know then. */
async function moving<T>(deps: Deps, move: () => Promise<T>): Promise<T> {
  const startedMs = deps.clock.monotonicMs();
  deps.events.emit({ type: 'phase_started', phase: 'rollback' });
  try {
    const moved = await move();
    const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
    deps.events.emit({ type: 'phase_finished', phase: 'rollback', durationMs });
    return moved;
  } catch (error) {
    if (!isHoldfastError(error) || error.kind === 'internal') throw error;
    const { code, message, data, cause } = error;
    if (error.kind === 'canceled' || error.kind === 'pending') {
      throw new HoldfastError(code, message, { hint: pendingHint, data, cause });
    }
    throw new HoldfastError('rollback_stopped', `The rollback stopped half way: ${message}`, {
      hint: pendingHint,
      data: { ...data, reason: code },
      cause: error,
    });
  }
}

async function close(
  deps: Deps,
  { journal, mover, startedMs }: MovingOptions,
  end: { outcome: 'done' | 'aborted'; problems: readonly Problem[] },
): Promise<RollbackOutcome> {
  const { target, safety, folder } = journal;
  const counts = countsOf(journal);
  const undo = 'holdfast rollback --undo';
  const row: Extract<IndexEvent, { event: 'rollback' }> = {
    event: 'rollback',
    outcome: end.outcome,
    id: target,
    safety,
    startedAt: journal.startedAt,
    ...counts,
    leftAlone: Math.max(journal.leftAlone, end.problems.length),
    into: folder,
    undo,
  };
  // The row comes first: without it nobody would find the way back. A resumed run does not write it twice.
  if (!(await isNoted(deps, row))) await deps.snapshotIndex.append(row);
  // Going on has no more use for the staged copies, which are second names of live files by now; going back still might.
  if (end.outcome === 'done') mover.clear('staged');
  await deps.rollbackJournal.remove();
  if (end.outcome === 'aborted') mover.clear('staged');
  const isEmpty = end.outcome === 'aborted' || counts.changed + counts.setAside === 0;
  if (isEmpty) clearEmpty(mover, journal);
  const isGone = isEmpty && mover.removeFolder({ in: 'work', path: '' });
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  const { outcome, problems } = end;
  return { outcome, target, safety, ...counts, keptIn: isGone ? null : folder, problems, durationMs, undo };
}

async function isNoted(deps: Deps, row: Extract<IndexEvent, { event: 'rollback' }>): Promise<boolean> {
  const { rows } = await deps.snapshotIndex.read();
  const last = rows.findLast(({ event }) => event.event === 'rollback')?.event;
  return last?.event === 'rollback' && last.safety === row.safety && last.outcome === row.outcome;
}

/** Removes the folders that led to what was put back; one that still holds a file stays. */
function clearEmpty(mover: LiveMover, { files }: RollbackJournal): void {
  const folders = new Set(['set-aside']);
  for (const { path, before } of files) {
    const names = before === null ? [] : path.split('/').slice(0, -1);
    for (let count = names.length; count > 0; count--) folders.add(`set-aside/${names.slice(0, count).join('/')}`);
  }
  const deepestFirst = [...folders].sort((a, b) => (a < b ? 1 : -1));
  for (const path of deepestFirst) mover.removeFolder({ in: 'work', path });
}

function countsOf({ files }: RollbackJournal): { changed: number; broughtBack: number; setAside: number } {
  const counts = { changed: 0, broughtBack: 0, setAside: 0 };
  for (const step of files) {
    if (step.after === null) counts.setAside++;
    else if (step.before === null) counts.broughtBack++;
    else if (!isTouch(step) || step.before.permissions !== step.after.permissions) counts.changed++;
  }
  return counts;
}
