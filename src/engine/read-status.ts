import { HoldfastError } from '../model/errors.ts';
import {
  type HealthColour,
  type HealthReason,
  snapshotAgeRedMs,
  snapshotAgeYellowMs,
  worstColour,
} from '../model/health.ts';
import type { IndexRow } from '../model/index-row.ts';
import type { LedgerEntry } from '../model/problem.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { RepositorySummary } from '../ports/git-repository.ts';
import type { VersioningState } from '../ports/object-storage.ts';
import type { IndexDamage } from '../ports/snapshot-index.ts';
import { burstReasons } from './burst-health.ts';
import { type BurstHold, readBurstHold } from './burst-hold.ts';
import type { Deps } from './deps.ts';
import { drillReasons, lastDrillOf } from './drill-health.ts';
import { historyReasons } from './history-health.ts';
import { silentMachineReasons } from './machines-health.ts';
import { replicaReasons } from './replica-health.ts';
import { rollbackReasons } from './rollback/pending-rollback.ts';
import { packsInUse } from './pack-sources.ts';
import { loadMarks } from './store-marks.ts';
import { loadStoreView, type StoreView } from './store-view.ts';
import { type ChangeSurvey, surveyChanges } from './survey-changes.ts';
import { readHeartbeat, watchReasons, type WatchReport } from './watch-health.ts';

export interface MachineStatus {
  readonly name: string;
  readonly id: string;
  readonly isThis: boolean;
  readonly latest: RestorePoint;
  readonly snapshots: number;
}

/** One screen of truth. */
export interface StatusReport {
  readonly colour: HealthColour;
  /** Worst first; empty when green. */
  readonly reasons: readonly HealthReason[];
  readonly vault: { readonly name: string; readonly root: string };
  readonly store: { readonly url: string; readonly reachable: boolean; readonly versioning: VersioningState };
  /** This machine's newest restore point, complete or not. */
  readonly latest: RestorePoint | null;
  readonly snapshots: number;
  readonly storedBytes: number;
  /** Captured here, not yet in the store. */
  readonly waiting: number;
  readonly machines: readonly MachineStatus[];
  readonly lastVerify: IndexRow | null;
  readonly lastDrill: IndexRow | null;
  readonly repository: RepositorySummary | null;
  readonly watch: WatchReport;
  /** Null before this machine's first snapshot. */
  readonly changes: ChangeSurvey | null;
  readonly burst: BurstHold | null;
  /** The ledger of the newest snapshot. */
  readonly notProtected: readonly LedgerEntry[];
  readonly indexDamage: readonly IndexDamage[];
}

/** Reads the state of the vault, its store and its repository; changes nothing and never fails because the store is away. */
export async function readStatus(
  deps: Deps,
  options: { signal?: AbortSignal | undefined; pause?: (() => Promise<void>) | undefined } = {},
): Promise<StatusReport> {
  const { signal, pause } = options;
  const view = await loadStoreView(deps, { refresh: 'always', signal, pause });
  const versioning = view.unreachable === null ? await versioningOf(deps, options.signal) : 'unknown';
  const { rows, damage } = await deps.snapshotIndex.read();
  const lastDrill = lastDrillOf(rows);
  const ownPoints = view.points.filter(({ record }) => record.machine.id === deps.identity.machine.id);
  const lastVerify = rows.findLast(({ event }) => event.event === 'verify' && event.store === deps.storage.url) ?? null;
  const packs = packsInUse(view.points, await loadMarks(deps));
  const machines = machinesOf(view.points, deps.identity.machine.id);
  const latest = machines.find((machine) => machine.isThis)?.latest ?? null;
  const watch = await readHeartbeat(deps);
  const changes = await surveyChanges(deps, latest?.record.id ?? null, options);
  const burst = readBurstHold(rows);
  const now = deps.clock.now();
  const watchedSince = watch.state === 'running' ? watch.heartbeat!.startedAt : null;
  const reasons = [
    ...(await rollbackReasons(deps)),
    ...ageReasons(deps, latest, lookedAt(watch)),
    ...watchReasons(watch, now),
    ...burstReasons(burst),
    ...historyReasons({ own: ownPoints, now, watchedSince }),
    ...storeReasons(view, versioning),
    ...verifyReasons(lastVerify),
    ...replicaReasons(
      { rows, points: view.points, now: deps.clock.now() },
      { replicas: deps.settings.replicas, intervalMs: deps.settings.replicateEveryMs },
    ),
    ...silentMachineReasons(machines, deps.clock.now()),
    ...drillReasons(lastDrill, ownPoints, deps.clock.now()),
    ...spoolReasons(view, await deps.spool.waitingElsewhere()),
    ...indexReasons(damage),
  ];
  return {
    colour: worstColour(reasons),
    reasons: reasons.toSorted((a, b) => severity(b) - severity(a)),
    vault: { name: deps.identity.vault.name, root: deps.identity.vault.root },
    store: { url: deps.storage.url, reachable: view.unreachable === null, versioning },
    latest,
    snapshots: view.points.length,
    storedBytes: packs.live.reduce((sum, { ref }) => sum + ref.sizeBytes + ref.indexSizeBytes, 0),
    waiting: view.spooled.length,
    machines,
    lastVerify,
    lastDrill,
    repository: await deps.repository.summary(),
    watch,
    changes,
    burst,
    notProtected: latest?.record.ledger ?? [],
    indexDamage: damage,
  };
}

