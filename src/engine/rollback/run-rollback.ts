import { encodeRollbackJournal, rollbackJournalBytesMax, type RollbackJournal } from '../../format/rollback-journal.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { parseLabel } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import type { HeldLock } from '../../ports/vault-lock.ts';
import type { Deps } from '../deps.ts';
import { scanLive } from '../scan-live.ts';
import { loadStoreView, openPointReader } from '../store-view.ts';
import { takeSnapshotLocked } from '../take-snapshot.ts';
import { assertRepositoryQuiet } from './assert-quiet.ts';
import { finishForward, type RollbackOutcome } from './finish-rollback.ts';
import { filesToStage, makeJournal } from './make-journal.ts';
import { staged } from './move-context.ts';
import { assertNoPendingRollback } from './pending-rollback.ts';
import { assertWhole, planRollback, type RollbackPlan } from './plan-rollback.ts';
import { stageTarget } from './stage-target.ts';

export interface RollbackRequest {
  readonly point: RestorePoint;
  /** Files or folders; null for everything. */
  readonly paths: readonly ByteString[] | null;
  /** Go back to a snapshot that lacks paths, and leave those alone. */
  readonly allowPartial: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RollbackOptions extends RollbackRequest {
  /** The label as confirmed; every byte must be that of the snapshot. */
  readonly confirmLabel: string;
  /** A safety snapshot that only this machine has will do when the store cannot be reached. */
  readonly localSafety: boolean;
  /** Called when everything is ready and before anything moves. */
  readonly onPlan?: ((plan: RollbackPlan, safety: SnapshotRecord) => void) | undefined;
}

/**
 * Works out what a rollback would do, without changing anything.
 * @throws {HoldfastError} `rollback_pending`, `snapshot_partial`, `git_under_way`, `path_unknown`
 */
export async function previewRollback(deps: Deps, request: RollbackRequest): Promise<RollbackPlan> {
  const { point, paths, signal } = request;
  await assertNoPendingRollback(deps);
  assertWhole(point.record, request);
  await assertRepositoryQuiet(deps, signal);
  const { points } = await loadStoreView(deps, { refresh: 'never', signal });
  const { reader, known } = await openPointReader(deps, withPoint(points, point), { signal });
  const { tree, problems } = await scanLive(deps, { known, signal });
  return planRollback(deps, { record: point.record, reader, live: tree, unknown: problems, paths, signal });
}

/**
 * Takes the vault back to a snapshot: safety snapshot, acknowledged by the store; plan against exactly what that captured; the
 * whole target staged and proved beside the live files; journal; then file by file. Until the journal is written nothing live
 * has changed; from then on `resumeRollback` and `abortRollback` finish what an interruption leaves.
 * @throws {HoldfastError} `label_mismatch`, as `previewRollback` and `takeSnapshot`; the store's error when the safety snapshot did
 * not reach it; `rollback_stopped` and `live_changed` once files have begun to move
 */
export async function runRollback(deps: Deps, options: RollbackOptions): Promise<RollbackOutcome> {
  const { point, signal } = options;
  assertLabel(point, options.confirmLabel);
  assertWhole(point.record, options);
  const startedMs = deps.clock.monotonicMs();
  await using lock = await deps.vaultLock.acquire('rollback');
  await assertNoPendingRollback(deps);
  await assertRepositoryQuiet(deps, signal);
  const startedAt = deps.clock.now();
  const safety = await takeSafetySnapshot(deps, lock, options);
  const live = await capturedTree(deps, safety);
  const { points } = await loadStoreView(deps, { refresh: 'never', signal });
  const { reader } = await openPointReader(deps, withPoint(points, point), { signal });
  const { record } = point;
  const plan = await planRollback(deps, {
    record,
    reader,
    live,
    unknown: safety.problems,
    paths: options.paths,
    signal,
  });
  options.onPlan?.(plan, safety);

  const directory = await stageTarget(deps, {
    reader,
    files: filesToStage(plan),
    name: workName(startedAt),
    signal,
  });
  using mover = deps.liveTree.openMover(directory);
  const files = filesToStage(plan);
  await mover.sync(files.flatMap(({ number, kind }) => (kind === 'link' ? [] : [staged(number)])));
  const journal = makeJournal(
    plan,
    {
      target: record.id,
      safety: safety.id,
      startedAt: startedAt.toISOString(),
      folder: directory.split(/[/\\]/).at(-1)!,
      paths: options.paths,
    },
    mover,
  );
  await syncStagedNames(mover, files);
  await saveJournal(deps, journal);
  return await finishForward(deps, { journal, mover, signal, leftAlone: plan.leftAlone, startedMs });
}

/** @throws {HoldfastError} `label_mismatch` unless both are the same bytes */
export function assertLabel({ record }: RestorePoint, given: string): void {
  if (given === record.label) return;
  throw new HoldfastError(
    'label_mismatch',
    `--confirm-label ${JSON.stringify(given)} does not match snapshot label ${JSON.stringify(record.label)}.`,
    { data: { given, label: record.label } },
  );
}

async function takeSafetySnapshot(deps: Deps, lock: HeldLock, options: RollbackOptions): Promise<SnapshotRecord> {
  const { point, localSafety, signal } = options;
  const label = parseLabel(`pre-rollback-${point.record.id}`);
  const outcome = await takeSnapshotLocked(deps, lock, { label, kind: 'pre-rollback', signal });
  if (outcome.kind !== 'taken') throw new HoldfastError('invariant_broken', 'The safety snapshot was not taken.');
  if (outcome.where === 'store' || localSafety) return outcome.record;
  const { code, message, hint } = outcome.publishError!;
  throw new HoldfastError(code, `The safety snapshot did not reach the store, so nothing was moved: ${message}`, {
    hint: `${hint === undefined ? '' : `${hint} `}To do with a safety snapshot on this machine only, add --local-safety`,
    cause: outcome.publishError,
    data: { safety: outcome.record.id },
  });
}

/** The rows of what the safety snapshot captured: what live files are compared with right before they move. */
async function capturedTree(deps: Deps, safety: SnapshotRecord): Promise<VaultTree> {
  const cache = await deps.statCache.load();
  if (cache?.snapshotId === safety.id) return cache.tree;
  throw new HoldfastError(
    'local_io',
    'What the safety snapshot saw could not be kept on this machine, so nothing was moved.',
    {
      hint: 'Is the disk full, or the cache in state/.holdfast/cache not writable?',
    },
  );
}

/** The point chosen may be one that only a listing of the store knows. */
function withPoint(points: readonly RestorePoint[], point: RestorePoint): readonly RestorePoint[] {
  return points.some(({ record }) => record.id === point.record.id) ? points : [...points, point];
}

function workName(startedAt: Date): string {
  return `rollback-${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

async function syncStagedNames(
  mover: { sync(places: readonly { in: 'work'; path: string }[]): Promise<void> },
  files: readonly { readonly number: number }[],
): Promise<void> {
  const folders = new Set(['', 'staged']);
  for (const { number } of files) folders.add(staged(number).path.split('/').slice(0, -1).join('/'));
  await mover.sync([...folders].map((path) => ({ in: 'work', path })));
}

export async function saveJournal(deps: Deps, journal: RollbackJournal): Promise<void> {
  const bytes = encodeRollbackJournal(journal);
  if (bytes.length > rollbackJournalBytesMax) {
    throw new HoldfastError(
      'restore_too_large',
      'The rollback changes more paths than one journal can hold; nothing was moved.',
      {
        hint: 'Go back folder by folder, with --path.',
      },
    );
  }
  await deps.rollbackJournal.save(bytes);
}
