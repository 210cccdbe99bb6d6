import type { ErrorKind, HoldfastError } from '../model/errors.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { Label, SnapshotId } from '../model/ids.ts';
import type { Notice, Problem } from '../model/problem.ts';
import { newestOfMachine, type RestorePoint } from '../model/restore-point.ts';
import type { SnapshotKind, SnapshotRecord } from '../model/snapshot.ts';
import type { RequestCounts } from '../ports/object-storage.ts';
import type { HeldLock } from '../ports/vault-lock.ts';
import type { DamagedSpoolEntry, SpooledSnapshot } from '../ports/spool.ts';
import { sha256Of } from '../format/digest.ts';
import { recordKey } from '../format/store-layout.ts';
import { type Capture, type CaptureOptions, captureVault } from './capture-vault.ts';
import type { Deps } from './deps.ts';
import { dropStaleUploads } from './drop-stale-uploads.ts';
import { assertNotForeign } from './ensure-store.ts';
import { rebuildLostIndex } from './mend-index.ts';
import { assertNoPendingRollback } from './rollback/pending-rollback.ts';
import { publishSnapshots, snapshotEvent } from './publish-snapshots.ts';
import { beatHeart } from './raise-alert.ts';
import { runPostSnapshotHooks, runPreSnapshotHooks } from './run-hooks.ts';
import { assertNotRewound, loadStoreView, type StoreView } from './store-view.ts';
import type { WarmVault } from './warm-vault.ts';
import { withoutStranded } from './stranded-snapshots.ts';

export interface TakeSnapshotOptions {
  /** Null: labelled by kind, and nothing is stored when nothing changed. */
  readonly label: Label | null;
  readonly kind: SnapshotKind;
  readonly signal?: AbortSignal | undefined;
  readonly warm?: WarmVault | undefined;
  readonly onChanges?: CaptureOptions['onChanges'];
  /** False: what is captured waits in the spool, and no request is made for it. */
  readonly publish?: boolean;
}

export type SnapshotOutcome =
  | {
      readonly kind: 'taken';
      readonly record: SnapshotRecord;
      /** 'local' when the store could not take it yet: it waits in the spool. */
      readonly where: 'store' | 'local';
      readonly publishError: HoldfastError | null;
      readonly requests: RequestCounts;
      readonly durationMs: number;
      readonly notices: readonly Notice[];
      /** Spooled snapshots found damaged: set aside, their files captured again by this snapshot (K19). */
      readonly damagedSpool: readonly DamagedSpoolEntry[];
    }
  | {
      readonly kind: 'unchanged';
      readonly latest: SnapshotId;
      readonly publishError: HoldfastError | null;
      readonly problems: readonly Problem[];
      readonly notices: readonly Notice[];
      readonly damagedSpool: readonly DamagedSpoolEntry[];
    };

/**
 * Captures the vault into the spool (from then on it is a restore point) and publishes everything that waits there.
 * Throws only when nothing was captured; a store that cannot be reached leaves the snapshot 'local'.
 * @throws {HoldfastError} `vault_locked`, `rollback_pending`, `store_rewound`, `store_foreign`, and kinds local and canceled
 */
export async function takeSnapshot(deps: Deps, options: TakeSnapshotOptions): Promise<SnapshotOutcome> {
  const outcome = await takeLocked(deps, options);
  const hooked = await runPostSnapshotHooks(deps, outcome, options);
  const problems = outcome.kind === 'taken' ? outcome.record.problems : outcome.problems;
  const isGood = outcome.publishError === null && options.publish !== false && problems.length === 0;
  const after = isGood ? [...hooked, ...(await beatHeart(deps, options))] : hooked;
  return after.length === 0 ? outcome : { ...outcome, notices: [...outcome.notices, ...after] };
}

async function takeLocked(deps: Deps, options: TakeSnapshotOptions): Promise<SnapshotOutcome> {
  await using lock = await deps.vaultLock.acquire('snapshot');
  await assertNoPendingRollback(deps);
  return await takeSnapshotLocked(deps, lock, options);
}

/** The same under a lock the caller holds: a rollback takes its safety snapshot within its own. */
export async function takeSnapshotLocked(
  deps: Deps,
  _lock: HeldLock,
  options: TakeSnapshotOptions,
): Promise<SnapshotOutcome> {
  const startedMs = deps.clock.monotonicMs();
  const requestsBefore = { ...deps.storage.requests };
  const mayAsk = options.publish !== false;
  const hooked = await runPreSnapshotHooks(deps, options);
  const cleaned = await cleanUp(deps);
  const known = await loadStoreView(deps, { refresh: mayAsk ? 'due' : 'never', signal: options.signal });
  assertNotRewound(known, deps.storage.url);
  assertNotForeign(deps, known);
  await assertChainKnown(deps, known);
  if (mayAsk) await assertBaseStillThere(deps, known, options.signal);
  const { view, judgeError } = await judgeWaiting(deps, known, options);
  for (const entry of view.damagedSpool) await setAside(deps, entry);
  const notices = [...hooked, ...cleaned, ...(await rebuildLostIndex(deps, view))];
  for (const notice of notices) deps.events.emit({ type: 'notice_given', notice });

  const captured = await captureVault(deps, view, options);
  const isTaken = captured.kind === 'taken';
  const fresh = new Set(isTaken ? [captured.spooled.record.id] : []);
  const { published, publishError } =
    mayAsk && judgeError === null
      ? await publishWaiting(deps, { view, captured, fresh, signal: options.signal })
      : await keepWaiting(deps, captured, judgeError);
  // Twice a day at most: when a listing was due as well.
  if (view.isAsked && publishError === null) await dropStaleUploads(deps, options.signal);
  const { damagedSpool } = view;
  if (!isTaken) {
    const { latest, problems } = captured;
    return {
      kind: 'unchanged',
      latest,
      publishError,
      problems,
      notices: [...notices, ...captured.notices],
      damagedSpool,
    };
  }
  const final = published.find((snapshot) => snapshot.sequence === captured.spooled.sequence) ?? captured.spooled;
  return {
    kind: 'taken',
    record: final.record,
    where: published.includes(final) ? 'store' : 'local',
    publishError,
    requests: requestsSince(requestsBefore, deps.storage.requests),
    durationMs: deps.clock.monotonicMs() - startedMs,
    notices: [...notices, ...final.record.notices],
    damagedSpool,
  };
}

