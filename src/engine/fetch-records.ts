import { mapConcurrent } from '../lib/map-concurrent.ts';
import { decodeRecord, recordSizeBytesMax } from '../format/snapshot-record.ts';
import { recordKey } from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Deps } from './deps.ts';

/** How many records are asked for at once. */
export const recordFetchesMax = 16;

/** Adds the records to `cached`; returns the ids whose record has gone since the listing (pruned, or the listing was stale). */
export async function fetchRecords(
  deps: Deps,
  ids: readonly SnapshotId[],
  options: { cached: Map<SnapshotId, Uint8Array>; signal: AbortSignal | undefined },
): Promise<ReadonlySet<SnapshotId>> {
  const gone = new Set<SnapshotId>();
  if (ids.length === 0) return gone;
  const fetched = new Map<SnapshotId, Uint8Array>();
  const answers = mapConcurrent(ids, { limit: recordFetchesMax, signal: options.signal }, async (id) => {
    const bytes = await readRecord(deps, id, options.signal);
    if (bytes === null || isValidRecord(bytes, id)) return { id, bytes };
    // Damaged on its way rather than in the store: a second reading tells (S06).
    return { id, bytes: await readRecord(deps, id, options.signal) };
  });
  for await (const { id, bytes } of answers) {
    if (bytes === null) {
      gone.add(id);
      continue;
    }
    options.cached.set(id, bytes);
    // An invalid record is not kept: it may be mended in the store.
    if (isValidRecord(bytes, id)) fetched.set(id, bytes);
  }
  await deps.recordCache.saveAll(fetched);
  return gone;
}

async function readRecord(deps: Deps, id: SnapshotId, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
  try {
    return await deps.storage.get(recordKey(id), { sizeBytesMax: recordSizeBytesMax, signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    // One record that somebody blew up must not keep every other from being read: no bytes are no valid record.
    if (isHoldfastError(error, 'storage_answer_invalid') && (await isTooLarge(deps, id, signal)))
      return new Uint8Array();
    throw error;
  }
}

async function isTooLarge(deps: Deps, id: SnapshotId, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await deps.storage.head(recordKey(id), { signal });
  return found !== null && found.sizeBytes > recordSizeBytesMax;
}

function isValidRecord(bytes: Uint8Array, id: SnapshotId): boolean {
  try {
    decodeRecord(bytes, id);
    return true;
  } catch (error) {
    if (isHoldfastError(error)) return false;
    throw error;
  }
}
