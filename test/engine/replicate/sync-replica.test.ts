import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { replicaReasons } from '../../../src/engine/replica-health.ts';
import { readReplicaStatus } from '../../../src/engine/replicate/replica-status.ts';
import { syncReplica } from '../../../src/engine/replicate/sync-replica.ts';
import { restoreSnapshot } from '../../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../../src/engine/store-view.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import { parseStoreKey } from '../../../src/format/store-layout.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { Label } from '../../../src/model/ids.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { openTestVault, type TestVault } from '../../support/test-vault.ts';

const hourMs = 3_600_000;

async function vaultWithSnapshots(count = 3): Promise<{ vault: TestVault; storage: MemoryStorage }> {
  const storage = createMemoryStorage();
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  for (let i = 1; i <= count; i++) await snapshot(vault, i);
  return { vault, storage };
}

async function snapshot(vault: TestVault, i: number): Promise<void> {
  vault.write(`notes/${i}.md`, `note ${i}\n`);
  vault.write('always.md', `changed ${i}\n`);
  vault.clock.advance(hourMs);
  await takeSnapshot(vault.deps, { kind: 'manual', label: `step ${i}` as Label });
}

/** Restores every snapshot that the storage shows, on a machine that never saw it, and returns how many there were. */
async function restoreAll(storage: MemoryStorage): Promise<number> {
  const other = openTestVault({ root: join(scratchFolder(), 'other'), storage, machine: 'other' });
  const { points } = await loadStoreView(other.deps, { refresh: 'always' });
  const { reader } = await openPointReader(other.deps, points);
  for (const point of points) {
    const { complete, directory } = await restoreSnapshot(other.deps, { point, reader, paths: null });
    expect(complete).toBe(true);
    const step = point.record.label.split(' ')[1]!;
    expect(readFileSync(join(directory!, 'always.md'), 'utf8')).toBe(`changed ${step}\n`);
  }
  return points.length;
}

describe('a replica', () => {
  test('becomes level, restores alone, and the next sync copies only what is new', async () => {
    const { vault } = await vaultWithSnapshots();
    const replica = createMemoryStorage();
    expect(await syncReplica(vault.deps, { replica })).toMatchObject({ snapshots: 3, complete: true, damaged: [] });
    expect(await restoreAll(replica)).toBe(3);
    expect(await syncReplica(vault.deps, { replica })).toMatchObject({ snapshots: 0, objects: 0, copiedBytes: 0 });
    await snapshot(vault, 4);
    expect(await syncReplica(vault.deps, { replica })).toMatchObject({ snapshots: 1, objects: 3 });
    expect(await restoreAll(replica)).toBe(4);
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.filter(({ event }) => event.event === 'replicate')).toHaveLength(3);
  });

  test('X10: cut off at any call, it holds only snapshots that restore, and the next sync goes on', async () => {
    const { vault } = await vaultWithSnapshots(2);
    const whole = createMemoryStorage();
    await syncReplica(vault.deps, { replica: whole });
    const calls = whole.calls.filter((call) => call.startsWith('putIfAbsent')).length;
    expect(calls).toBeGreaterThan(6);
    for (let failing = 1; failing <= calls; failing++) {
      for (const when of ['beforeCall', 'afterCall'] as const) {
        const replica = createMemoryStorage();
        let puts = 0;
        replica.hooks = {
          [when](operation: string) {
            if (operation !== 'putIfAbsent' || ++puts < failing) return;
            throw new HoldfastError('storage_unavailable', 'The replica went away.');
          },
        };
        await expect(syncReplica(vault.deps, { replica })).rejects.toMatchObject({ kind: 'storage' });
        replica.hooks = {};
        const { findings } = await verifyStore(
          openTestVault({ root: join(scratchFolder(), 'v'), storage: replica, machine: 'v' }).deps,
          { depth: 'full' },
        );
        expect(findings).toEqual([]);
        expect(await syncReplica(vault.deps, { replica })).toMatchObject({ complete: true });
        expect(replica.keys()).toEqual(whole.keys());
      }
    }
  });

  test('gets no record while an object in the store is damaged; the damaged one is named', async () => {
    const { vault, storage } = await vaultWithSnapshots();
    const key = storage.keys().find((name) => name.endsWith('.pack'))!;
    storage.peek(key)![40]! ^= 1;
    const replica = createMemoryStorage();
    const report = await syncReplica(vault.deps, { replica });
    expect(report).toMatchObject({ complete: false, damaged: [key], snapshots: 0 });
    expect(replica.keys().filter((name) => parseStoreKey(name)?.kind === 'record')).toEqual([]);
  });

  test('has what was cut short there replaced', async () => {
    const { vault, storage } = await vaultWithSnapshots(1);
    const replica = createMemoryStorage();
    await syncReplica(vault.deps, { replica });
    const key = storage.keys().find((name) => name.endsWith('.pack'))!;
    replica.poke(key, Buffer.from('short'));
    expect(await syncReplica(vault.deps, { replica })).toMatchObject({ objects: 1, complete: true });
    expect(replica.peek(key)).toEqual(storage.peek(key));
  });

  test('of another vault is refused, and so is an empty store', async () => {
    const { vault } = await vaultWithSnapshots(1);
    const replica = createMemoryStorage();
    const foreign = openTestVault({ root: join(scratchFolder(), 'f'), storage: replica, vaultId: 'vault-2' });
    foreign.write('a', 'a');
    await takeSnapshot(foreign.deps, { kind: 'manual', label: 'theirs' as Label });
    const before = replica.keys();
    await expect(syncReplica(vault.deps, { replica })).rejects.toMatchObject({ code: 'store_foreign' });
    expect(replica.keys()).toEqual(before);
    const empty = openTestVault({ root: join(scratchFolder(), 'e'), storage: createMemoryStorage() });
    await expect(syncReplica(empty.deps, { replica })).rejects.toMatchObject({ code: 'store_missing' });
  });

  test('X10: a pack that prune deleted while it was to be copied makes it look again', async () => {
    const { vault, storage } = await vaultWithSnapshots(3);
    const replica = createMemoryStorage();
    const first = storage.keys().find((name) => parseStoreKey(name)?.kind === 'record')!;
    const prefix = first.slice(0, -'snapshot.json'.length);
    let isDone = false;
    storage.hooks = {
      beforeCall(operation, key) {
        if (isDone || operation !== 'get' || !key.startsWith(prefix) || !key.endsWith('.pack')) return;
        isDone = true;
        for (const name of storage.keys()) if (name.startsWith(prefix)) storage.drop(name);
      },
    };
    const report = await syncReplica(vault.deps, { replica });
    expect(report).toMatchObject({ complete: true, snapshots: 2 });
    expect(replica.keys().some((name) => name.startsWith(prefix) && name.endsWith('.json'))).toBe(false);
  });

  test('large objects pass through a file that is gone afterwards', async () => {
    const { vault, storage } = await vaultWithSnapshots(1);
    vault.write('film.bin', randomBytes(6 << 20));
    await takeSnapshot(vault.deps, { kind: 'manual', label: 'film' as Label });
    const replica = createMemoryStorage();
    await syncReplica(vault.deps, { replica });
    for (const key of replica.keys()) expect(replica.peek(key)).toEqual(storage.peek(key));
    expect(replica.keys()).toEqual(storage.keys());
  });
});