/** The store cannot take it now, nobody may write there, or the store's own disk is full: what is spooled waits. */
const leavesSpool: ReadonlySet<ErrorKind> = new Set(['storage', 'access', 'local']);

interface Published {
  readonly published: readonly SpooledSnapshot[];
  readonly publishError: HoldfastError | null;
}

async function publishWaiting(
  deps: Deps,
  options: { view: StoreView; captured: Capture; fresh: ReadonlySet<SnapshotId>; signal: AbortSignal | undefined },
): Promise<Published> {
  const { view, captured, fresh, signal } = options;
  const waiting = captured.kind === 'taken' ? [...view.spooled, captured.spooled] : view.spooled;
  if (waiting.length > 0) deps.events.emit({ type: 'phase_started', phase: 'upload' });
  try {
    return { published: await publishSnapshots(deps, waiting, { signal, fresh }), publishError: null };
  } catch (error) {
    if (!isHoldfastError(error) || !leavesSpool.has(error.kind)) throw error;
    // A full disk may hold the index, too; a snapshot without a row gets one when it is published.
    if (captured.kind === 'taken' && error.kind !== 'local') await logLocal(deps, captured);
    return { published: [], publishError: error };
  }
}

async function keepWaiting(deps: Deps, captured: Capture, publishError: HoldfastError | null): Promise<Published> {
  if (captured.kind === 'taken') await logLocal(deps, captured);
  return { published: [], publishError };
}

/** Without the store nobody can tell which of what waits may be published: all of it waits on, and this capture with it. */
async function judgeWaiting(
  deps: Deps,
  known: StoreView,
  options: { signal?: AbortSignal | undefined },
): Promise<{ readonly view: StoreView; readonly judgeError: HoldfastError | null }> {
  try {
    return { view: await withoutStranded(deps, known, options), judgeError: null };
  } catch (error) {
    if (!isHoldfastError(error) || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
    return { view: known, judgeError: error };
  }
}

/** The row says 'local'; a later command adds 'published'. */
async function logLocal(deps: Deps, captured: Extract<Capture, { kind: 'taken' }>): Promise<void> {
  const { record, recordBytes } = captured.spooled;
  await deps.snapshotIndex.append(snapshotEvent(record, { where: 'local', recordSha256: sha256Of(recordBytes) }));
}

/** Clears away what killed commands left. */
async function cleanUp(deps: Deps): Promise<Notice[]> {
  const drafts = await deps.spool.sweep();
  return drafts === 0
    ? []
    : [{ code: 'cleaned_up', message: 'cleaned up after an interrupted snapshot', count: drafts }];
}

/** Keeps the damaged bytes for whoever wants to look, out of the way of publishing. */
async function setAside(deps: Deps, entry: DamagedSpoolEntry): Promise<void> {
  await deps.spool.setAside(entry);
  await deps.snapshotIndex.append({ event: 'spool_damaged', directory: entry.directory, reason: entry.reason });
}

/** Cut off from a store it remembers nothing of, a machine would begin its chain of records a second time; its own log knows better. */
async function assertChainKnown(deps: Deps, view: StoreView): Promise<void> {
  const { id } = deps.identity.machine;
  if (view.unreachable === null || newestOfMachine(view.points, id) !== null) return;
  const { rows } = await deps.snapshotIndex.read();
  if (rows.some((row) => row.machine === id && row.event.event === 'snapshot')) throw view.unreachable;
}

/**
 * A listing is only asked for twice a day; in between, where asking is free (a directory store), one look at the
 * snapshot we build on tells that the store has not been emptied under us.
 */
async function assertBaseStillThere(deps: Deps, view: StoreView, signal: AbortSignal | undefined): Promise<void> {
  const base = newestStored(view, deps.identity.machine.id);
  if (base === null || !deps.storage.isLocal) return;
  if ((await deps.storage.head(recordKey(base.record.id), { signal })) !== null) return;
  assertNotRewound(await loadStoreView(deps, { refresh: 'always', signal }), deps.storage.url);
}

function newestStored(view: StoreView, machineId: string): RestorePoint | null {
  return newestOfMachine(
    view.points.filter((point) => point.where === 'store'),
    machineId,
  );
}

function requestsSince(before: RequestCounts, now: RequestCounts): RequestCounts {
  return {
    put: now.put - before.put,
    get: now.get - before.get,
    head: now.head - before.head,
    list: now.list - before.list,
    delete: now.delete - before.delete,
  };
}
