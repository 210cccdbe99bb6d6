import type { ObjectId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { Retention, RetentionDecision } from '../../model/retention.ts';
import type { OpenedReader } from '../../ports/object-access.ts';
import type { StorageKey } from '../../ports/object-storage.ts';
import { HoldfastError } from '../../model/errors.ts';
import { parseStoreKey } from '../../format/store-layout.ts';
import type { Deps } from '../deps.ts';
import { packsInUse, type PacksInUse } from '../pack-sources.ts';
import { decideRetention } from './decide-retention.ts';
import { findLive } from './find-live.ts';
import { keysOfPack, type PackFates, packBytes, planPacks } from './plan-packs.ts';
import type { StoreSurvey } from './survey-store.ts';

/** Between being condemned and being deleted, by the storage's clock. Writers look at the store every half of it. */
export const graceMs = 24 * 3_600_000;
/** What belongs to no snapshot may be an upload whose machine sleeps; after this long it is condemned like a pack. */
const leftoverAgeMs = 7 * 24 * 3_600_000;

/** Younger snapshots are mostly dropped soon. */
const foldAgeMs = 24 * 3_600_000;
/** With nothing to drop, fewer packs than this are not worth a run of their own. */
const foldPacksMin = 16;
const hintPackBytesMax = 64 * 1024 * 1024;

/** What prune would do, and what an earlier run left to be done. */
export interface PruneOutline extends PackFates {
  readonly decisions: readonly RetentionDecision[];
  readonly dropped: readonly RestorePoint[];
  readonly leftovers: readonly StorageKey[];
  /** Bytes that go when the grace is over, those included that are written anew first. */
  readonly condemnedBytes: number;
  /** Bytes of live objects to be written anew, before they are compressed against each other. */
  readonly gatheredBytes: number;
  /** What earlier runs condemned and is still there; null where the storage does not say when that was. */
  readonly pending: readonly { readonly plan: string; readonly dueAt: Date | null; readonly bytes: number }[];
  /** The oldest snapshot that stays. */
  readonly earliest: RestorePoint | null;
  readonly opened: OpenedReader;
}

export interface OutlineOptions {
  readonly retention: Retention;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Works out what prune would do; changes nothing.
 * @throws {HoldfastError} `pack_missing`, `object_missing` when a snapshot that stays is not whole: then nothing may go
 */
export async function outlinePrune(deps: Deps, survey: StoreSurvey, options: OutlineOptions): Promise<PruneOutline> {
  const { signal } = options;
  deps.events.emit({ type: 'phase_started', phase: 'prune' });
  const decisions = decideRetention(survey.points, survey.view.pins, options);
  const kept = decisions.filter(({ keep }) => keep).map(({ point }) => point);
  const dropped = decisions.filter(({ keep }) => !keep).map(({ point }) => point);
  const packs = packsInUse(survey.points, survey.marks);
  const opened = await openWhole(deps, packs, signal);
  const planned = new Set(survey.marks.plans.flatMap((plan) => plan.packs.map(({ key }) => key)));
  const keptRecords = kept.map(({ record }) => record);
  const seed = Buffer.from(deps.random.bytes(4)).readUInt32LE();
  const wantsHint = hintFilter(opened, planned);
  const live = await findLive(opened.reader, keptRecords, { seed, wantsHint, signal });
  const fates = planPacks(opened.reader, packs, {
    live,
    kept: keptRecords,
    planned,
    foldable: foldablePacks(kept, { isDropping: dropped.length > 0, now: options.now }),
    seed,
  });
  return {
    ...fates,
    decisions,
    dropped,
    leftovers: leftoversOf(survey, { packs, now: options.now }),
    condemnedBytes: fates.condemned.reduce((sum, ref) => sum + packBytes(ref), 0),
    gatheredBytes: fates.gathered.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    pending: pendingOf(survey),
    earliest: kept.at(-1) ?? null,
    opened,
  };
}

async function openWhole(deps: Deps, packs: PacksInUse, signal: AbortSignal | undefined): Promise<OpenedReader> {
  const opened = await deps.objects.openReader([...packs.condemned, ...packs.live], { signal });
  const [bad] = opened.unusable;
  if (bad === undefined) return opened;
  throw new HoldfastError('pack_missing', `Nothing is pruned while a pack cannot be used: ${bad.key}: ${bad.reason}`, {
    hint: 'See which snapshots it touches with: holdfast verify',
    data: { packs: opened.unusable.map(({ key }) => key) },
  });
}

/** Packs of kept snapshots that are no longer recent; the newest ones are what the next snapshots are compared with. */
function foldablePacks(
  kept: readonly RestorePoint[],
  options: { isDropping: boolean; now: Date },
): ReadonlySet<string> {
  const newest = new Set([...Map.groupBy(kept, ({ record }) => record.machine.id).values()].map((own) => own[0]!));
  const old = kept.filter((point) => {
    return !newest.has(point) && options.now.getTime() - Date.parse(point.record.takenAt) > foldAgeMs;
  });
  const keys = new Set(old.flatMap(({ record }) => record.packs.map(({ key }) => key)));
  return options.isDropping || keys.size >= foldPacksMin ? keys : new Set();
}

/** Paths are remembered only of what may have to be written anew: not of what lies in large packs. */
function hintFilter({ reader }: OpenedReader, planned: ReadonlySet<string>): (id: ObjectId) => boolean {
  const isLarge = reader.packs.map(({ key, sizeBytes }) => !planned.has(key) && sizeBytes > hintPackBytesMax);
  return (id) => {
    const at = reader.locate(id);
    return at !== null && !isLarge[at.pack]!;
  };
}

/** Uploads nobody finished, and marks of snapshots that are gone. */
function leftoversOf(survey: StoreSurvey, options: { packs: PacksInUse; now: Date }): StorageKey[] {
  const { packs, now } = options;
  const snapshots = new Set(survey.points.map(({ record }) => record.id));
  const named = new Set([...packs.live, ...packs.condemned].flatMap(({ ref }) => keysOfPack(ref)));
  const condemned = new Set(
    survey.marks.plans.flatMap((plan) => [...plan.condemned.flatMap(keysOfPack), ...plan.leftovers]),
  );
  const leftovers: StorageKey[] = [];
  for (const { key, modifiedAt } of survey.objects.values()) {
    const parsed = parseStoreKey(key);
    if (parsed === null || !('id' in parsed)) continue;
    if (named.has(key) || condemned.has(key) || (parsed.id !== null && snapshots.has(parsed.id))) continue;
    if (modifiedAt !== null && now.getTime() - modifiedAt.getTime() > leftoverAgeMs) leftovers.push(key);
  }
  return leftovers;
}

function pendingOf(survey: StoreSurvey): PruneOutline['pending'] {
  const pending: { plan: string; dueAt: Date | null; bytes: number }[] = [];
  for (const plan of survey.marks.plans) {
    const keys = [...plan.condemned.flatMap(keysOfPack), ...plan.leftovers];
    const bytes = keys.reduce((sum, key) => sum + (survey.objects.get(key)?.sizeBytes ?? 0), 0);
    const writtenAt = survey.planTimes.get(plan.plan) ?? null;
    const dueAt = writtenAt === null ? null : new Date(writtenAt.getTime() + graceMs);
    if (bytes > 0) pending.push({ plan: plan.plan, dueAt, bytes });
  }
  return pending;
}
