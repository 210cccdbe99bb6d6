import { recordSizeBytesMax } from '../../format/snapshot-record.ts';
import { parseStoreKey, snapshotsPrefix } from '../../format/store-layout.ts';
import type { Sha256, SnapshotId } from '../../model/ids.ts';
import type { ObjectStorage, StorageKey } from '../../ports/object-storage.ts';
import type { TemporaryFile } from '../../ports/temporary-files.ts';
import type { Deps } from '../deps.ts';
import { objectPieces } from '../object-pieces.ts';
import { listRecordIds } from '../replicate/sync-replica.ts';

/** Earlier or other copies of the store's objects. */
export interface RepairSource {
  /** For people: 'the versions of the bucket', or the replica's address. */
  readonly name: string;
  /**
   * Yields copies of an object as they lie in their storage, likeliest first, proved to hold the plain bytes of that SHA-256
   * where that can be known before they are put back; `sha256` null asks for no proof. The caller disposes of each.
   */
  copies(key: StorageKey, sha256: Sha256 | null): AsyncGenerator<TemporaryFile>;
  /** Ids of snapshots whose record the source has. */
  recordIds(): Promise<readonly SnapshotId[]>;
  /** Plain bytes of a record, newest copy first; damaged ones included. */
  records(key: StorageKey): AsyncGenerator<Uint8Array>;
}

type Reads = Pick<Deps, 'storage' | 'rawStorage' | 'encryption' | 'temporaryFiles'>;

/** What the storage keeps of overwritten and deleted objects. */
export function versionsSource(deps: Reads, signal: AbortSignal | undefined): RepairSource {
  async function* versionsOf(key: StorageKey) {
    for await (const version of deps.rawStorage.versions(key, { signal })) {
      if (version.key === key && !version.isDeleteMarker) yield version;
    }
  }
  return {
    name: 'the versions the storage keeps',
    async *copies(key, sha256) {
      for await (const { storageVersionId, sizeBytes } of versionsOf(key)) {
        const at = { key, storageVersionId, signal };
        if (sha256 !== null && !(await isPlainly(deps, { ...at, sha256 }))) continue;
        yield await deps.temporaryFiles.collect(objectPieces(deps.rawStorage, { ...at, sizeBytes }, signal));
      }
    },
    async recordIds() {
      const ids = new Set<SnapshotId>();
      for await (const { key, isDeleteMarker } of deps.rawStorage.versions(snapshotsPrefix, { signal })) {
        const parsed = isDeleteMarker ? null : parseStoreKey(key);
        if (parsed?.kind === 'record') ids.add(parsed.id);
      }
      return [...ids];
    },
    async *records(key) {
      for await (const { storageVersionId } of versionsOf(key)) {
        yield await deps.storage.get(key, { storageVersionId, sizeBytesMax: recordSizeBytesMax, signal });
      }
    },
  };
}

/** A replica. `replica` is how it lies there, `plain` the same without its encryption. */
export function replicaSource(
  deps: Reads,
  options: {
    readonly replica: ObjectStorage;
    readonly plain: ObjectStorage;
    readonly signal?: AbortSignal | undefined;
  },
): RepairSource {
  const { replica, plain, signal } = options;
  return {
    name: replica.url,
    async *copies(key, sha256) {
      const found = await replica.head(key, { signal });
      if (found === null) return;
      if (sha256 !== null && !(await isPlainly({ ...deps, storage: plain }, { key, sha256, signal }))) return;
      yield await deps.temporaryFiles.collect(objectPieces(replica, found, signal));
    },
    recordIds: () => listRecordIds(replica, signal),
    async *records(key) {
      if ((await replica.head(key, { signal })) === null) return;
      yield await plain.get(key, { sizeBytesMax: recordSizeBytesMax, signal });
    },
  };
}

interface At {
  readonly key: StorageKey;
  readonly storageVersionId?: string;
  readonly signal?: AbortSignal | undefined;
}

/** True when the plain bytes of a copy have this checksum; a copy that cannot be read, or not be decrypted, has not. */
async function isPlainly(
  deps: Pick<Reads, 'storage' | 'temporaryFiles'>,
  at: At & { sha256: Sha256 },
): Promise<boolean> {
  try {
    using file = await deps.temporaryFiles.collect(unknownLength(deps.storage, at));
    return file.sha256 === at.sha256;
  } catch (error) {
    at.signal?.throwIfAborted();
    if (error instanceof Error && 'kind' in error && error.kind === 'integrity') return false;
    throw error;
  }
}

/** The whole of one copy. A version's plain length is not known beforehand; packs fit in memory one at a time. */
async function* unknownLength(
  storage: ObjectStorage,
  { key, storageVersionId, signal }: At,
): AsyncGenerator<Uint8Array> {
  yield await storage.get(key, { ...(storageVersionId === undefined ? {} : { storageVersionId }), signal });
}
