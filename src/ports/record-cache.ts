import type { SnapshotId } from '../model/ids.ts';
import type { StorageKey } from './object-storage.ts';

/** What this machine last saw of a store. */
export interface StoreSighting {
  /** ISO time of the listing. */
  readonly seenAt: string;
  readonly snapshotIds: readonly SnapshotId[];
  /** The store's header was seen and belongs to this vault. */
  readonly headerSeen: boolean;
  /** Seen in the store before, absent at this listing, and not yet accepted as gone (`reindex` accepts). */
  readonly missingIds: readonly SnapshotId[];
  /** Counts how often packs this machine relied on were accepted as gone; stat caches of another count are checked. */
  readonly generation: number;
  /** Counts the runs of prune seen that condemned packs: ids in stat caches of another count are checked as well. */
  readonly prunes: number;
}

/**
 * Local copies of published records, so that browsing needs no requests, and the last listing of the store. Only a cache
 * (it can be deleted), except that the sighting lets this machine notice a store that lost snapshots.
 */
export interface RecordCache {
  /** The exact published bytes, or null. */
  load(id: SnapshotId): Promise<Uint8Array | null>;
  /** All cached records at once, by id: one read, not one per record. */
  loadAll(): Promise<ReadonlyMap<SnapshotId, Uint8Array>>;
  save(id: SnapshotId, recordBytes: Uint8Array): Promise<void>;
  saveAll(records: ReadonlyMap<SnapshotId, Uint8Array>): Promise<void>;
  /** The bytes of pins and prune plans seen in the store, by key: they are written once there, so kept for good here. */
  loadMarks(): Promise<ReadonlyMap<StorageKey, Uint8Array>>;
  saveMarks(marks: ReadonlyMap<StorageKey, Uint8Array>): Promise<void>;
  sighting(): Promise<StoreSighting | null>;
  saveSighting(sighting: StoreSighting): Promise<void>;
}