async function versioningOf(deps: Deps, signal: AbortSignal | undefined): Promise<VersioningState> {
  try {
    return await deps.storage.versioning({ signal });
  } catch (error) {
    // A key that may not ask about versioning (A03) is no reason to hide everything else.
    if (error instanceof HoldfastError && (error.kind === 'access' || error.kind === 'storage')) return 'unknown';
    throw error;
  }
}

function machinesOf(points: readonly RestorePoint[], ownId: string): MachineStatus[] {
  const groups = Map.groupBy(points, (point) => point.record.machine.id);
  return [...groups].map(([id, own]) => ({
    id,
    name: own[0]!.record.machine.name,
    isThis: id === ownId,
    latest: own[0]!,
    snapshots: own.length,
  }));
}

/** When the watcher last found that everything is captured; null when it does not run, or knows of changes that are not. */
function lookedAt({ state, heartbeat }: WatchReport): string | null {
  return state === 'running' && heartbeat!.changesSince === null ? heartbeat!.lastLookAt : null;
}

function ageReasons(deps: Deps, latest: RestorePoint | null, lookedAtTime: string | null): HealthReason[] {
  const remedy = 'holdfast snapshot';
  if (latest === null) return [{ colour: 'red', text: 'no snapshot of this vault from this machine yet', remedy }];
  const reasons: HealthReason[] = [];
  const takenMs = Date.parse(latest.record.takenAt);
  // A vault that does not change needs no new snapshot, only somebody who looks.
  const goodMs = lookedAtTime === null ? takenMs : Math.max(takenMs, Date.parse(lookedAtTime));
  const ageMs = deps.clock.now().getTime() - goodMs;
  if (ageMs > snapshotAgeRedMs)
    reasons.push({ colour: 'red', text: 'the newest snapshot is over 48 hours old', remedy });
  else if (ageMs > snapshotAgeYellowMs) {
    reasons.push({ colour: 'yellow', text: 'the newest snapshot is over 24 hours old', remedy });
  }
  if (ageMs < 0)
    reasons.push({ colour: 'yellow', text: 'the newest snapshot lies in the future: check the clock', remedy: '' });
  if (!latest.record.complete) {
    const count = latest.record.problems.length;
    reasons.push({
      colour: 'yellow',
      text: `the newest snapshot is partial: ${count} paths could not be stored`,
      remedy: `holdfast list --json -n 1`,
    });
  }
  return reasons;
}

function storeReasons(view: StoreView, versioning: VersioningState): HealthReason[] {
  const reasons: HealthReason[] = [];
  if (view.unreachable !== null) {
    reasons.push({
      colour: 'red',
      text: `the store cannot be reached: ${view.unreachable.message}`,
      remedy: view.unreachable.hint ?? '',
    });
  }
  if (view.missing.length > 0) {
    reasons.push({
      colour: 'red',
      text: `${view.missing.length} snapshots that were in the store are gone`,
      remedy: 'holdfast verify',
    });
  }
  const newer = view.invalid.filter(({ isNewer }) => isNewer).length;
  if (newer > 0) {
    const text = `${newer} snapshots were written by a newer holdfast`;
    reasons.push({ colour: 'yellow', text, remedy: 'update holdfast on this machine' });
  }
  if (view.invalid.length > newer) {
    const text = `${view.invalid.length - newer} records in the store cannot be trusted`;
    reasons.push({ colour: 'red', text, remedy: 'holdfast verify' });
  }
  if (versioning === 'off' || versioning === 'suspended') {
    reasons.push({ colour: 'yellow', text: `bucket versioning is ${versioning}`, remedy: 'holdfast init' });
  }
  if (versioning === 'unsupported') {
    reasons.push({
      colour: 'yellow',
      text: 'this storage keeps no versions: what is deleted there is gone',
      remedy: '',
    });
  }
  return reasons;
}

function verifyReasons(lastVerify: IndexRow | null): HealthReason[] {
  if (lastVerify?.event.event !== 'verify' || lastVerify.event.findings === 0) return [];
  const text = `the last verification found ${lastVerify.event.findings} problems`;
  return [{ colour: 'red', text, remedy: 'holdfast runbook corruption' }];
}

function spoolReasons(view: StoreView, elsewhere: number): HealthReason[] {
  const reasons: HealthReason[] = [];
  if (elsewhere > 0) {
    const text = `${elsewhere} snapshots wait on this machine for another store used before`;
    reasons.push({ colour: 'yellow', text, remedy: 'holdfast snapshot --store <the other store>' });
  }
  if (view.spooled.length > 0) {
    const text = `${view.spooled.length} snapshots wait on this machine for the store`;
    reasons.push({ colour: 'yellow', text, remedy: 'holdfast snapshot' });
  }
  if (view.damagedSpool.length > 0) {
    const text = `${view.damagedSpool.length} waiting snapshots are damaged`;
    reasons.push({ colour: 'red', text, remedy: 'holdfast snapshot' });
  }
  return reasons;
}

function indexReasons(damage: readonly IndexDamage[]): HealthReason[] {
  if (damage.length === 0) return [];
  const text = `${damage.length} lines of the snapshot index cannot be read (first: line ${damage[0]!.line})`;
  return [{ colour: 'yellow', text, remedy: 'holdfast reindex' }];
}

function severity(reason: HealthReason): number {
  return reason.colour === 'red' ? 2 : 1;
}
