import { decodeHeartbeat } from '../format/heartbeat.ts';
import type { HealthReason } from '../model/health.ts';
import type { Heartbeat } from '../model/heartbeat.ts';
import type { Deps } from './deps.ts';

/** What is known of the vault's watcher. */
export interface WatchReport {
  /** 'killed': it runs no more and did not end in order. */
  readonly state: 'running' | 'stopped' | 'killed' | 'never';
  readonly heartbeat: Heartbeat | null;
}

/** Changes this old that no snapshot has are no longer a matter of seconds. */
const staleChangesMs = 15 * 60_000;

/** Reads what the vault's watcher said last, and whether it still runs. Makes no request. */
export async function readHeartbeat(deps: Pick<Deps, 'watchState'>): Promise<WatchReport> {
  const bytes = await deps.watchState.load();
  const heartbeat = bytes === null ? null : decodeHeartbeat(bytes);
  if (heartbeat === null) return { state: 'never', heartbeat: null };
  if (heartbeat.stoppedAt !== null) return { state: 'stopped', heartbeat };
  const isRunning = deps.watchState.isRunning({ pid: heartbeat.pid, start: heartbeat.processStart });
  return { state: isRunning ? 'running' : 'killed', heartbeat };
}

/** What the watcher's state means for the vault's health. A vault without a watcher is as healthy as its snapshots are young. */
export function watchReasons({ state, heartbeat }: WatchReport, now: Date): HealthReason[] {
  if (heartbeat === null || state === 'never' || state === 'stopped') return [];
  if (state === 'killed') {
    return [{ colour: 'yellow', text: 'the watcher ended without saying why', remedy: 'holdfast watch' }];
  }
  const reasons: HealthReason[] = [];
  const { limit, pause, lastError, changesSince } = heartbeat;
  if (limit !== null) {
    const text = `the system watches no more folders (${limit.code}): ${limit.unwatched} are looked at from time to time only`;
    reasons.push({ colour: 'yellow', text, remedy: limit.remedy });
  }
  if (pause !== null) reasons.push({ colour: 'yellow', text: `the watcher waits: ${pause}`, remedy: '' });
  else if (lastError !== null) {
    reasons.push({ colour: 'yellow', text: `the watcher: ${lastError.message}`, remedy: 'holdfast snapshot' });
  }
  if (changesSince !== null && now.getTime() - Date.parse(changesSince) > staleChangesMs) {
    reasons.push({
      colour: 'yellow',
      text: `changes since ${changesSince} are in no snapshot`,
      remedy: 'holdfast snapshot',
    });
  }
  return reasons;
}
