import { decodeRecord } from '../../format/snapshot-record.ts';
import { sha256Of } from '../../format/digest.ts';
import { packIndexKey, packsPrefix, recordKey, snapshotsPrefix } from '../../format/store-layout.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { Sha256, SnapshotId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { PackRef } from '../../model/snapshot.ts';
import type { StorageKey } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { packsInUse } from '../pack-sources.ts';
import { loadMarks } from '../store-marks.ts';
import type { StoreView } from '../store-view.ts';
import type { RepairSource } from './repair-source.ts';

/** An object of the store that is missing, or not what its record says. */
export interface BrokenObject {
  readonly key: StorageKey;
  /** Of its plain bytes; null where any genuine copy will do. */
  readonly sha256: Sha256 | null;
  readonly reason: 'missing' | 'damaged';
}

/** Snapshots whose record has gone or cannot be trusted, with genuine bytes of it from the source. */
export interface LostRecord {
  readonly id: SnapshotId;
  readonly key: StorageKey;
  readonly point: RestorePoint;
  readonly reason: 'missing' | 'damaged';
}

/** Records that the source has and the store lacks, except those that prune dropped on purpose. */
export async function findLostRecords(
  deps: Deps,
  view: StoreView,
  source: RepairSource,
): Promise<readonly LostRecord[]> {
  const present = new Set(view.points.filter(({ where }) => where === 'store').map(({ record }) => record.id));
  const damaged = new Set(view.invalid.filter(({ isNewer }) => !isNewer).map(({ id }) => id));
  const { plans } = await loadMarks(deps);
  const dropped = new Set(plans.flatMap((plan) => plan.dropped.map(({ id, recordSha256 }) => `${id} ${recordSha256}`)));
  const lost: LostRecord[] = [];
  for (const id of await source.recordIds()) {
    if (present.has(id)) continue;
    const point = await genuineRecord(source, id);
    if (point === null || dropped.has(`${id} ${point.recordSha256}`)) continue;
    lost.push({ id, key: recordKey(id), point, reason: damaged.has(id) ? 'damaged' : 'missing' });
  }
  return lost;
}

async function genuineRecord(source: RepairSource, id: SnapshotId): Promise<RestorePoint | null> {
  const copies = source.records(recordKey(id));
  try {
    for (;;) {
      const { done, value: bytes } = await copies.next();
      if (done === true) return null;
      try {
        const record = decodeRecord(bytes, id);
        return { record, recordSha256: sha256Of(bytes), where: 'store', localDirectory: null };
      } catch (error) {
        if (!isHoldfastError(error, 'record_invalid')) throw error;
      }
    }
  } finally {
    await copies.return(undefined);
  }
}

/** Packs and indexes that the points need and that are not there, or (with `full`) do not have the bytes they should. */
export async function findBrokenPacks(
  deps: Deps,
  points: readonly RestorePoint[],
  options: { full: boolean; signal?: AbortSignal | undefined },
): Promise<readonly BrokenObject[]> {
  const { full, signal } = options;
  const sizes = new Map<StorageKey, number>();
  for (const prefix of [snapshotsPrefix, packsPrefix]) {
    for await (const { key, sizeBytes } of deps.storage.list(prefix, { signal })) sizes.set(key, sizeBytes);
  }
  const broken: BrokenObject[] = [];
  const check = (key: StorageKey, sizeBytes: number, sha256: Sha256): boolean => {
    const found = sizes.get(key);
    if (found === sizeBytes) return true;
    broken.push({ key, sha256, reason: found === undefined ? 'missing' : 'damaged' });
    return false;
  };
  const { live } = packsInUse(points, await loadMarks(deps));
  for (const { ref } of live) {
    const isThere = check(ref.key, ref.sizeBytes, ref.sha256);
    if (isThere && full && (await isDamaged(deps, ref, signal))) {
      broken.push({ key: ref.key, sha256: ref.sha256, reason: 'damaged' });
    }
    check(packIndexKey(ref.key), ref.indexSizeBytes, ref.indexSha256);
  }
  return broken;
}

async function isDamaged(deps: Deps, ref: PackRef, signal: AbortSignal | undefined): Promise<boolean> {
  const troubles = await deps.objects.verify({ ref, localDirectory: null }, { depth: 'checksum', signal });
  return troubles.length > 0;
}
