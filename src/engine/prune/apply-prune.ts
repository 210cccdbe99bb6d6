/*
 * Packs, then the plan that names them, then the records go; packs an earlier plan condemned go last, and only after every
 * record was read again. If we die anywhere, what is there is a whole store, and the next run goes on.
 */
import { sha256Of } from '../../format/digest.ts';
import { encodePrunePlan } from '../../format/prune-plan.ts';
import { condemnedKey, consolidatedPackKey, packIndexKey, recordKey } from '../../format/store-layout.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { PrunePlan } from '../../model/prune-plan.ts';
import { clockSkewMsMax, type Retention } from '../../model/retention.ts';
import type { PackRef } from '../../model/snapshot.ts';
import type { SealedPack } from '../../ports/object-writer.ts';
import type { VersioningState } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { readBurstHold } from '../burst-hold.ts';
import { dropStaleUploads } from '../drop-stale-uploads.ts';
import { loadStoreView } from '../store-view.ts';
import { keepsNothing } from './decide-retention.ts';
import { inPackOrder } from './pack-order.ts';
import { packBytes } from './plan-packs.ts';
import { graceMs, outlinePrune, type PruneOutline } from './plan-prune.ts';
import { assertClock, type PruneLease, takePruneLease } from './prune-lease.ts';
import { type StoreSurvey, surveyStore } from './survey-store.ts';
import { sweepCondemned } from './sweep-condemned.ts';

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

/** Gathers what must move, uploads it, and writes the plan: from then on the condemned packs are on their way out. */
export async function writePlan(
  deps: Deps,
  work: {
    kind: PrunePlan['kind'];
    outline: Pick<
      PruneOutline,
      'dropped' | 'condemned' | 'standing' | 'leftovers' | 'gathered' | 'gatheredBytes' | 'opened'
    >;
    lease: PruneLease;
    signal: AbortSignal | undefined;
  },
): Promise<{ readonly plan: PrunePlan | null; readonly bytes: number }> {
  const { outline, lease, signal } = work;
  const { dropped, condemned, leftovers, gathered } = outline;
  if (dropped.length + condemned.length + leftovers.length + gathered.length === 0) return { plan: null, bytes: 0 };
  await using draft = await deps.spool.begin();
  const now = deps.clock.now();
  const name = planName(deps, now);
  const sealed = await deps.objects.packTightly(inPackOrder(outline.opened.reader, gathered, { signal }), {
    directory: draft.directory,
    // A pack of the same bytes as one condemned before would go with it.
    mark: `holdfast prune ${name}`,
    sizeBytes: outline.gatheredBytes,
    signal,
  });
  const packs: PackRef[] = [];
  for (const pack of sealed) packs.push(await uploadPack(deps, pack, signal));
  const plan: PrunePlan = {
    plan: name,
    kind: work.kind,
    at: now.toISOString(),
    machine: deps.identity.machine.name,
    user: deps.identity.machine.user,
    dropped: dropped.map(({ record, recordSha256 }) => ({ id: record.id, recordSha256 })),
    packs: [...packs, ...outline.standing],
    condemned,
    leftovers,
  };
  await lease.assertHeld();
  signal?.throwIfAborted();
  const bytes = encodePrunePlan(plan);
  await deps.storage.putIfAbsent(
    condemnedKey(plan.plan),
    { kind: 'bytes', bytes, sha256: sha256Of(bytes) },
    { signal },
  );
  for (const ref of packs) await deps.objects.remember(ref, draft.directory);
  return { plan, bytes: packs.reduce((sum, ref) => sum + packBytes(ref), 0) };
}

/** The machine in it keeps two of one second apart where chance is not to be had. */
function planName(deps: Deps, now: Date): string {
  const nonce = Buffer.from(deps.random.bytes(4)).toString('hex');
  return `${now.toISOString().slice(0, 19)}Z-${deps.identity.machine.id.slice(0, 16)}-${nonce}`;
}

