import { verifyStore } from '../engine/verify-store.ts';
import type { ScheduledJob } from '../engine/watch/schedule.ts';
import type { IndexEvent, IndexRow } from '../model/index-row.ts';
import type { Config } from './config.ts';

type Interval = Config['schedule']['replicate'];

const hourMs = 3_600_000;
const intervals = {
  off: null,
  continuous: 0,
  hourly: hourMs,
  daily: 24 * hourMs,
  weekly: 7 * 24 * hourMs,
  monthly: 30 * 24 * hourMs,
};

/** What the watcher does by itself, at the intervals of the settings. */
export function scheduledJobs({ schedule }: Config): readonly ScheduledJob[] {
  return [
    {
      name: 'verify',
      intervalMs: intervalMs(schedule.verify),
      lastRun: lastOf('verify'),
      run: async (deps, signal) => {
        await verifyStore(deps, { depth: 'new', signal });
      },
    },
  ];
}

export function intervalMs(interval: Interval): number | null {
  return typeof interval === 'number' ? interval : intervals[interval];
}

/** When this event was last written to the index. */
export function lastOf(event: IndexEvent['event']): (rows: readonly IndexRow[]) => string | null {
  return (rows) => rows.findLast((row) => row.event.event === event)?.at ?? null;
}
