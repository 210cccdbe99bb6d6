import { decodeRecord, recordSizeBytesMax } from '../format/snapshot-record.ts';
import { sha256Of } from '../format/digest.ts';
import {
  packIndexKey,
  packsPrefix,
  parseStoreKey,
  recordKey,
  snapshotIdOfFolderName,
  snapshotsPrefix,
} from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import { type SnapshotId, timeOfSnapshotId } from '../model/ids.ts';
import { compareNewestFirst, type RestorePoint } from '../model/restore-point.ts';
import type { When } from '../model/when.ts';
import type { OpenedReader, PackSource } from '../ports/object-access.ts';
import type { Deps } from './deps.ts';
import { findSnapshot } from './find-snapshot.ts';

/** One restore point of a store, and a reader over all packs the listing showed. */
export interface Glance {
  readonly point: RestorePoint;
  readonly opened: OpenedReader;
}

/**
 * Finds one restore point in a store this machine has never seen, without fetching the records of all the others: what is
 * asked for by id, by time or as the latest can be told from the listing. Null when it cannot (a label, say), when something
 * is amiss, when the machine knows the store already, or when there is nothing: then the whole view is the way.
 */
export async function glanceAtStore(
  deps: Deps,
  when: When,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Glance | null> {
  if (deps.storage.isLocal || (await deps.recordCache.sighting()) !== null) return null;
  if ((await deps.recordCache.loadAll()).size > 0 || (await deps.spool.pending()).snapshots.length > 0) return null;
  const listing = await listStore(deps, options.signal);
  const candidates = candidatesOf(listing.ids, when);
  const sources = packSources(listing.sizes);
  if (candidates.length === 0 || sources === null) return null;
  const points: RestorePoint[] = [];
  for (const id of candidates) points.push(await fetchPoint(deps, id, options.signal));
  const point = chosen(points.toSorted(compareNewestFirst), when);
  if (point === null) return null;
  const opened = await deps.objects.openReader(sources, { signal: options.signal });
  return opened.unusable.length === 0 ? { point, opened } : null;
}

interface Listing {
  /** Newest first. */
  readonly ids: readonly SnapshotId[];
  readonly sizes: ReadonlyMap<string, number>;
}

async function listStore(deps: Deps, signal: AbortSignal | undefined): Promise<Listing> {
  const ids: SnapshotId[] = [];
  const sizes = new Map<string, number>();
  for (const prefix of [snapshotsPrefix, packsPrefix]) {
    for await (const object of deps.storage.list(prefix, { signal })) {
      const parsed = parseStoreKey(object.key);
      if (parsed?.kind === 'record') ids.push(parsed.id);
      if (parsed?.kind === 'pack' || parsed?.kind === 'index') sizes.set(object.key, object.sizeBytes);
    }
  }
  return { ids: ids.toSorted().toReversed(), sizes };
}

/** Ids tell the second a snapshot was taken in; all of the second in question are candidates. */
function candidatesOf(ids: readonly SnapshotId[], when: When): readonly SnapshotId[] {
  const exact = snapshotIdOfFolderName(when.raw) ?? when.raw;
  const named = ids.find((id) => id === exact);
  if (named !== undefined) return [named];
  const first = firstCandidate(ids, when);
  return first === undefined ? [] : ids.filter((id) => secondOf(id) === secondOf(first));
}

function firstCandidate(ids: readonly SnapshotId[], when: When): SnapshotId | undefined {
  // Only the newest: counting back would have to order those of one second first.
  if (when.latestMinus !== null) return when.latestMinus === 0 ? ids[0] : undefined;
  const { time } = when;
  return time === null ? undefined : ids.find((id) => timeOfSnapshotId(id).getTime() <= time.getTime());
}

function secondOf(id: SnapshotId): string {
  return id.slice(0, 20);
}

async function fetchPoint(deps: Deps, id: SnapshotId, signal: AbortSignal | undefined): Promise<RestorePoint> {
  const bytes = await deps.storage.get(recordKey(id), { sizeBytesMax: recordSizeBytesMax, signal });
  return { record: decodeRecord(bytes, id), recordSha256: sha256Of(bytes), where: 'store', localDirectory: null };
}

/** Null when the second holds none that fits after all: a snapshot taken later in it than asked for. */
function chosen(points: readonly RestorePoint[], when: When): RestorePoint | null {
  try {
    return findSnapshot(points, when);
  } catch (error) {
    if (isHoldfastError(error, 'snapshot_unknown')) return null;
    throw error;
  }
}

/** Null when a pack lacks its index: that is for the whole view, whose records can prove one made anew. */
function packSources(sizes: ReadonlyMap<string, number>): PackSource[] | null {
  const sources: PackSource[] = [];
  for (const [key, sizeBytes] of sizes) {
    if (!key.endsWith('.pack')) continue;
    const indexSizeBytes = sizes.get(packIndexKey(key));
    if (indexSizeBytes === undefined) return null;
    const ref = { key, sizeBytes, indexSizeBytes, sha256: null, indexSha256: null, objectCount: null };
    sources.push({ ref, localDirectory: null });
  }
  return sources;
}
