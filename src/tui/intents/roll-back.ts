import type { RollbackPlan } from '../../engine/rollback/plan-rollback.ts';
import { previewRollback, runRollback } from '../../engine/rollback/run-rollback.ts';
import { displayName, displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount } from '../../format/size.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { emptyLine, line, type Line, span } from '../line.ts';
import type { Work } from '../state/actions.ts';
import type { IntentContext } from './intent-context.ts';

/** What a rollback would do; changes nothing. */
export async function planRollback(
  { deps }: IntentContext,
  point: RestorePoint,
  signal: AbortSignal,
): Promise<RollbackPlan> {
  return previewRollback(deps, { point, paths: null, allowPartial: false, signal });
}

/** Takes the vault back, when the label typed is the right one, byte for byte; else refuses as the command does. */
export async function rollBack(
  { services, dispatch }: IntentContext,
  work: Extract<Work, { type: 'rollback' }>,
  signal: AbortSignal,
): Promise<void> {
  const { point, label } = work;
  try {
    const done = await services.withWriter(async (deps) =>
      runRollback(deps, { point, paths: null, allowPartial: false, confirmLabel: label, localSafety: false, signal }),
    );
    const lines: Line[] = [
      line(
        `changed ${formatCount(done.changed)}, brought back ${formatCount(done.broughtBack)}, set aside ${formatCount(done.setAside)}, ${formatDuration(done.durationMs)}`,
      ),
      emptyLine,
      ...(done.keptIn === null
        ? []
        : [line('what was there is kept in the holding directory: ', span(displayText(done.keptIn), 'accent'))]),
      line(`before it, the vault was saved as ${displayText(done.safety)}`),
      emptyLine,
      line('undo with:  ', span(displayText(done.undo), 'accent')),
      ...done.problems.map(({ path, message }) =>
        line(span(`left as it is: ${displayName(path)}: ${displayText(message)}`, 'warn')),
      ),
    ];
    const tone = done.problems.length === 0 ? 'good' : 'warn';
    dispatch({
      type: 'job_done',
      message: { text: 'the vault is back', tone, command: displayText(done.undo) },
      outcome: { title: 'Rolled back', lines, directory: null },
    });
  } catch (error) {
    if (!isHoldfastError(error, 'label_mismatch')) throw error;
    dispatch({ type: 'refused', text: displayText(error.message) });
  }
}
