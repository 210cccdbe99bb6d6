import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repairStore } from '../../../src/engine/repair/repair-store.ts';
import { replicaSource, versionsSource } from '../../../src/engine/repair/repair-source.ts';
import { syncReplica } from '../../../src/engine/replicate/sync-replica.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import { sha256Of } from '../../../src/format/digest.ts';
import { parseStoreKey } from '../../../src/format/store-layout.ts';
import type { Label } from '../../../src/model/ids.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { openTestVault, type TestVault } from '../../support/test-vault.ts';

const hourMs = 3_600_000;

async function setUp(options: { versioning?: 'on' | 'off' } = {}) {
  const storage = createMemoryStorage({ versioning: options.versioning ?? 'on' });
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  for (let i = 1; i <= 3; i++) {
    vault.write(`note-${i}.md`, `note ${i}\n`);
    vault.clock.advance(hourMs);
    await takeSnapshot(vault.deps, { kind: 'manual', label: `step ${i}` as Label });
  }
  const replica = createMemoryStorage();
  await syncReplica(vault.deps, { replica });
  return { vault, storage, replica };
}

type Setting = Awaited<ReturnType<typeof setUp>>;

const bodyOf = (bytes: Uint8Array) => ({ kind: 'bytes', bytes, sha256: sha256Of(bytes) }) as const;

const contentsOf = (storage: MemoryStorage) => new Map(storage.keys().map((key) => [key, storage.peek(key)!.slice()]));

async function findingsOf(vault: TestVault): Promise<number> {
  return (await verifyStore(vault.deps, { depth: 'full' })).findings.length;
}

const sources = {
  versions: ({ vault }: Setting) => versionsSource(vault.deps, undefined),
  replica: ({ vault, replica }: Setting) => replicaSource(vault.deps, { replica, plain: replica }),
};

describe.each(Object.entries(sources))('from the %s', (_name, sourceOf) => {
  test('S12: brings back every single object that was deleted, whichever it is', async () => {
    const setting = await setUp();
    const { vault, storage } = setting;
    const before = contentsOf(storage);
    for (const key of before.keys()) {
      await storage.delete(key);
      const report = await repairStore(vault.deps, { source: sourceOf(setting), full: false, dryRun: false });
      expect(report).toMatchObject({ repaired: [key], beyond: [] });
      expect(contentsOf(storage)).toEqual(before);
    }
    expect(await findingsOf(vault)).toBe(0);
  });

  test('S12: brings back a store that was emptied', async () => {
    const setting = await setUp();
    const { vault, storage } = setting;
    const before = contentsOf(storage);
    for (const key of before.keys()) await storage.delete(key);
    const report = await repairStore(vault.deps, { source: sourceOf(setting), full: false, dryRun: false });
    expect(report).toMatchObject({ beyond: [], keptIn: null });
    expect(report.snapshots).toHaveLength(3);
    expect(contentsOf(storage)).toEqual(before);
    expect(await findingsOf(vault)).toBe(0);
  });

  test('replaces a damaged pack with --full, and keeps the damaged bytes as a version', async () => {
    const setting = await setUp();
    const { vault, storage } = setting;
    const before = contentsOf(storage);
    const key = storage.keys().find((one) => one.endsWith('.pack'))!;
    const damaged = before.get(key)!.slice();
    damaged[60]! ^= 0xff;
    await storage.put(key, bodyOf(damaged));
    const quick = await repairStore(vault.deps, { source: sourceOf(setting), full: false, dryRun: false });
    expect(quick.repaired).toEqual([]);
    const report = await repairStore(vault.deps, { source: sourceOf(setting), full: true, dryRun: false });
    expect(report).toMatchObject({ repaired: [key], beyond: [], keptIn: null });
    expect(contentsOf(storage)).toEqual(before);
  });

  test('--dry-run says the same and writes nothing', async () => {
    const setting = await setUp();
    const { vault, storage } = setting;
    const key = storage.keys().find((one) => parseStoreKey(one)?.kind === 'record')!;
    await storage.delete(key);
    const report = await repairStore(vault.deps, { source: sourceOf(setting), full: false, dryRun: true });
    expect(report).toMatchObject({ repaired: [key], snapshots: [key.split('/')[1]] });
    expect(storage.peek(key)).toBeUndefined();
  });
});

test('where no version will stay, damaged bytes are kept in the holding directory first', async () => {
  const { vault, storage, replica } = await setUp({ versioning: 'off' });
  const key = storage.keys().find((one) => one.endsWith('.pack'))!;
  storage.poke(key, Buffer.from('damaged beyond recognition'));
  const source = replicaSource(vault.deps, { replica, plain: replica });
  const report = await repairStore(vault.deps, { source, full: false, dryRun: false });
  expect(report.repaired).toEqual([key]);
  const [kept] = readdirSync(report.keptIn!);
  expect(readFileSync(join(report.keptIn!, kept!), 'utf8')).toBe('damaged beyond recognition');
});

test('a damaged copy in the source is no copy: the object is named, and no record comes back without its packs', async () => {
  const { vault, storage, replica } = await setUp();
  const pack = storage.keys().find((one) => one.endsWith('.pack'))!;
  const record = storage.keys().find((one) => parseStoreKey(one)?.kind === 'record')!;
  storage.drop(pack);
  storage.drop(record);
  replica.peek(pack)![50]! ^= 1;
  const source = replicaSource(vault.deps, { replica, plain: replica });
  const report = await repairStore(vault.deps, { source, full: false, dryRun: false });
  expect(report).toMatchObject({ repaired: [], snapshots: [] });
  expect(report.beyond).toEqual([pack, record]);
});

test('a snapshot that this machine saw and nobody has a record of any more is named', async () => {
  const { vault, storage } = await setUp();
  const record = storage.keys().find((one) => parseStoreKey(one)?.kind === 'record')!;
  const prefix = record.slice(0, record.lastIndexOf('/') + 1);
  for (const key of storage.keys()) if (key.startsWith(prefix)) storage.drop(key);
  const source = replicaSource(vault.deps, { replica: createMemoryStorage(), plain: createMemoryStorage() });
  const report = await repairStore(vault.deps, { source, full: false, dryRun: false });
  expect(report.beyond).toContain(record);
});
