import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault, type TestVault } from '../support/test-vault.ts';

test('offline, a machine captures although another one has stored packs it has only read of in a listing', async () => {
  const clock = movableClock();
  const storage = createMemoryStorage({ now: () => clock.now() });
  const folder = scratchFolder();
  const machine = (name: string): TestVault =>
    openTestVault({ root: join(folder, name), storage, clock, machine: name });
  for (const name of ['desk', 'laptop']) {
    const vault = machine(name);
    vault.write('notes.md', `of ${name}\n`);
    expect(await takeSnapshot(vault.deps, { label: null, kind: 'auto' })).toMatchObject({ where: 'store' });
    clock.advance(60_000);
  }
  const { points } = await listSnapshots(machine('desk').deps, { refresh: 'always' });
  expect(points).toHaveLength(2);
  storage.hooks = {
    beforeCall() {
      throw new HoldfastError('storage_unavailable', 'There is no connection.');
    },
  };
  const desk = machine('desk');
  desk.write('notes.md', 'written on a train\n');
  expect(await takeSnapshot(desk.deps, { label: null, kind: 'auto' })).toMatchObject({ kind: 'taken', where: 'local' });
  storage.hooks = {};
  clock.advance(60_000);
  desk.write('notes.md', 'back home\n');
  expect(await takeSnapshot(machine('desk').deps, { label: null, kind: 'auto' })).toMatchObject({ where: 'store' });
  const { findings, snapshots } = await verifyStore(machine('stranger').deps, { depth: 'full' });
  expect([findings, snapshots]).toEqual([[], 4]);
});