export async function uploadPack(deps: Deps, pack: SealedPack, signal: AbortSignal | undefined): Promise<PackRef> {
  const key = consolidatedPackKey(pack.hash);
  const { sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount } = pack;
  await deps.storage.putIfAbsent(key, { kind: 'file', path: pack.packPath, sizeBytes, sha256 }, { signal });
  const index = { kind: 'file', path: pack.indexPath, sizeBytes: indexSizeBytes, sha256: indexSha256 } as const;
  await deps.storage.putIfAbsent(packIndexKey(key), index, { signal });
  return { key, sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount };
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

/** After this many refusals the rest is not tried: the answer is known (A06). */
const blockedMax = 3;

/** Returns false when the storage does not let it go; any other failure ends the run. */
export async function deleteUnlessBlocked(
  deps: Deps,
  key: string,
  work: { lease: PruneLease; blocked: string[]; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { lease, blocked, signal } = work;
  if (blocked.length < blockedMax) {
    await lease.assertHeld();
    try {
      await deps.storage.delete(key, { signal });
      return true;
    } catch (error) {
      if (!isHoldfastError(error) || error.kind !== 'access') throw error;
    }
  }
  blocked.push(key);
  return false;
}

function assertKeepsSomething({ retention, keepNone }: PruneOptions): void {
  if (!keepsNothing(retention) || keepNone === true) return;
  throw new HoldfastError('prune_refused', 'These rules keep nothing but the newest snapshot of each machine.', {
    hint: 'If that is what you want, say so: holdfast prune --keep-none',
  });
}

/** Many files vanished at once: until somebody has looked, what they were in stays. True when somebody has. */
async function assertNoBurst(deps: Deps, { ignoreBurst }: PruneOptions): Promise<boolean> {
  const { rows } = await deps.snapshotIndex.read();
  const hold = readBurstHold(rows);
  if (hold === null) return false;
  if (ignoreBurst === true) return true;
  throw new HoldfastError(
    'prune_refused',
    `Many files vanished or changed at once on ${hold.at.slice(0, 10)}; retention waits.`,
    {
      hint: 'See what happened with: holdfast rescue. When all is well: holdfast prune --apply --ignore-burst',
      data: { at: hold.at, machine: hold.machine },
    },
  );
}

/** What prune deletes by mistake must be retrievable for a while, or somebody must have said that it need not be. */
export async function assertWayBack(
  deps: Deps,
  { withoutVersions, alone, signal }: Pick<PruneOptions, 'withoutVersions' | 'alone' | 'signal'>,
): Promise<void> {
  const versioning = await deps.storage.versioning({ signal });
  if (versioning !== 'on' && withoutVersions !== true) {
    throw new HoldfastError('versioning_off', versioningText[versioning], {
      hint: 'Turn versioning on (holdfast init does), or do without a way back: holdfast prune --apply --without-versions',
      data: { versioning },
    });
  }
  if (!deps.storage.createIsExclusive && alone !== true) {
    throw new HoldfastError('prune_refused', 'This storage cannot keep two runs of prune apart.', {
      hint: 'Make sure that no other machine prunes this store now, and say so: holdfast prune --apply --alone',
    });
  }
}

const versioningText: Readonly<Record<VersioningState, string>> = {
  on: '',
  off: 'Bucket versioning is off: what prune deletes could not be brought back.',
  suspended: 'Bucket versioning is suspended: what prune deletes could not be brought back.',
  unsupported: 'This storage keeps no versions: what prune deletes could not be brought back.',
  unknown: 'It cannot be told whether the bucket keeps versions of what prune deletes.',
};

/** Ages decide what goes, so all clocks must agree (C02, C04). */
function assertTimes(deps: Deps, survey: StoreSurvey): void {
  const nowMs = deps.clock.now().getTime();
  // Whatever the storage wrote last, it wrote before now.
  if (survey.newestWriteAt !== null && survey.newestWriteAt.getTime() - nowMs > clockSkewMsMax) {
    assertClock(deps, survey.newestWriteAt);
  }
  const future = survey.points.filter(({ record }) => Date.parse(record.takenAt) - nowMs > clockSkewMsMax);
  if (future.length === 0) return;
  const { id, machine, takenAt } = future[0]!.record;
  throw new HoldfastError(
    'clock_skewed',
    `The snapshot ${id} of ${machine.name} was taken in the future (${takenAt}).`,
    {
      hint: `Nothing is pruned while it is not certain what time it is. If its clock was wrong, wait for that time or delete its record by hand.`,
      data: { snapshots: future.map(({ record }) => record.id) },
    },
  );
}
