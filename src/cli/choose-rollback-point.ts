import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { ChosenPoint } from './choose-point.ts';
import type { PointsAtHand } from './points-at-hand.ts';

export interface RollbackChoice {
  readonly isApplied: boolean;
}

/**
 * Chooses the restore point of a rollback. Stricter than looking: a label that several points have is never resolved to the newest.
 * @throws {HoldfastError} `label_ambiguous`; for an unknown one `not_applied`, or with --apply `rollback_unknown`
 */
export async function chooseRollbackPoint(at: PointsAtHand, raw: string, choice: RollbackChoice): Promise<ChosenPoint> {
  const isId = at.points.some(({ record }) => record.id === raw);
  const labelled = isId ? [] : at.points.filter(({ record }) => record.label === raw);
  if (labelled.length > 1) {
    const ids = labelled.map(({ record }) => record.id);
    throw new HoldfastError('label_ambiguous', `${ids.length} snapshots have the label ${JSON.stringify(raw)}.`, {
      hint: `Name the one you mean by its id:\n${ids.slice(0, 10).join('\n')}`,
      data: { matches: ids },
    });
  }
  try {
    return await at.choose(raw);
  } catch (error) {
    if (isHoldfastError(error, 'snapshot_unknown')) throw noSnapshot(raw, { ...choice, hint: error.hint });
    throw error;
  }
}

/** The refusal for a restore point that does not exist: without --apply nothing was going to happen anyway. */
export function noSnapshot(
  raw: string,
  { isApplied, hint }: RollbackChoice & { hint: string | undefined },
): HoldfastError {
  const code = isApplied ? 'rollback_unknown' : 'not_applied';
  return new HoldfastError(code, `no snapshot ${JSON.stringify(raw)}.`, hint === undefined ? {} : { hint });
}
