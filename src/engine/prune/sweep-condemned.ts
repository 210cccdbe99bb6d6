import { sha256Of } from '../../format/digest.ts';
import { goneKey } from '../../format/store-layout.ts';
import type { PrunePlan } from '../../model/prune-plan.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { StorageKey, StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { standOnLivePacks } from '../stand-on-live-packs.ts';
import { loadStoreView } from '../store-view.ts';
import { deleteUnlessBlocked } from './delete-key.ts';
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
  if (due.length === 0) return nothing;
  const points = await readAgain(deps, signal);
  if (points === null || (await isStillNeeded(deps, { points, survey, signal }))) return nothing;
  // An upload that was thought to be given up may have been finished.
  const named = new Set(points.flatMap(({ record }) => record.packs.flatMap(keysOfPack)));
  const blocked: string[] = [];
  let deletedBytes = 0;
  for (const plan of due) {
    await putGone(deps, plan.plan, signal);
    const condemned = new Set(plan.condemned.flatMap(keysOfPack));
    for (const object of keysToDelete(plan, survey)) {
      if (named.has(object.key) && !condemned.has(object.key)) continue;
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

/** All published snapshots as they are now; null when not all of them can be read. */
async function readAgain(deps: Deps, signal: AbortSignal | undefined): Promise<readonly RestorePoint[] | null> {
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  return view.invalid.length > 0 ? null : view.points.filter(({ where }) => where === 'store');
}

/** True when a snapshot this run did not know yet relies on something condemned. */
async function isStillNeeded(
  deps: Deps,
  now: { points: readonly RestorePoint[]; survey: StoreSurvey; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { points, survey, signal } = now;
  const known = new Set(survey.points.map(({ recordSha256 }) => recordSha256));
  const late = points.filter(({ recordSha256 }) => !known.has(recordSha256));
  return late.length > 0 && !(await standOnLivePacks(deps, { points, asked: late, signal }));
}

/** Before the first delete: from now on nobody counts on those packs. */
async function putGone(deps: Deps, plan: string, signal: AbortSignal | undefined): Promise<void> {
  const bytes = new Uint8Array(0);
  await deps.storage.putIfAbsent(goneKey(plan), { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, { signal });
}
