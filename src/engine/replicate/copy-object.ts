import { sha256Of } from '../../format/digest.ts';
import { packIndexKey } from '../../format/store-layout.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { ObjectStorage, StorageBody, StorageKey, StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { objectPieces } from '../object-pieces.ts';
import { packsInUse } from '../pack-sources.ts';
import { loadMarks } from '../store-marks.ts';
import { loadStoreView } from '../store-view.ts';

/** Larger objects pass through a file, so that eight at once stay within a few dozen megabytes. */
const inMemoryBytesMax = 4 * 1024 * 1024;

export type CopyOutcome = 'copied' | 'vanished' | 'damaged';

/**
 * Copies one object as it lies there. `sha256` is what a record says of it, when it says anything: bytes that differ are
 * not passed on. The storage proves what it took (see `ObjectStorage`).
 */
export async function copyObject(
  deps: Pick<Deps, 'rawStorage' | 'temporaryFiles'>,
  options: {
    readonly replica: ObjectStorage;
    readonly object: StoredObject;
    readonly sha256: Sha256 | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<CopyOutcome> {
  const { replica, object, sha256, signal } = options;
  try {
    if (sha256 !== null && (await replica.copyFrom?.(deps.rawStorage.url, object, { sha256, signal })) === true) {
      return 'copied';
    }
    if (object.sizeBytes <= inMemoryBytesMax) {
      const bytes = await deps.rawStorage.get(object.key, { sizeBytesMax: inMemoryBytesMax, signal });
      return await store(replica, { object, body: { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, sha256, signal });
    }
    using file = await deps.temporaryFiles.collect(objectPieces(deps.rawStorage, object, signal));
    const body = { kind: 'file', path: file.path, sizeBytes: file.sizeBytes, sha256: file.sha256 } as const;
    return await store(replica, { object, body, sha256, signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing') && (await deps.rawStorage.head(object.key, { signal })) === null) {
      return 'vanished';
    }
    throw error;
  }
}

async function store(
  replica: ObjectStorage,
  copy: { object: StoredObject; body: StorageBody; sha256: Sha256 | null; signal: AbortSignal | undefined },
): Promise<CopyOutcome> {
  const { object, body, sha256, signal } = copy;
  if (sha256 !== null && body.sha256 !== sha256) return 'damaged';
  try {
    await replica.putIfAbsent(object.key, body, { signal });
  } catch (error) {
    if (!isHoldfastError(error, 'storage_conflict')) throw error;
    // Other bytes under a write-once key: cut short, or damaged over there. What was just read from the source is right, and
    // where the replica keeps versions the old bytes stay.
    await replica.put(object.key, body, { signal });
  }
  return 'copied';
}

/** SHA-256 of packs and indexes by their keys, as the records have them; nothing for a store whose bytes are sealed. */
export async function expectedSums(
  deps: Deps,
  options: { signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<StorageKey, Sha256>> {
  const sums = new Map<StorageKey, Sha256>();
  if (deps.encryption.isSealed === true) return sums;
  const { points } = await loadStoreView(deps, { refresh: 'always', signal: options.signal });
  const stored = points.filter(({ where }) => where === 'store');
  const { live, condemned } = packsInUse(stored, await loadMarks(deps));
  for (const { ref } of [...condemned, ...live]) {
    // Of a pack that only a listing knows, nobody has said what it should be.
    if (ref.sha256 !== null) sums.set(ref.key, ref.sha256);
    if (ref.indexSha256 !== null) sums.set(packIndexKey(ref.key), ref.indexSha256);
  }
  return sums;
}
