import { sha256Of } from '../../format/digest.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import { goneKey } from '../../format/store-layout.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { PrunePlan } from '../../model/prune-plan.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { StorageKey, StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { packsInUse } from '../pack-sources.ts';
import { loadMarks } from '../store-marks.ts';
import { loadStoreView } from '../store-view.ts';
import { deleteUnlessBlocked } from './apply-prune.ts';
import { findLive } from './find-live.ts';
import { keysOfPack } from './plan-packs.ts';
import type { PruneLease } from './prune-lease.ts';
import type { StoreSurvey } from './survey-store.ts';

export interface SweepOptions {
  readonly survey: StoreSurvey;
  readonly lease: PruneLease;
  readonly graceMs: number;
  /** The plan this very run wrote; its packs go at once when the grace is 0. */
  readonly newPlan: PrunePlan | null;
  readonly signal?: AbortSignal | undefined;
}

export interface SweepOutcome {
  readonly deletedBytes: number;
  readonly blocked: readonly string[];
}

/**
 * Deletes what was condemned longer ago than the grace, by the storage's clock. All records are read once more before: a
 * snapshot published since this run began that needs a condemned pack saves it until the next run, which gathers what it needs.
 */
export async function sweepCondemned(deps: Deps, options: SweepOptions): Promise<SweepOutcome> {
  const { survey, lease, signal } = options;
  const due = duePlans(options);
  const nothing: SweepOutcome = { deletedBytes: 0, blocked: [] };
  if (due.length === 0 || (await isStillNeeded(deps, survey, signal))) return nothing;
  const blocked: string[] = [];
  let deletedBytes = 0;
  for (const plan of due) {
    await putGone(deps, plan.plan, signal);
    for (const object of keysToDelete(plan, survey)) {
      if (await deleteUnlessBlocked(deps, object.key, { lease, blocked, signal })) deletedBytes += object.sizeBytes;
    }
  }
  return { deletedBytes, blocked };
}

function duePlans({ survey, lease, graceMs, newPlan }: SweepOptions): PrunePlan[] {
  const { storeNow } = lease;
  const due = survey.marks.plans.filter((plan) => {
    const writtenAt = survey.planTimes.get(plan.plan) ?? null;
    if (writtenAt === null || storeNow === null || storeNow.getTime() - writtenAt.getTime() < graceMs) return false;
    return !survey.marks.gonePlans.has(plan.plan) || keysToDelete(plan, survey).length > 0;
  });
  return newPlan !== null && graceMs === 0 ? [...due, newPlan] : due;
}

function keysToDelete(plan: PrunePlan, survey: StoreSurvey): StoredObject[] {
  const keys: StorageKey[] = [...plan.condemned.flatMap(keysOfPack), ...plan.leftovers];
  return keys.flatMap((key) => survey.objects.get(key) ?? []);
}

/** True when a snapshot this run did not know yet relies on something condemned. */
async function isStillNeeded(deps: Deps, survey: StoreSurvey, signal: AbortSignal | undefined): Promise<boolean> {
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  if (view.invalid.length > 0) return true;
  const known = new Set(survey.points.map(({ recordSha256 }) => recordSha256));
  const points = view.points.filter(({ where }) => where === 'store');
  const late = points.filter(({ recordSha256 }) => !known.has(recordSha256));
  return late.length > 0 && !(await standOnLivePacks(deps, { points, asked: late, signal }));
}

/** True when everything the asked snapshots need lies in packs that are not condemned. */
export async function standOnLivePacks(
  deps: Deps,
  options: { points: readonly RestorePoint[]; asked: readonly RestorePoint[]; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const { points, asked, signal } = options;
  const { live, condemned } = packsInUse(points, await loadMarks(deps));
  const { reader, known } = await deps.objects.openReader([...condemned, ...live], { signal });
  let isAllLive = true;
  const wantsHint = (id: Parameters<typeof reader.has>[0]): boolean => {
    if (!known.has(rawObjectId(id), 0)) isAllLive = false;
    return false;
  };
  const records = asked.map(({ record }) => record);
  try {
    await findLive(reader, records, { seed: 0, wantsHint, signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing', 'object_corrupt', 'pack_corrupt', 'pack_missing')) return false;
    throw error;
  }
  return isAllLive;
}

/** Before the first delete: from now on nobody counts on those packs. */
async function putGone(deps: Deps, plan: string, signal: AbortSignal | undefined): Promise<void> {
  const bytes = new Uint8Array(0);
  await deps.storage.putIfAbsent(goneKey(plan), { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, { signal });
}
