/*
 * Packs, then the plan that names them, then the records go; packs an earlier plan condemned go last, and only after every
 * record was read again. If we die anywhere, what is there is a whole store, and the next run goes on.
 */
import { recordKey } from '../../format/store-layout.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { Retention } from '../../model/retention.ts';
import type { Deps } from '../deps.ts';
import { dropStaleUploads } from '../drop-stale-uploads.ts';
import { readStoreHeader } from '../ensure-store.ts';
import { loadStoreView } from '../store-view.ts';
import { deleteUnlessBlocked } from './delete-key.ts';
import { graceMs, outlinePrune, type PruneOutline } from './plan-prune.ts';
import { assertKeepsSomething, assertNoBurst, assertTimes, assertWayBack } from './prune-guards.ts';
import { assertClock, type PruneLease, takePruneLease } from './prune-lease.ts';
import { type StoreSurvey, surveyStore } from './survey-store.ts';
import { sweepCondemned } from './sweep-condemned.ts';
import { writePlan } from './write-plan.ts';

export interface PruneOptions {
  readonly retention: Retention;
  /** Typed out by the person: the rules may keep nothing but the floor (G05). */
  readonly keepNone?: boolean;
  /** The person does without a way back: the storage keeps no versions of what is deleted (S13, S14). */
  readonly withoutVersions?: boolean;
  /** No other machine prunes this store now: asked for where the storage cannot keep two runs apart (S15). */
  readonly alone?: boolean;
  /** The person knows why many files vanished at once; what is held back for that may go. */
  readonly ignoreBurst?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PruneOutcome {
  readonly outline: PruneOutline;
  /** Name of the plan, null when there was nothing to condemn. */
  readonly plan: string | null;
  readonly dropped: readonly SnapshotId[];
  /** Planned to go, but pinned in the meantime, or not to be deleted now. */
  readonly stayed: readonly SnapshotId[];
  readonly writtenBytes: number;
  /** Deleted in this run: what earlier runs condemned. */
  readonly deletedBytes: number;
  /** Keys the storage refused to delete (locked, or no right to): they are tried again next time (A06). */
  readonly blocked: readonly string[];
  /** When what this run condemned may be deleted; null where the storage tells no times. */
  readonly dueAt: Date | null;
}

const deletesAtOnce = 8;

/**
 * Works out what prune would do and changes nothing.
 * @throws {HoldfastError} `prune_refused`, `clock_skewed`, and whatever makes the view of the store incomplete
 */
export async function previewPrune(deps: Deps, options: PruneOptions): Promise<PruneOutline> {
  assertKeepsSomething(options);
  await readStoreHeader(deps, options);
  const survey = await surveyStore(deps, options);
  assertTimes(deps, survey);
  return outlinePrune(deps, survey, { ...options, now: deps.clock.now() });
}

/**
 * Prunes: drops the records the rules do not keep, gathers what is still needed of their packs, and condemns the packs; deletes
 * what was condemned a day ago or earlier. Writers need not wait for any of it.
 * @throws {HoldfastError} `prune_refused`, `versioning_off`, `clock_skewed`, `store_busy`, and whatever makes the view of the store
 *   incomplete; then nothing was dropped
 */
export async function applyPrune(deps: Deps, options: PruneOptions): Promise<PruneOutcome> {
  assertKeepsSomething(options);
  await assertWayBack(deps, options);
  const isBurstIgnored = await assertNoBurst(deps, options);
  const lease = await takePruneLease(deps, options);
  try {
    assertClock(deps, lease.storeNow);
    const survey = await surveyStore(deps, options);
    assertTimes(deps, survey);
    const outcome = await applyWith(deps, { lease, survey, options });
    await dropStaleUploads(deps, options.signal);
    if (isBurstIgnored) await deps.snapshotIndex.append({ event: 'burst_resolved', by: 'prune' });
    return outcome;
  } finally {
    await lease.release();
  }
}

interface Run {
  readonly lease: PruneLease;
  readonly survey: StoreSurvey;
  readonly options: PruneOptions;
}

async function applyWith(deps: Deps, run: Run): Promise<PruneOutcome> {
  const { lease, options } = run;
  const { signal } = options;
  const outline = await outlinePrune(deps, run.survey, { ...options, now: deps.clock.now() });
  const written = await writePlan(deps, { kind: 'prune', outline, lease, signal });
  const { dropped, stayed, blocked } = await dropRecords(deps, { outline, lease, signal });
  const swept = await sweepCondemned(deps, { survey: run.survey, lease, graceMs, newPlan: written.plan, signal });
  const deletedBytes = swept.deletedBytes;
  const outcome: PruneOutcome = {
    outline,
    plan: written.plan?.plan ?? null,
    dropped,
    stayed,
    writtenBytes: written.bytes,
    deletedBytes,
    blocked: [...blocked, ...swept.blocked],
    dueAt: lease.storeNow === null ? null : new Date(lease.storeNow.getTime() + graceMs),
  };
  await deps.snapshotIndex.append({
    event: 'prune',
    plan: written.plan?.plan ?? '',
    kept: outline.decisions.length - dropped.length,
    dropped: dropped.length,
    condemnedBytes: outline.condemnedBytes,
    writtenBytes: written.bytes,
    deletedBytes,
  });
  // What is gone is known here from now on; the next command need not find out.
  await loadStoreView(deps, { refresh: 'always', signal });
  return outcome;
}

interface Dropped {
  readonly dropped: readonly SnapshotId[];
  readonly stayed: readonly SnapshotId[];
  readonly blocked: readonly string[];
}

/** Looks for pins once more first: whoever pins after that finds the plan's word kept. */
async function dropRecords(
  deps: Deps,
  work: { outline: PruneOutline; lease: PruneLease; signal: AbortSignal | undefined },
): Promise<Dropped> {
  const { outline, lease, signal } = work;
  if (outline.dropped.length === 0) return { dropped: [], stayed: [], blocked: [] };
  const { pins, unreachable } = await loadStoreView(deps, { refresh: 'always', signal });
  if (unreachable !== null) throw unreachable;
  const [stay, go] = [outline.dropped.filter(isPinned), outline.dropped.filter((point) => !isPinned(point))];
  function isPinned({ record }: (typeof outline.dropped)[number]): boolean {
    return pins.has(record.id);
  }
  const dropped: SnapshotId[] = [];
  const stayed = stay.map(({ record }) => record.id);
  const blocked: string[] = [];
  const answers = mapConcurrent(go, { limit: deletesAtOnce, signal }, async ({ record }) => {
    return { id: record.id, isGone: await deleteUnlessBlocked(deps, recordKey(record.id), { lease, blocked, signal }) };
  });
  for await (const { id, isGone } of answers) {
    if (isGone) dropped.push(id);
    else stayed.push(id);
  }
  return { dropped, stayed, blocked };
}
