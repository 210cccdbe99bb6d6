import { findSnapshot } from '../engine/find-snapshot.ts';
import { formatAge } from '../format/duration.ts';
import { displayText } from '../format/display-name.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { When } from '../model/when.ts';
import { parseWhenText } from './parse-when.ts';

export interface ChosenPoint {
  readonly point: RestorePoint;
  /** The moment asked for, when the point was chosen by time: to be echoed. */
  readonly when: When;
}

/**
 * Chooses the restore point somebody typed: an id, a label, `latest`, or a time in any form. What is exactly an id or a label
 * is never read as a time.
 * @throws {HoldfastError} `snapshot_unknown`, `store_empty`, `when_invalid`
 */
export async function choosePoint(
  points: readonly RestorePoint[],
  raw: string,
  options: { readonly now: Date },
): Promise<ChosenPoint> {
  const isName = points.some(({ record }) => record.id === raw || record.label === raw);
  const when = isName
    ? { raw, latestMinus: null, time: null, timeText: null }
    : await parseWhenText(raw, { now: options.now });
  return { point: findSnapshot(points, when), when };
}

/** "2026-11-20T12:01:40Z-auto-laptop (2 h ago)", with the moment asked for when it was a time. */
export function describePoint({ point, when }: ChosenPoint, now: Date): string {
  const age = formatAge(now.getTime() - Date.parse(point.record.takenAt));
  const asked = when.timeText === null ? '' : `, the newest at ${when.timeText}`;
  return `${displayText(point.record.id)} (${age}${asked})`;
}
