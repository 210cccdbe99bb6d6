import { findSnapshot } from '../engine/find-snapshot.ts';
import { formatAge } from '../format/duration.ts';
import { displayText } from '../format/display-name.ts';
import { formatCounted } from '../format/size.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { InvalidRecord, RestorePoint } from '../model/restore-point.ts';
import type { When } from '../model/when.ts';
import { parseWhenText } from './parse-when.ts';

export interface ChosenPoint {
  readonly point: RestorePoint;
  /** The moment asked for, when the point was chosen by time: to be echoed. */
  readonly when: When;
}

/**
 * Chooses the restore point somebody typed: an id, a label, `latest`, or a time in any form. What is exactly an id or a label
 * is never read as a time. What cannot be found among the readable records may be one of the `invalid` ones: then nobody
 * can say that it does not exist.
 * @throws {HoldfastError} `snapshot_unknown`, `store_empty`, `when_invalid`, `record_invalid`, `store_newer`
 */
export async function choosePoint(
  points: readonly RestorePoint[],
  raw: string,
  options: { readonly now: Date; readonly invalid?: readonly InvalidRecord[] },
): Promise<ChosenPoint> {
  const invalid = options.invalid ?? [];
  const named = invalid.find(({ id }) => id === raw);
  if (named !== undefined) throw unreadable([named], named.reason);
  const isName = points.some(({ record }) => record.id === raw || record.label === raw);
  const when = isName
    ? { raw, latestMinus: null, time: null, timeText: null }
    : await parseWhenText(raw, { now: options.now });
  try {
    return { point: findSnapshot(points, when), when };
  } catch (error) {
    if (invalid.length === 0 || !isHoldfastError(error, 'snapshot_unknown', 'store_empty')) throw error;
    throw unreadable(
      invalid,
      `Nothing readable is ${displayText(raw, { charsMax: 60 })}, and ${formatCounted(invalid.length, 'record')} of the store cannot be read: ${invalid[0]!.reason}`,
    );
  }
}

function unreadable(records: readonly InvalidRecord[], message: string): HoldfastError {
  const isNewer = records.every((record) => record.isNewer);
  return new HoldfastError(isNewer ? 'store_newer' : 'record_invalid', message, {
    hint: isNewer ? 'Update holdfast on this machine.' : 'See what is wrong with: holdfast verify',
    data: { ids: records.map(({ id }) => id) },
  });
}

/** "2026-11-20T12:01:40Z-auto-laptop (2 h ago)", with the moment asked for when it was a time. */
export function describePoint({ point, when }: ChosenPoint, now: Date): string {
  const age = formatAge(now.getTime() - Date.parse(point.record.takenAt));
  const asked = when.timeText === null ? '' : `, the newest at ${when.timeText}`;
  return `${displayText(point.record.id)} (${age}${asked})`;
}
