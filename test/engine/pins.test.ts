import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { readPins, setPin } from '../../src/engine/pins.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

const unreachable = (): never => {
  throw new HoldfastError('storage_unavailable', 'The store cannot be reached.');
};

async function vaultWithSnapshot(storage: MemoryStorage = createMemoryStorage()) {
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  vault.write('a.md', 'one');
  const outcome = await takeSnapshot(vault.deps, { label: null, kind: 'auto' });
  if (outcome.kind !== 'taken') throw new Error('nothing was taken');
  return { vault, storage, id: outcome.record.id };
}

function otherMachine(storage: MemoryStorage): TestVault {
  return openTestVault({ root: join(scratchFolder(), 'vault'), storage, machine: 'laptop' });
}

describe('pins', () => {
  test('are seen by every machine, with the reason, and survive in the local cache', async () => {
    const { vault, storage, id } = await vaultWithSnapshot();
    expect(await setPin(vault.deps, id, { pinned: true, reason: 'the audit' })).toBe('pinned');
    expect(await setPin(vault.deps, id, { pinned: true })).toBe('unchanged');
    const other = otherMachine(storage);
    const { pins } = await listSnapshots(other.deps, { refresh: 'always' });
    expect(pins.get(id)).toMatchObject({ machine: 'desk', user: 'ada', reason: 'the audit' });
    const before = storage.calls.length;
    expect([...(await readPins(other.deps)).keys()]).toEqual([id]);
    expect(storage.calls.length).toBe(before);
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.at(-1)?.event).toEqual({ event: 'pin', id, pinned: true, reason: 'the audit' });
  });

  test('cost no request of a listing once they are known', async () => {
    const { vault, storage, id } = await vaultWithSnapshot();
    await setPin(vault.deps, id, { pinned: true });
    storage.calls.length = 0;
    await listSnapshots(vault.deps, { refresh: 'always' });
    expect(storage.calls).toEqual(['list snapshots/', 'list condemned/']);
  });

  test('are taken back by an unpin, and never overwritten or deleted', async () => {
    const { vault, storage, id } = await vaultWithSnapshot();
    await setPin(vault.deps, id, { pinned: true });
    expect(await setPin(vault.deps, id, { pinned: false })).toBe('unpinned');
    expect(await setPin(vault.deps, id, { pinned: false })).toBe('unchanged');
    const other = otherMachine(storage);
    expect(await setPin(other.deps, id, { pinned: true })).toBe('pinned');
    expect(storage.keys().filter((key) => key.includes('mark-'))).toEqual([
      `snapshots/${id}/mark-0001-pin.json`,
      `snapshots/${id}/mark-0002-unpin.json`,
      `snapshots/${id}/mark-0003-pin.json`,
    ]);
    expect(storage.calls.filter((call) => /^(delete|put) /.test(call))).toEqual([]);
    expect((await listSnapshots(vault.deps, { refresh: 'always' })).pins.has(id)).toBe(true);
  });

  test('of two machines with the same number both stand, and a pin beats an unpin', async () => {
    const { vault, storage, id } = await vaultWithSnapshot();
    const other = otherMachine(storage);
    let isRacing = true;
    storage.hooks = {
      async beforeCall(operation, key) {
        if (!isRacing || operation !== 'putIfAbsent' || !key.includes('mark-')) return;
        isRacing = false;
        await setPin(other.deps, id, { pinned: true, reason: 'theirs' });
      },
    };
    expect(await setPin(vault.deps, id, { pinned: true, reason: 'mine' })).toBe('pinned');
    expect(storage.keys().filter((key) => key.includes('mark-'))).toHaveLength(2);
    storage.poke(`snapshots/${id}/mark-0003-unpin.json`, Buffer.from('{}'));
    storage.poke(`snapshots/${id}/mark-0003-pin.json`, Buffer.from('not even JSON'));
    const { pins } = await listSnapshots(vault.deps, { refresh: 'always' });
    expect(pins.get(id)).toEqual({ at: null, machine: null, user: null, reason: null });
  });

  test('refuse clearly when there is no such snapshot, or no store', async () => {
    const { vault, storage, id } = await vaultWithSnapshot();
    const unknown = '2026-01-01T00:00:00Z-none' as SnapshotId;
    await expect(setPin(vault.deps, unknown, { pinned: true })).rejects.toMatchObject({ code: 'snapshot_unknown' });
    await expect(setPin(vault.deps, id, { pinned: true, reason: 'x'.repeat(501) })).rejects.toMatchObject({
      code: 'flag_invalid',
    });
    storage.hooks = { beforeCall: unreachable };
    await expect(setPin(vault.deps, id, { pinned: true })).rejects.toMatchObject({ code: 'storage_unavailable' });
    storage.hooks = {};
    expect((await listSnapshots(vault.deps, { refresh: 'always' })).pins.size).toBe(0);
  });
});
