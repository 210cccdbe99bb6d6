import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMachineFacts } from '../../../src/adapters/system/open-machine-facts.ts';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { examineVault } from '../../../src/engine/doctor/examine-vault.ts';
import type { Finding } from '../../../src/engine/doctor/finding.ts';
import { probeStorage } from '../../../src/engine/doctor/probe-storage.ts';
import type { ObjectStorage } from '../../../src/ports/object-storage.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { type S3Server, startS3Server } from '../../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';
import { openTestVault } from '../../support/test-vault.ts';

const openS3 = (server: S3Server): Promise<ObjectStorage> =>
  openStorage(server.storeUrl(), {
    clock: testClock(),
    random: testRandom,
    credentials: server.credentials,
    retryWindowMs: 0,
  });

async function probe(storage: ObjectStorage, large = false): Promise<Record<string, Finding['level']>> {
  const clock = { now: () => new Date(), monotonicMs: () => 0, sleep: async () => {} };
  const findings = await probeStorage({ rawStorage: storage, random: testRandom, clock }, { large });
  for (const { text, remedy } of findings) {
    expect(text).not.toBe('');
    expect(text + remedy).not.toContain('undefined');
  }
  return Object.fromEntries(findings.map(({ id, level }) => [id, level]));
}

describe('the doctor makes a bucket show what it does', () => {
  test('a good one: everything good, and nothing is left behind', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    server.bucket.versioning = 'Enabled';
    expect(await probe(storage, true)).toEqual({
      store_list: 'good',
      store_write: 'good',
      store_clock: 'good',
      store_ranges: 'good',
      store_create: 'good',
      store_versioning: 'good',
      store_delete: 'good',
      store_large: 'good',
      store_condition: 'good',
      store_checksum: 'good',
      store_lifecycle: 'good',
      store_lock: 'note',
    });
    const left: string[] = [];
    for await (const { key } of storage.versions('')) left.push(key);
    expect(left).toEqual([]);
  });

  test('S13, S14: versions that are off, and versions there are none of', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    server.bucket.versioning = 'Suspended';
    expect(await probe(storage)).toMatchObject({ store_versioning: 'warning', store_delete: 'good' });
    server.behaviour.versions = false;
    expect(await probe(storage)).toMatchObject({ store_versioning: 'warning' });
  });

  test('S15: conditions that are ignored or refused are said; ids carry chance', async () => {
    for (const conditions of ['ignored', 'refused'] as const) {
      await using server = await startS3Server();
      await using storage = await openS3(server);
      server.behaviour.conditions = conditions;
      expect(await probe(storage)).toMatchObject({ store_create: 'note', store_condition: 'note' });
      expect(storage.createIsExclusive).toBe(false);
    }
  });

  test('S17: a lifecycle rule that eats the store is a problem, one elsewhere is not', async () => {
    const rule = (prefix: string): string =>
      `<LifecycleConfiguration><Rule><ID>old things go</ID><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter>` +
      '<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>';
    await using server = await startS3Server();
    await using storage = await openS3(server);
    server.bucket.lifecycle = rule('');
    expect(await probe(storage)).toMatchObject({ store_lifecycle: 'problem' });
    server.bucket.lifecycle = rule('store/snapshots/');
    expect(await probe(storage)).toMatchObject({ store_lifecycle: 'problem' });
    server.bucket.lifecycle = rule('elsewhere/');
    expect(await probe(storage)).toMatchObject({ store_lifecycle: 'good' });
  });

  test('says how long versions stay: 30 days as init sets it, less is a warning', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    await storage.enableVersioning();
    expect(await probe(storage)).toMatchObject({ store_versioning: 'good', store_version_days: 'good' });
    server.bucket.lifecycle = server.bucket.lifecycle!.replace('<NoncurrentDays>30<', '<NoncurrentDays>3<');
    expect(await probe(storage)).toMatchObject({ store_version_days: 'warning' });
  });

  test('C04: a clock that is ten minutes off', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    const clock = { now: () => new Date(Date.now() - 600_000), monotonicMs: () => 0, sleep: async () => {} };
    const findings = await probeStorage({ rawStorage: storage, random: testRandom, clock }, { large: false });
    expect(findings.find(({ id }) => id === 'store_clock')).toMatchObject({ level: 'problem' });
  });

  test('S21: a storage that takes no checksums', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    server.behaviour.checksums = 'refused';
    expect(await probe(storage)).toMatchObject({ store_write: 'good', store_checksum: 'note' });
  });

  test('A03: a key that may not delete says what it leaves', async () => {
    await using server = await startS3Server();
    await using storage = await openS3(server);
    const action = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    server.faults.add({ operation: 'DeleteObject', times: Infinity, action });
    expect(await probe(storage)).toMatchObject({ store_delete: 'note', store_leftovers: 'note' });
  });

  test('a storage that writes over a taken key is named for what it is', async () => {
    const storage = createMemoryStorage();
    const bad: ObjectStorage = {
      ...storage,
      async putIfAbsent(key, body) {
        await storage.put(key, body);
        return 'created';
      },
    };
    expect(await probe(bad)).toMatchObject({ store_create: 'problem' });
  });
});

test('looks at the vault and the machine', async () => {
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage: createMemoryStorage() });
  vault.write('a.md', 'a');
  const keyFile = join(vault.root, '../key');
  writeFileSync(keyFile, 'secret');
  chmodSync(keyFile, 0o644);
  const facts = { ...readMachineFacts([keyFile]), watchesMax: 1, watchInstancesMax: 1 };
  const levels = async (limits: typeof facts) => {
    const findings = await examineVault(vault.deps, limits, {});
    return Object.fromEntries(findings.map(({ id, level }) => [id, level]));
  };
  expect(await levels(facts)).toMatchObject({
    node: 'good',
    watches: 'warning',
    watch_instances: 'warning',
    holding: 'good',
    index: 'good',
    key_file: 'warning',
  });
  chmodSync(keyFile, 0o600);
  const fine = { ...readMachineFacts([keyFile]), watchesMax: 100_000, watchInstancesMax: 512 };
  expect(Object.values(await levels(fine))).not.toContain('warning');
});
