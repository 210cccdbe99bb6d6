import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRollbackJournal } from '../../../src/adapters/live-tree/open-rollback-journal.ts';
import { openRecordCache } from '../../../src/adapters/record-cache/open-record-cache.ts';
import { openSnapshotIndex } from '../../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { openDirectoryStorage } from '../../../src/adapters/storage/directory-storage.ts';
import { loadMachine } from '../../../src/adapters/system/open-machine.ts';
import { openVaultIdentity } from '../../../src/adapters/system/open-vault-identity.ts';
import { loadConfig } from '../../../src/app/load-config.ts';
import { writeVaultFiles } from '../../../src/app/vault-files.ts';
import { sha256Of } from '../../../src/format/digest.ts';
import { isHoldfastError } from '../../../src/model/errors.ts';
import type { IndexEvent } from '../../../src/model/index-row.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import type { StorageBody } from '../../../src/ports/object-storage.ts';
import { fakeIo } from '../../cli/fake-io.ts';

/** One write that must be all or nothing, and a reader that says which it finds. */
export interface SmallAct {
  readonly name: string;
  /** Makes what was there before. */
  prepare(folder: string): void | Promise<void>;
  /** In a process of its own, traced. */
  act(folder: string): void | Promise<void>;
  /** The old state or the new one, as text; throws for anything else. */
  read(folder: string): string | Promise<string>;
}

const now = (): Date => new Date('2026-03-01T09:00:00Z');
const key = 'snapshots/2026-03-01T09:00:00Z-x/snapshot.json';
const old = Buffer.from('the old bytes\n'.repeat(40));
const fresh = Buffer.from('the new bytes, somewhat longer\n'.repeat(400));
const bodyOf = (bytes: Buffer): StorageBody => ({ kind: 'bytes', bytes, sha256: sha256Of(bytes) });
const idOf = (number: number): SnapshotId => `2026-03-01T09:00:0${number}Z-x` as SnapshotId;

const indexOf = (folder: string) =>
  openSnapshotIndex({ path: join(folder, 'state/log/snapshots.ndjson'), machine: 'desk', user: 'ada', now });
const verifyRow = (snapshots: number): IndexEvent => ({
  event: 'verify',
  depth: 'full',
  snapshots,
  findings: 0,
  durationMs: 1,
  packs: 1,
  readBytes: 1,
  proved: [],
});
async function readIndex(folder: string): Promise<string> {
  const before = (await indexOf(folder).read()).rows.map(({ event }) => (event as { snapshots?: number }).snapshots);
  // Whatever is found, the next row must be readable after it.
  await indexOf(folder).append(verifyRow(99));
  const after = (await indexOf(folder).read()).rows.map(({ event }) => (event as { snapshots?: number }).snapshots);
  if (after.join() !== [...before, 99].join()) throw new Error(`after one more row: ${after.join()}`);
  return before.join();
}

const storeAt = (folder: string) =>
  openDirectoryStorage(join(folder, 'store'), { url: 'file:///store', create: true, now });
async function readStore(folder: string): Promise<string> {
  const store = storeAt(folder);
  const listed: string[] = [];
  for await (const object of store.list('')) listed.push(object.key);
  try {
    const bytes = Buffer.from(await store.get(key));
    if (listed.join() !== key) throw new Error(`listed: ${listed.join()}`);
    return bytes.equals(old) ? 'old' : bytes.equals(fresh) ? 'new' : `${bytes.length} other bytes`;
  } catch (error) {
    if (!isHoldfastError(error, 'object_missing')) throw error;
    if (listed.length > 0) throw new Error(`listed and not there: ${listed.join()}`, { cause: error });
    // What was cut off must not stand in the way of the next try.
    await store.putIfAbsent(key, bodyOf(fresh));
    return 'none';
  }
}

const sightingOf = (count: number) => ({
  seenAt: now().toISOString(),
  snapshotIds: Array.from({ length: count }, (_value, at) => idOf(at)),
  headerSeen: true,
  missingIds: [],
  generation: 0,
  prunes: 0,
});
const cacheAt = (folder: string) => openRecordCache(folder, 'store');

const journalAt = (folder: string) => {
  mkdirSync(join(folder, 'run'), { recursive: true });
  return openRollbackJournal(join(folder, 'run'));
};
async function readJournal(folder: string): Promise<string> {
  const bytes = await journalAt(folder).load();
  return bytes === null ? 'none' : Buffer.from(bytes).equals(fresh) ? 'new' : 'another journal';
}

const configOf = (folder: string) =>
  loadConfig({ vault: join(folder, 'vault') }, fakeIo({ cwd: join(folder, 'vault'), home: folder, env: {} }));
const files = (store: string) => ({ store, keepAll: false, encrypted: false, gitignore: false });

export const smallActs: readonly SmallAct[] = [
  {
    name: 'index-append',
    async prepare(folder) {
      for (const row of [1, 2]) await indexOf(folder).append(verifyRow(row));
    },
    act: async (folder) => void (await indexOf(folder).append(verifyRow(3))),
    read: readIndex,
  },
  {
    name: 'index-begin',
    prepare: (folder) => void mkdirSync(join(folder, 'state'), { recursive: true }),
    act: async (folder) => void (await indexOf(folder).append(verifyRow(1))),
    read: readIndex,
  },
  {
    name: 'store-put',
    prepare: (folder) => void storeAt(folder),
    act: async (folder) => void (await storeAt(folder).putIfAbsent(key, bodyOf(fresh))),
    read: readStore,
  },
  {
    name: 'store-replace',
    prepare: async (folder) => void (await storeAt(folder).putIfAbsent(key, bodyOf(old))),
    act: (folder) => storeAt(folder).put(key, bodyOf(fresh)),
    read: readStore,
  },
  {
    name: 'sighting',
    prepare: (folder) => cacheAt(folder).saveSighting(sightingOf(2)),
    act: (folder) => cacheAt(folder).saveSighting(sightingOf(3)),
    read: async (folder) => String((await cacheAt(folder).sighting())?.snapshotIds.length),
  },
  {
    name: 'journal-save',
    prepare: (folder) => void journalAt(folder),
    act: (folder) => journalAt(folder).save(fresh),
    read: readJournal,
  },
  {
    name: 'journal-remove',
    prepare: (folder) => journalAt(folder).save(fresh),
    act: (folder) => journalAt(folder).remove(),
    read: readJournal,
  },
  {
    name: 'vault-identity',
    prepare: (folder) => openVaultIdentity(folder).save('0123456789abcdef'),
    act: (folder) => openVaultIdentity(folder).save('fedcba9876543210'),
    read: (folder) => String(openVaultIdentity(folder).load()),
  },
  {
    name: 'machine-identity',
    prepare: () => {},
    act: (folder) => void loadMachine({ dataDir: join(folder, 'data'), env: {}, hostname: 'desk', username: 'ada' }),
    read(folder) {
      const read = () => loadMachine({ dataDir: join(folder, 'data'), env: {}, hostname: 'desk', username: 'ada' }).id;
      const id = read();
      if (read() !== id) throw new Error('drawn anew each time');
      return id;
    },
  },
  {
    name: 'settings',
    prepare(folder) {
      mkdirSync(join(folder, 'vault'), { recursive: true });
      writeFileSync(join(folder, 'vault/holdfast.json'), '{ "store": "file:///old" }\n');
    },
    act: (folder) => void writeVaultFiles(configOf(folder), files('file:///new')),
    read: (folder) => JSON.stringify(configOf(folder).store),
  },
];
