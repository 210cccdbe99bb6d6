import { HoldfastError } from '../../model/errors.ts';
import { clockSkewMsMax } from '../../model/retention.ts';
import type { VersioningState } from '../../ports/object-storage.ts';
import { readBurstHold } from '../burst-hold.ts';
import type { Deps } from '../deps.ts';
import type { PruneOptions } from './apply-prune.ts';
import { keepsNothing } from './decide-retention.ts';
import { assertClock } from './prune-lease.ts';
import type { StoreSurvey } from './survey-store.ts';

/** Fails for rules that keep nothing but the floor, unless that was typed out (G05). */
export function assertKeepsSomething({ retention, keepNone }: PruneOptions): void {
  if (!keepsNothing(retention) || keepNone === true) return;
  throw new HoldfastError('prune_refused', 'These rules keep nothing but the newest snapshot of each machine.', {
    hint: 'If that is what you want, say so: holdfast prune --keep-none',
  });
}

/** Many files vanished at once: until somebody has looked, what they were in stays. True when somebody has. */
export async function assertNoBurst(deps: Deps, { ignoreBurst }: PruneOptions): Promise<boolean> {
  const { rows } = await deps.snapshotIndex.read();
  const hold = readBurstHold(rows);
  if (hold === null) return false;
  if (ignoreBurst === true) return true;
  throw new HoldfastError(
    'prune_refused',
    `Many files vanished or changed at once on ${hold.at.slice(0, 10)}; retention waits.`,
    {
      hint: 'See what happened with: holdfast rescue. When all is well: holdfast prune --apply --ignore-burst',
      data: { at: hold.at, machine: hold.machine },
    },
  );
}

/** What prune deletes by mistake must be retrievable for a while, or somebody must have said that it need not be. */
export async function assertWayBack(
  deps: Deps,
  { withoutVersions, alone, signal }: Pick<PruneOptions, 'withoutVersions' | 'alone' | 'signal'>,
): Promise<void> {
  const versioning = await deps.storage.versioning({ signal });
  if (versioning !== 'on' && withoutVersions !== true) {
    throw new HoldfastError('versioning_off', versioningText[versioning], {
      hint: 'Turn versioning on (holdfast init does), or do without a way back: holdfast prune --apply --without-versions',
      data: { versioning },
    });
  }
  if (!deps.storage.createIsExclusive && alone !== true) {
    throw new HoldfastError('prune_refused', 'This storage cannot keep two runs of prune apart.', {
      hint: 'Make sure that no other machine prunes this store now, and say so: holdfast prune --apply --alone',
    });
  }
}

const versioningText: Readonly<Record<VersioningState, string>> = {
  on: '',
  off: 'Bucket versioning is off: what prune deletes could not be brought back.',
  suspended: 'Bucket versioning is suspended: what prune deletes could not be brought back.',
  unsupported: 'This storage keeps no versions: what prune deletes could not be brought back.',
  unknown: 'It cannot be told whether the bucket keeps versions of what prune deletes.',
};

/** Ages decide what goes, so all clocks must agree (C02, C04). */
export function assertTimes(deps: Deps, survey: StoreSurvey): void {
  const nowMs = deps.clock.now().getTime();
  // Whatever the storage wrote last, it wrote before now.
  if (survey.newestWriteAt !== null && survey.newestWriteAt.getTime() - nowMs > clockSkewMsMax) {
    assertClock(deps, survey.newestWriteAt);
  }
  const future = survey.points.filter(({ record }) => Date.parse(record.takenAt) - nowMs > clockSkewMsMax);
  if (future.length === 0) return;
  const { id, machine, takenAt } = future[0]!.record;
  throw new HoldfastError(
    'clock_skewed',
    `The snapshot ${id} of ${machine.name} was taken in the future (${takenAt}).`,
    {
      hint: `Nothing is pruned while it is not certain what time it is. If its clock was wrong, wait for that time or delete its record by hand.`,
      data: { snapshots: future.map(({ record }) => record.id) },
    },
  );
}
