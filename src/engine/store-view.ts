import { mapConcurrent } from '../lib/map-concurrent.ts';
import { sha256Of } from '../format/digest.ts';
import { decodeRecord } from '../format/snapshot-record.ts';
import { condemnedPrefix, parseStoreKey, recordKey, snapshotsPrefix } from '../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import { compareNewestFirst, type InvalidRecord, type RestorePoint } from '../model/restore-point.ts';
import type { OpenedReader } from '../ports/object-access.ts';
import type { DamagedSpoolEntry, SpooledSnapshot } from '../ports/spool.ts';
import type { Pin } from '../model/pin.ts';
import type { StorageKey } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { packsInUse } from './pack-sources.ts';
import { fetchRecords, recordFetchesMax } from './fetch-records.ts';
import { learnMarks, loadMarks, type StoreMarks } from './store-marks.ts';

/** How old the last listing may be before a snapshot looks at the store again. Half of prune's grace of 24 h. */
export const viewAgeMsMax = 12 * 3_600_000;
// A few milliseconds' worth.
const recordsBetweenPauses = 40;

/** What this machine knows of the store, and what it holds itself. */
export interface StoreView {
  /** Every usable snapshot, spooled ones included, newest first. */
  readonly points: readonly RestorePoint[];
  readonly invalid: readonly InvalidRecord[];
  /** Snapshots this machine has seen in the store that are there no longer (K18). */
  readonly missing: readonly SnapshotId[];
  /** When the store last had them all; null when nothing was ever seen. */
  readonly lastSeenAt: string | null;
  /** Why the store could not be asked just now; null when the view is fresh or no question was due. */
  readonly unreachable: HoldfastError | null;
  /** The store was asked just now, and answered. */
  readonly isAsked: boolean;
  /** Grows whenever packs this machine relied on went away; a stat cache of another generation must be checked. */
  readonly generation: number;
  /** Grows whenever prune condemned packs. */
  readonly prunes: number;
  /** Snapshots somebody pinned. */
  readonly pins: ReadonlyMap<SnapshotId, Pin>;
  readonly spooled: readonly SpooledSnapshot[];
  readonly damagedSpool: readonly DamagedSpoolEntry[];
}

