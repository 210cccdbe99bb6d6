import { formatCounted } from '../format/size.ts';
import type { Alert } from '../model/alert.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { Label, SnapshotId } from '../model/ids.ts';
import { assessBurst, type Burst, type BurstSample, type BurstSettings } from './assess-burst.ts';
import { readBurstHold } from './burst-hold.ts';
import type { Deps } from './deps.ts';
import { setPin } from './pins.ts';
import { raiseAlert } from './raise-alert.ts';
import type { WatchExtension } from './watch/extensions.ts';

/**
 * Guards against a vault that is being emptied or overwritten: writes the burst down (retention then waits), labels what follows,
 * pins the last good snapshot and tells the person.
 */
export function createGuardExtension(deps: Deps, settings: BurstSettings): WatchExtension {
  const samples: BurstSample[] = [];
  let isHeld: boolean | null = null;
  let isFirstLook = true;
  let untold: Burst | null = null;
  let unpinned: SnapshotId | null = null;

  const readHold = async (): Promise<boolean> => readBurstHold((await deps.snapshotIndex.read()).rows) !== null;
  const pinLastGood = async (signal: AbortSignal): Promise<void> => {
    if (unpinned === null) return;
    try {
      await setPin(deps, unpinned, { pinned: true, reason: 'last good snapshot before a burst', signal });
      unpinned = null;
    } catch (error) {
      // It may still wait on this machine, or the store is away: the hold keeps it meanwhile, and it is tried again.
      if (!isHoldfastError(error) || !['not_found', 'storage', 'access'].includes(error.kind)) throw error;
    }
  };
  return {
    name: 'guard',
    async afterScan({ previous, removed, changed, filesBefore }) {
      isHeld ??= await readHold();
      const isCatchUp = isFirstLook;
      isFirstLook = false;
      const nowMs = deps.clock.monotonicMs();
      if (previous !== null) {
        const { id } = previous.record;
        samples.push({ atMs: nowMs, removed, rewritten: changed, filesBefore, previous: id, isCatchUp });
      }
      while (samples.length > 0 && nowMs - samples[0]!.atMs > settings.windowMs) samples.shift();
      const burst = isHeld ? null : assessBurst(samples, settings, nowMs);
      if (burst !== null) {
        // First of all: should we die now, prune still knows.
        await deps.snapshotIndex.append({ event: 'burst', ...burst });
        isHeld = true;
        untold = burst;
        unpinned = burst.lastGood;
        samples.length = 0;
      }
      return isHeld ? { label: `after-burst-${deps.identity.machine.name}` as Label } : null;
    },
    async afterSnapshot(_outcome, signal) {
      if (untold !== null) {
        const alert = burstAlert(untold);
        untold = null;
        await raiseAlert(deps, alert, { signal });
      }
      await pinLastGood(signal);
    },
    async tick(signal) {
      if (isHeld === true) isHeld = await readHold();
      await pinLastGood(signal);
    },
  };
}

export function burstAlert({ removed, rewritten, filesBefore }: Burst): Alert {
  const what = `${formatCounted(removed, 'file')} vanished and ${formatCounted(rewritten, 'file')} changed at once`;
  return {
    kind: 'burst',
    severity: 'critical',
    title: 'many files vanished or changed at once',
    text: `${what}, of ${formatCounted(filesBefore, 'file')}. The snapshot from before is kept; nothing is pruned until this is resolved.`,
    remedy: 'holdfast rescue',
  };
}
