import { formatDuration } from '../format/duration.ts';
import { formatCounted, formatSize } from '../format/size.ts';
import type { Alert } from '../model/alert.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { IndexRow } from '../model/index-row.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';
import type { Deps } from './deps.ts';
import { ledgerGrowth } from './ledger-growth.ts';
import { raiseAlert } from './raise-alert.ts';
import type { SnapshotOutcome } from './take-snapshot.ts';
import type { WatchExtension } from './watch/extensions.ts';

export interface AlertThresholds {
  /** A store that does not answer is an alert only after this long: laptops travel. */
  readonly storeAwayMs: number;
  /** Without a good look at the vault for this long, its newest snapshot is stale. */
  readonly staleMs: number;
  /** Commits on no remote are an alert after this long. */
  readonly unpushedMs: number;
  readonly warnUnpushed: boolean;
}

const checkRepositoryMs = 3_600_000;

/** Tells the person what the watcher meets: failures, staleness, unpushed commits, growth of what is not protected, slowness. */
export function createAlertExtension(deps: Deps, thresholds: AlertThresholds): WatchExtension {
  const startedMs = deps.clock.monotonicMs();
  let lastGoodMs = startedMs;
  let storeAwaySinceMs: number | null = null;
  let repositoryCheckedMs = Number.NEGATIVE_INFINITY;
  let unpushedSinceMs: number | null = null;

  const fail = async (error: HoldfastError, signal: AbortSignal): Promise<void> => {
    const nowMs = deps.clock.monotonicMs();
    if (error.kind === 'storage') {
      storeAwaySinceMs ??= nowMs;
      if (nowMs - storeAwaySinceMs < thresholds.storeAwayMs) return;
    }
    await raiseAlert(deps, failureAlert(error), { signal });
  };
  const checkRepository = async (nowMs: number, signal: AbortSignal): Promise<void> => {
    repositoryCheckedMs = nowMs;
    const unpushed = (await deps.repository.summary())?.unpushedCommits ?? 0;
    if (unpushed === 0) unpushedSinceMs = null;
    else {
      unpushedSinceMs ??= nowMs;
      if (nowMs - unpushedSinceMs >= thresholds.unpushedMs) await raiseAlert(deps, unpushedAlert(unpushed), { signal });
    }
  };
  return {
    name: 'alerts',
    async afterSnapshot(outcome, signal) {
      if (outcome.notices.some(({ code }) => code === 'hook_failed'))
        await raiseAlert(deps, hookFailedAlert, { signal });
      // A failed upload is told by `afterFailure`; what only waits, because the store is left alone for a while, is not good either.
      if (outcome.publishError !== null || (await deps.spool.pending()).snapshots.length > 0) return;
      storeAwaySinceMs = null;
      lastGoodMs = deps.clock.monotonicMs();
      if (outcome.kind !== 'taken') return;
      for (const alert of await alertsOfSnapshot(deps, outcome)) await raiseAlert(deps, alert, { signal });
    },
    afterFailure: fail,
    async tick(signal) {
      const nowMs = deps.clock.monotonicMs();
      if (nowMs - lastGoodMs >= thresholds.staleMs) await raiseAlert(deps, staleAlert(nowMs - lastGoodMs), { signal });
      if (thresholds.warnUnpushed && nowMs - repositoryCheckedMs >= checkRepositoryMs)
        await checkRepository(nowMs, signal);
    },
  };
}

async function alertsOfSnapshot(deps: Deps, outcome: Extract<SnapshotOutcome, { kind: 'taken' }>): Promise<Alert[]> {
  const { record, durationMs } = outcome;
  const { rows } = await deps.snapshotIndex.read();
  const slow = slowAlert(durationMs, rows, record);
  const cached = record.base === null ? null : await deps.recordCache.load(record.base);
  const growth = cached === null ? null : ledgerGrowth(cached, record);
  return [...(slow === null ? [] : [slow]), ...(growth === null ? [] : [growthAlert(growth)])];
}

const slowMsMin = 60_000;
const slowFactor = 5;
const baselineMin = 10;
const baselineMax = 50;

/** A snapshot that took far longer than this machine's others, and long enough to matter. */
export function slowAlert(durationMs: number, rows: readonly IndexRow[], record: SnapshotRecord): Alert | null {
  if (durationMs < slowMsMin) return null;
  const others: number[] = [];
  for (const { event, machine } of rows.toReversed()) {
    if (event.event !== 'snapshot' || machine !== record.machine.id || event.id === record.id) continue;
    if (event.rebuilt !== true) others.push(event.durationMs);
    if (others.length >= baselineMax) break;
  }
  if (others.length < baselineMin) return null;
  const median = others.toSorted((a, b) => a - b)[others.length >> 1]!;
  if (durationMs < median * slowFactor) return null;
  return {
    kind: 'slow',
    severity: 'warning',
    title: 'a snapshot was slow',
    text: `The newest snapshot took ${formatDuration(durationMs)}; usually it is ${formatDuration(median)}.`,
    remedy: 'holdfast status',
  };
}

export function failureAlert(error: HoldfastError): Alert {
  return {
    kind: 'failure',
    severity: 'critical',
    // The message may hold a path; the code is plain and says enough.
    title: 'snapshots fail',
    text: `The vault is not being protected: ${failureWords[error.kind] ?? 'an unexpected error'} (${error.code}).`,
    remedy: 'holdfast status',
  };
}

const failureWords: Readonly<Partial<Record<HoldfastError['kind'], string>>> = {
  storage: 'the store cannot be reached',
  access: 'the store rejects the credentials or the permission',
  integrity: 'data in the store or waiting for it is damaged',
  key: 'the key of the store is wrong or missing',
  local: 'this machine has no room, or a file system that cannot be written',
  config: 'the settings are wrong',
  refused: 'a safety rule refuses it',
};

const hookFailedAlert: Alert = {
  kind: 'failure',
  severity: 'warning',
  title: 'a hook failed',
  text: 'A command of the settings that runs around snapshots failed; the snapshot itself was taken.',
  remedy: 'holdfast hooks',
};

export function staleAlert(ageMs: number): Alert {
  return {
    kind: 'stale',
    severity: 'critical',
    title: 'the newest snapshot is old',
    text: `No snapshot could be taken and stored for ${formatDuration(ageMs)}.`,
    remedy: 'holdfast status',
  };
}

export function unpushedAlert(commits: number): Alert {
  return {
    kind: 'unpushed',
    severity: 'warning',
    title: 'commits are on no remote',
    text: `${formatCounted(commits, 'commit')} of the repository exist on no remote.`,
    remedy: 'git push',
  };
}

export function growthAlert(growth: { readonly files: number; readonly sizeBytes: number }): Alert {
  const what = `${formatCounted(growth.files, 'file')}, ${formatSize(growth.sizeBytes)}`;
  return {
    kind: 'unprotected',
    severity: 'warning',
    title: 'less is protected than before',
    text: `What ignore rules and limits leave out grew by ${what} since the snapshot before.`,
    remedy: 'holdfast status',
  };
}