export interface ViewOptions {
  /** 'always' asks the store; 'due' only when the last listing is old; 'never' uses what is known. */
  readonly refresh: 'always' | 'due' | 'never';
  /** Awaited now and then while many records are decoded, so that a user interface on this thread can draw. */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the restore points: records cached here, those the store has besides, and the spool. A store that cannot be
 * reached does not fail the call (`unreachable` says why): what is known locally is still worth showing.
 */
export async function loadStoreView(deps: Deps, options: ViewOptions): Promise<StoreView> {
  const cached = new Map(await deps.recordCache.loadAll());
  const sighting = await deps.recordCache.sighting();
  let storedIds: readonly SnapshotId[] = sighting?.snapshotIds ?? [];
  let missing: readonly SnapshotId[] = sighting?.missingIds ?? [];
  let unreachable: HoldfastError | null = null;
  let isAsked = false;
  let prunes = sighting?.prunes ?? 0;

  // A cache that lost records (a power cut, a cleaner) leaves snapshots out without a trace: what builds on the view must not see it so.
  const isBlind = options.refresh === 'due' && storedIds.some((id) => !cached.has(id));
  if (isBlind || isRefreshDue(deps, options.refresh, sighting?.seenAt ?? null)) {
    try {
      const { signal } = options;
      const { ids: keys, markKeys } = await listStore(deps, options);
      const { marks, newPlans } = await learnMarks(deps, markKeys, { signal });
      if (newPlans.some(({ condemned }) => condemned.length > 0)) prunes++;
      const unknown = keys.filter((id) => !cached.has(id));
      const gone = await fetchRecords(deps, unknown, { cached, signal });
      const listed = keys.filter((id) => !gone.has(id));
      const listedSet = new Set(listed);
      const absent = [...new Set([...missing, ...storedIds])].filter((id) => !listedSet.has(id));
      const hidden = await findHidden(deps, absent, signal);
      const wasDropped = dropsOf(marks, cached);
      missing = absent.filter((id) => !hidden.has(id) && !wasDropped(id));
      storedIds = [...listed, ...hidden].sort();
      isAsked = true;
      await deps.recordCache.saveSighting({
        seenAt: deps.clock.now().toISOString(),
        snapshotIds: storedIds,
        headerSeen: sighting?.headerSeen ?? false,
        missingIds: missing,
        generation: sighting?.generation ?? 0,
        prunes,
      });
    } catch (error) {
      if (!isHoldfastError(error) || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
      if (isBlind) throw error;
      unreachable = error;
    }
  }

  const { points, invalid } = await decodePoints(storedIds, cached, options.pause);
  const { snapshots: spooled, damaged: damagedSpool } = await deps.spool.pending();
  const stored = new Set(points.map((point) => point.recordSha256));
  for (const snapshot of spooled) {
    // Published, but killed before the spool was cleared: the store's copy is the one to show.
    // Another machine's of the same id is another snapshot; ours gets a new id when it is published.
    const point = spooledPoint(snapshot);
    if (!stored.has(point.recordSha256)) points.push(point);
  }
  points.sort(compareNewestFirst);
  return {
    points,
    invalid,
    missing,
    lastSeenAt: sighting?.seenAt ?? null,
    unreachable,
    isAsked,
    generation: sighting?.generation ?? 0,
    prunes,
    pins: (await loadMarks(deps)).pins,
    spooled,
    damagedSpool,
  };
}

/** Fails when the store lost snapshots this machine has seen: going on would build on sand (K18). */
export function assertNotRewound(view: StoreView, storeUrl: string): void {
  if (view.missing.length === 0) return;
  const had = view.points.filter((point) => point.where === 'store').length + view.missing.length;
  const now = had - view.missing.length;
  throw new HoldfastError(
    'store_rewound',
    `The store had ${had} snapshots on ${view.lastSeenAt ?? 'an earlier day'}, now ${now}.`,
    {
      hint: `Look at ${storeUrl}: was it emptied, replaced or restored from an older copy? When the loss is intended, accept it with: holdfast reindex`,
      data: { missing: view.missing },
    },
  );
}

/** What a stat cache must say so that its ids are believed without looking them up. */
export function cacheGeneration(view: Pick<StoreView, 'generation' | 'prunes'>): string {
  return view.prunes === 0 ? String(view.generation) : `${view.generation}.${view.prunes}`;
}

/**
 * Opens a reader over every pack of these points, and over those that prune made or left standing; objects of one snapshot may
 * lie in packs of others.
 */
export async function openPointReader(
  deps: Deps,
  points: readonly RestorePoint[],
  options: { fresh?: boolean; skipUnreachable?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<OpenedReader> {
  const { live, condemned } = packsInUse(points, await loadMarks(deps));
  return deps.objects.openReader([...condemned, ...live], options);
}

function isRefreshDue(deps: Deps, refresh: ViewOptions['refresh'], seenAt: string | null): boolean {
  if (refresh !== 'due') return refresh === 'always';
  if (seenAt === null) return true;
  const ageMs = deps.clock.now().getTime() - Date.parse(seenAt);
  return !(ageMs >= 0 && ageMs < viewAgeMsMax);
}

interface StoreListing {
  /**
   * Ids with a record, in key order: a prefix without its record is an upload under way, one cut short, or what prune left,
   * not a snapshot.
   */
  readonly ids: readonly SnapshotId[];
  readonly markKeys: readonly StorageKey[];
}

/** Plans last: they are written before anything is dropped, so what is gone from the first listing is explained by the second. */
async function listStore(deps: Deps, { signal, pause }: Omit<ViewOptions, 'refresh'>): Promise<StoreListing> {
  const ids: SnapshotId[] = [];
  const markKeys: StorageKey[] = [];
  for (const prefix of [snapshotsPrefix, condemnedPrefix]) {
    let listed = 0;
    for await (const { key } of deps.storage.list(prefix, { signal })) {
      if (pause !== undefined && ++listed % recordsBetweenPauses === 0) await pause();
      const parsed = parseStoreKey(key);
      if (parsed?.kind === 'record') ids.push(parsed.id);
      else if (parsed?.kind === 'mark' || parsed?.kind === 'condemned' || parsed?.kind === 'gone') markKeys.push(key);
    }
  }
  return { ids, markKeys };
}

/** Tells which absent snapshots prune dropped on purpose: the very record this machine knew, not another of that name. */
function dropsOf(marks: StoreMarks, cached: ReadonlyMap<SnapshotId, Uint8Array>): (id: SnapshotId) => boolean {
  const dropped = new Map<SnapshotId, Set<string>>();
  for (const plan of marks.plans) {
    for (const { id, recordSha256 } of plan.dropped) {
      const sums = dropped.get(id) ?? new Set();
      dropped.set(id, sums.add(recordSha256));
    }
  }
  return (id) => {
    const sums = dropped.get(id);
    if (sums === undefined) return false;
    const bytes = cached.get(id);
    return bytes === undefined || sums.has(sha256Of(bytes));
  };
}

/** A listing can be behind the store: of snapshots it lacks, those whose record is there all the same (S10). */
async function findHidden(
  deps: Deps,
  ids: readonly SnapshotId[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<SnapshotId>> {
  const hidden = new Set<SnapshotId>();
  const answers = mapConcurrent(ids, { limit: recordFetchesMax, signal }, async (id) => ({
    id,
    found: await deps.storage.head(recordKey(id), { signal }),
  }));
  for await (const { id, found } of answers) if (found !== null) hidden.add(id);
  return hidden;
}

async function decodePoints(
  ids: readonly SnapshotId[],
  cached: ReadonlyMap<SnapshotId, Uint8Array>,
  pause: ViewOptions['pause'],
): Promise<{ points: RestorePoint[]; invalid: InvalidRecord[] }> {
  const points: RestorePoint[] = [];
  const invalid: InvalidRecord[] = [];
  for (const [i, id] of ids.entries()) {
    const bytes = cached.get(id);
    if (bytes === undefined) continue;
    if (pause !== undefined && i % recordsBetweenPauses === 0) await pause();
    try {
      const record = decodeRecord(bytes, id);
      points.push({ record, recordSha256: sha256Of(bytes), where: 'store', localDirectory: null });
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      invalid.push({ id, reason: error.message, isNewer: error.code === 'store_newer' });
    }
  }
  return { points, invalid };
}

function spooledPoint(snapshot: SpooledSnapshot): RestorePoint {
  return {
    record: snapshot.record,
    recordSha256: sha256Of(snapshot.recordBytes),
    where: 'local',
    localDirectory: snapshot.directory,
  };
}
