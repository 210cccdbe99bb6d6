import { sha256Of } from '../format/digest.ts';
import { recordSizeBytesMax } from '../format/snapshot-record.ts';
import { recordKey } from '../format/store-layout.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { IndexRow } from '../model/index-row.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { Deps } from './deps.ts';
import type { VerifyFinding } from './verify-store.ts';

const readsAtOnce = 16;

/**
 * Reads every record in the store again, past everything this machine keeps, and compares it with what was seen of it
 * before: a record holds no checksum of its own, so its bytes are proved by those who knew them.
 */
export async function checkRecords(
  deps: Deps,
  points: readonly RestorePoint[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<readonly VerifyFinding[]> {
  const { signal } = options;
  const { rows } = await deps.snapshotIndex.read();
  const logged = loggedChecksums(rows);
  const findings: VerifyFinding[] = [];
  const read = mapConcurrent(points, { limit: readsAtOnce, signal }, async (point) => ({
    point,
    stored: await readChecksum(deps, point, signal),
  }));
  for await (const { point, stored } of read) {
    const { id } = point.record;
    const isKnown = stored === point.recordSha256 && stored === (logged.get(id) ?? stored);
    if (isKnown) continue;
    const message =
      stored === null ? 'the record is missing' : 'the record is not the one this machine has seen before';
    findings.push({ key: recordKey(id), snapshots: [id], message });
  }
  return findings;
}

/** Checksum of each record when it was last known to be in the store, by the index. */
function loggedChecksums(rows: readonly IndexRow[]): ReadonlyMap<string, string> {
  const logged = new Map<string, string>();
  for (const { event } of rows) {
    const isStored = event.event === 'published' || (event.event === 'snapshot' && event.where === 'store');
    if (isStored) logged.set(event.id, event.recordSha256);
  }
  return logged;
}

async function readChecksum(deps: Deps, point: RestorePoint, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    const getOptions = { sizeBytesMax: recordSizeBytesMax, signal };
    return sha256Of(await deps.storage.get(recordKey(point.record.id), getOptions));
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}
