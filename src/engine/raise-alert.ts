import { displayText } from '../format/display-name.ts';
import { type Alert, alertPauseMs } from '../model/alert.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { Notice } from '../model/problem.ts';
import type { Delivery } from '../ports/notifier.ts';
import type { Deps } from './deps.ts';

export interface AlertOutcome {
  /** False: one of its kind was sent a short while ago. */
  readonly isSent: boolean;
  readonly deliveries: readonly Delivery[];
}

/**
 * Tells the person, unless one of this kind was sent a short while ago. What was sent, and where that failed, goes into the
 * index; a channel that fails stops nothing.
 */
export async function raiseAlert(
  deps: Deps,
  alert: Alert,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<AlertOutcome> {
  const now = deps.clock.now();
  const times = await deps.alertMemory.load();
  const last = times[alert.kind];
  const sinceMs = last === undefined ? Number.POSITIVE_INFINITY : now.getTime() - Date.parse(last.at);
  // A clock that was set back must not silence alerts for as long.
  if (last !== undefined && sinceMs >= 0 && sinceMs < alertPauseMs[alert.kind]) {
    await remember(deps, { ...times, [alert.kind]: { at: last.at, heldBack: last.heldBack + 1 } });
    return { isSent: false, deliveries: [] };
  }
  // Before it is sent: a process that dies here again and again must not send again and again.
  await remember(deps, { ...times, [alert.kind]: { at: now.toISOString(), heldBack: 0 } });
  const heldBack = last?.heldBack ?? 0;
  const more = heldBack > 0 ? ` (${heldBack} more like it since the last alert)` : '';
  const message = {
    ...alert,
    text: displayText(`${alert.text}${more}`),
    vault: displayText(deps.identity.vault.name, { charsMax: 100 }),
    machine: deps.identity.machine.name,
    at: now.toISOString(),
  };
  const deliveries = await deps.notifier.send(message, options);
  const clauseOf = ({ channel, detail }: Delivery): string => `${channel}: ${detail}`;
  await deps.snapshotIndex.append({
    event: 'alert',
    kind: alert.kind,
    severity: alert.severity,
    text: alert.title,
    delivered: deliveries.filter(({ outcome }) => outcome === 'delivered').map(({ channel }) => channel),
    failed: deliveries.filter(({ outcome }) => outcome === 'failed' || outcome === 'untrusted').map(clauseOf),
  });
  return { isSent: true, deliveries };
}

/** Calls the heartbeat address after a good snapshot; what goes wrong is a notice. */
export async function beatHeart(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<readonly Notice[]> {
  const delivery = await deps.notifier.beat(options);
  if (delivery === null || delivery.outcome === 'delivered') return [];
  return [{ code: 'heartbeat_failed', message: `the heartbeat address was not called: ${delivery.detail}` }];
}

/** A disk that is full must not keep the alert from being sent that says so. */
async function remember(deps: Deps, times: Parameters<Deps['alertMemory']['save']>[0]): Promise<void> {
  try {
    await deps.alertMemory.save(times);
  } catch (error) {
    if (!isHoldfastError(error) || error.kind !== 'local') throw error;
  }
}
