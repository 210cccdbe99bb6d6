import { sha256Of } from '../format/digest.ts';
import { decodeRecord } from '../format/snapshot-record.ts';
import { isHoldfastError } from '../model/errors.ts';
import { compareNewestFirst, type RestorePoint } from '../model/restore-point.ts';
import type { Deps } from './deps.ts';

/**
 * The newest restore points this machine knows of, at most `count` of the store's, newest first: what a first look needs,
 * long before all records of a long history are checked. Asks nothing; records that cannot be trusted are left out.
 */
export async function readNewestPoints(
  deps: Pick<Deps, 'recordCache' | 'spool'>,
  options: { readonly count: number },
): Promise<{ readonly points: readonly RestorePoint[]; readonly isWhole: boolean }> {
  const sighting = await deps.recordCache.sighting();
  // Ids begin with the time.
  const ids = (sighting?.snapshotIds ?? []).toSorted().reverse();
  const chosen = ids.slice(0, options.count);
  const cached = await deps.recordCache.loadAll();
  const points: RestorePoint[] = [];
  for (const id of chosen) {
    const bytes = cached.get(id);
    if (bytes === undefined) continue;
    try {
      points.push({
        record: decodeRecord(bytes, id),
        recordSha256: sha256Of(bytes),
        where: 'store',
        localDirectory: null,
      });
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
    }
  }
  const stored = new Set(chosen);
  for (const { record, recordBytes, directory } of (await deps.spool.pending()).snapshots) {
    if (!stored.has(record.id))
      points.push({ record, recordSha256: sha256Of(recordBytes), where: 'local', localDirectory: directory });
  }
  return { points: points.toSorted(compareNewestFirst), isWhole: chosen.length === ids.length };
}
