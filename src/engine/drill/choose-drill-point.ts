import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { newestOfMachine } from '../../model/restore-point.ts';
import type { Random } from '../../ports/clock.ts';

/** 'latest' is this machine's newest complete point; 'old' a random one of the older half. */
export type DrillChoice = 'latest' | 'random' | 'old';

/**
 * Chooses what to rehearse with. Only complete points in the store count: a partial one proves little, a local one nothing.
 * @throws {HoldfastError} `store_empty` when there is none
 */
export function chooseDrillPoint(
  points: readonly RestorePoint[],
  choice: DrillChoice,
  options: { machineId: string; random: Random },
): RestorePoint {
  const candidates = points.filter((point) => point.where === 'store' && point.record.complete);
  const latest = newestOfMachine(candidates, options.machineId) ?? candidates[0];
  if (latest === undefined) {
    throw new HoldfastError('store_empty', 'There is no complete snapshot in the store to rehearse with.', {
      hint: 'Take one with: holdfast snapshot',
    });
  }
  if (choice === 'latest') return latest;
  const among = choice === 'old' ? candidates.slice(Math.floor(candidates.length / 2)) : candidates;
  const [a, b, c, d] = options.random.bytes(4) as unknown as [number, number, number, number];
  return among[(((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % among.length]!;
}
