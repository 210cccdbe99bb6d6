import { formatDuration } from '../format/duration.ts';
import { displayText } from '../format/display-name.ts';
import { type HealthReason, snapshotAgeRedMs } from '../model/health.ts';
import type { RestorePoint } from '../model/restore-point.ts';

/** A machine silent for longer was given away or rebuilt; to warn of it for ever would teach people not to look. */
const silentMsMax = 90 * 86_400_000;

/** Machines of one vault watch over each other: one that has gone silent cannot say so itself. */
export function silentMachineReasons(
  machines: readonly { readonly name: string; readonly isThis: boolean; readonly latest: RestorePoint }[],
  now: Date,
): readonly HealthReason[] {
  return machines.flatMap(({ name, isThis, latest }) => {
    const silentMs = now.getTime() - Date.parse(latest.record.takenAt);
    if (isThis || silentMs <= snapshotAgeRedMs || silentMs > silentMsMax) return [];
    const text = `no snapshot from the machine ${displayText(name)} for ${formatDuration(silentMs)}`;
    return [{ colour: 'yellow', text, remedy: 'look after it; its points restore here too: holdfast list' }];
  });
}