test('S24: status tells how far behind a replica is, and that one is away', async () => {
  const { vault } = await vaultWithSnapshots(2);
  const replica = createMemoryStorage();
  await syncReplica(vault.deps, { replica });
  await snapshot(vault, 3);
  vault.clock.advance(3 * hourMs);
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  const { rows } = await vault.deps.snapshotIndex.read();
  const ask = () => readReplicaStatus(vault.deps, { replica, points, rows });
  expect(await ask()).toMatchObject({ behind: 1, present: 2, lagMs: 3 * hourMs, unreachable: null });
  replica.hooks = {
    beforeCall() {
      throw new HoldfastError('storage_unavailable', 'The replica is away.');
    },
  };
  expect(await ask()).toMatchObject({ behind: null, lagMs: null, unreachable: { code: 'storage_unavailable' } });
});

test('S24: a lagging replica is yellow by its interval, red after a week, whatever the source does', async () => {
  const { vault } = await vaultWithSnapshots(2);
  const replica = createMemoryStorage();
  const reasons = async (intervalMs: number | null, aheadMs: number) => {
    const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
    const { rows } = await vault.deps.snapshotIndex.read();
    const now = new Date(vault.clock.now().getTime() + aheadMs);
    return replicaReasons({ rows, points, now }, { replicas: [replica.url], intervalMs }).map(({ colour }) => colour);
  };
  expect(await reasons(0, hourMs / 2)).toEqual([]);
  expect(await reasons(0, 2 * hourMs)).toEqual(['yellow']);
  expect(await reasons(null, 6 * 24 * hourMs)).toEqual([]);
  expect(await reasons(null, 8 * 24 * hourMs)).toEqual(['red']);
  await syncReplica(vault.deps, { replica });
  expect(await reasons(0, 30 * 24 * hourMs)).toEqual([]);
  mkdirSync(join(vault.root, 'later'));
  await snapshot(vault, 3);
  expect(await reasons(0, 3 * hourMs)).toEqual(['yellow']);
});
