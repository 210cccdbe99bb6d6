import type { SnapshotId } from '../model/ids.ts';

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
  sighting(): Promise<StoreSighting | null>;
  saveSighting(sighting: StoreSighting): Promise<void>;
}
