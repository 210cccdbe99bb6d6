import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../../format/digest.ts';
import { parseStoreKey } from '../../format/store-layout.ts';
import { isSnapshotId, type SnapshotId } from '../../model/ids.ts';
import type { StorageKey } from '../../ports/object-storage.ts';
import type { RecordCache } from '../../ports/record-cache.ts';
import { syncDirectory, writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { RecordFile } from './record-file.ts';
import { decodeSighting, encodeSighting } from './sighting-file.ts';

/**
 * Opens what this machine remembers of one store, in a folder of its own below `directory` (the `cache` folder of the
 * private state, which exists). `storeId` is any text that names the store; another one finds another folder.
 */
export function openRecordCache(directory: string, storeId: string): RecordCache {
  const storeDirectory = join(directory, 'stores', sha256Of(Buffer.from(storeId, 'utf8')).slice(0, 16));
  const records = new RecordFile(join(storeDirectory, 'records.cache'), isSnapshotId);
  const marks = new RecordFile(join(storeDirectory, 'marks.cache'), isStoreKey);
  const sightingPath = join(storeDirectory, 'sighting.json');
  const saveAll = async (added: ReadonlyMap<SnapshotId, Uint8Array>): Promise<void> =>
    attempt('keep records in the cache', () => {
      prepare(storeDirectory);
      records.add(added);
    });
  return {
    load: async (id) => attempt('read the record cache', () => records.read(id)),
    loadAll: async () => attempt('read the record cache', () => records.readAll()),
    save: (id, recordBytes) => saveAll(new Map([[id, recordBytes]])),
    saveAll,
    loadMarks: async () => attempt('read the record cache', () => marks.readAll()),
    saveMarks: async (added) =>
      attempt('keep marks of the store in the cache', () => {
        if (added.size === 0) return;
        prepare(storeDirectory);
        marks.add(added);
      }),
    sighting: async () => attempt('read what was last seen of the store', () => readSighting(sightingPath)),
    saveSighting: async (sighting) =>
      attempt('remember what was seen of the store', () => {
        prepare(storeDirectory);
        writeFileDurably(sightingPath, encodeSighting(sighting));
      }),
  };
}

function isStoreKey(text: string): text is StorageKey {
  return parseStoreKey(text) !== null;
}

function attempt<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw mapFsError(error, doing);
  }
}

function prepare(directory: string): void {
  // The sighting is no mere cache, so its folder must survive a power cut too.
  if (mkdirSync(directory, { recursive: true, mode: 0o700 }) === undefined) return;
  syncDirectory(join(directory, '..'));
  syncDirectory(join(directory, '..', '..'));
}

function readSighting(path: string): ReturnType<typeof decodeSighting> {
  try {
    return decodeSighting(readFileSync(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}
