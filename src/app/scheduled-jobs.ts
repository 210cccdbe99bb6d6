import { applyPrune } from '../engine/prune/apply-prune.ts';
import { verifyStore } from '../engine/verify-store.ts';
import type { ScheduledJob } from '../engine/watch/schedule.ts';
import type { IndexEvent, IndexRow } from '../model/index-row.ts';
import type { Config } from './config.ts';
import { firstOfNextMonth, intervalMs } from './intervals.ts';
import { drillBySchedule } from './scheduled-drill.ts';
import { syncReplicas } from './scheduled-replication.ts';

const hourMs = 3_600_000;
const monthMs = 30 * 24 * hourMs;

/** What the watcher does by itself, at the intervals of the settings. */
export function scheduledJobs(config: Config): readonly ScheduledJob[] {
  const { schedule } = config;
  const verifyMs = intervalMs(schedule.verify) ?? monthMs;
  const replicateMs = intervalMs(schedule.replicate);
  return [
    {
      // A share each time, so that every byte of the store is read each month.
      name: 'verify',
      intervalMs: intervalMs(schedule.verify),
      lastRun: lastOf('verify'),
      run: async (deps, signal) => {
        await verifyStore(deps, { depth: { rolling: Math.min(1, verifyMs / monthMs) }, signal });
      },
    },
    {
      name: 'prune',
      intervalMs: config.retention === 'all' ? null : intervalMs(schedule.prune),
      lastRun: lastOf('prune'),
      run: async (deps, signal) => {
        await applyPrune(deps, { retention: config.retention, signal });
      },
    },
    {
      name: 'drill',
      intervalMs: intervalMs(schedule.drill),
      ...(schedule.drill === 'monthly' ? { dueAfter: firstOfNextMonth } : {}),
      lastRun: lastOf('drill'),
      run: (deps, signal) => drillBySchedule(deps, config, signal),
    },
    {
      name: 'replicate',
      // "continuous" follows each snapshot; the hourly look brings level what a failure left behind.
      intervalMs: config.replicas.length === 0 ? null : replicateMs === 0 ? hourMs : replicateMs,
      lastRun: lastOf('replicate'),
      run: (deps, signal) => syncReplicas(deps, config, signal),
    },
  ];
}

/** When this event was last written to the index. */
export function lastOf(event: IndexEvent['event']): (rows: readonly IndexRow[]) => string | null {
  return (rows) => rows.findLast((row) => row.event.event === event)?.at ?? null;
}
