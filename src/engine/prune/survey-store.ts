import { condemnedPrefix, packsPrefix, parseStoreKey, snapshotsPrefix } from '../../format/store-layout.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { StorageKey, StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { assertNotForeign } from '../ensure-store.ts';
import { loadMarks, type StoreMarks } from '../store-marks.ts';
import { assertNotRewound, loadStoreView, type StoreView } from '../store-view.ts';

/** Everything prune must know of a store before it may decide anything. */
export interface StoreSurvey {
  readonly view: StoreView;
  /** Published snapshots, newest first. */
  readonly points: readonly RestorePoint[];
  readonly marks: StoreMarks;
  /** Every pack, index and mark that is listed, by key. Keys that are not ours are not among them (K17). */
  readonly objects: ReadonlyMap<StorageKey, StoredObject>;
  /** When the storage says each plan was written. */
  readonly planTimes: ReadonlyMap<string, Date | null>;
  /** The latest time of writing of all that was seen; null in an empty store, or where the storage tells no times. */
  readonly newestWriteAt: Date | null;
}

/**
 * Looks at the whole store. An incomplete view decides nothing (P7): a listing that fails, a record or plan that cannot be
 * read or was written by a newer holdfast, or a snapshot that is gone ends the call.
 * @throws {HoldfastError} `store_newer`, `record_invalid`, `store_rewound`, `store_foreign`, and of kinds storage and access
 */
export async function surveyStore(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<StoreSurvey> {
  const view = await loadStoreView(deps, { refresh: 'always', signal: options.signal });
  if (view.unreachable !== null) throw view.unreachable;
  assertNotForeign(deps, view);
  assertNotRewound(view, deps.storage.url);
  const marks = await loadMarks(deps);
  const listed = await listEverything(deps, options.signal);
  const newPlans = [...listed.planTimes.keys()].filter((plan) => !marks.plans.some((known) => known.plan === plan));
  assertReadable(view, { newPlans });
  for (const { plan } of marks.plans) {
    // The listing is behind what this machine saw.
    if (!listed.planTimes.has(plan)) throw unreadable(`the prune plan ${plan} is not in the listing of the store`);
  }
  return { view, points: view.points.filter(({ where }) => where === 'store'), marks, ...listed };
}

async function listEverything(
  deps: Deps,
  signal: AbortSignal | undefined,
): Promise<Pick<StoreSurvey, 'objects' | 'planTimes' | 'newestWriteAt'>> {
  const objects = new Map<StorageKey, StoredObject>();
  const planTimes = new Map<string, Date | null>();
  let newestWriteAt: Date | null = null;
  for (const prefix of [snapshotsPrefix, packsPrefix, condemnedPrefix]) {
    for await (const object of deps.storage.list(prefix, { signal })) {
      const parsed = parseStoreKey(object.key);
      if (parsed === null) continue;
      if (parsed.kind === 'condemned') planTimes.set(parsed.plan, object.modifiedAt);
      if (parsed.kind === 'pack' || parsed.kind === 'index' || parsed.kind === 'mark') objects.set(object.key, object);
      const { modifiedAt } = object;
      if (modifiedAt !== null && (newestWriteAt === null || modifiedAt > newestWriteAt)) newestWriteAt = modifiedAt;
    }
  }
  return { objects, planTimes, newestWriteAt };
}

function assertReadable(view: StoreView, plans: { newPlans: readonly string[] }): void {
  const newer = view.invalid.filter(({ isNewer }) => isNewer);
  if (newer.length > 0) {
    throw new HoldfastError('store_newer', newer[0]!.reason, {
      hint: 'Update holdfast on this machine, then prune again. Nothing was changed.',
      data: { snapshots: newer.map(({ id }) => id) },
    });
  }
  if (view.invalid.length > 0) throw unreadable(view.invalid[0]!.reason);
  if (plans.newPlans.length > 0) throw unreadable(`the prune plan ${plans.newPlans[0]!} cannot be read`);
}

function unreadable(what: string): HoldfastError {
  return new HoldfastError('record_invalid', `Nothing is pruned while the store cannot be read whole: ${what}.`, {
    hint: 'See what is wrong with: holdfast verify',
  });
}
