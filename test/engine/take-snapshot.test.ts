import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { readStatus } from '../../src/engine/read-status.ts';
import { reindex } from '../../src/engine/reindex.ts';
import { type SnapshotOutcome, takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { parseLabel } from '../../src/model/ids.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault, type TestVault } from '../support/test-vault.ts';

const unreachable = (): never => {
  throw new HoldfastError('storage_unavailable', 'The store cannot be reached.');
};

function snapshot(vault: TestVault, label: string | null = null): Promise<SnapshotOutcome> {
  return takeSnapshot(vault.deps, { label: label === null ? null : parseLabel(label), kind: 'manual' });
}

async function takenBy(vault: TestVault, label: string | null = null) {
  const outcome = await snapshot(vault, label);
  if (outcome.kind !== 'taken') throw new Error('nothing was taken');
  return outcome;
}

async function expectSound(vault: TestVault, snapshots: number): Promise<void> {
  const report = await verifyStore(vault.deps, { depth: 'full' });
  expect(report.findings).toEqual([]);
  expect(report.snapshots).toBe(snapshots);
}

function newVault(storage: MemoryStorage = createMemoryStorage()): TestVault & { storage: MemoryStorage } {
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  vault.write('a.md', 'one');
  vault.write('deep/er/b.md', 'two');
  return { ...vault, storage };
}

/** The same folder, store and machine, as the next command sees them. */
function nextCommand(vault: TestVault & { storage: MemoryStorage }): TestVault & { storage: MemoryStorage } {
  vault.clock.advance(1000);
  return { ...openTestVault({ root: vault.root, storage: vault.storage, clock: vault.clock }), storage: vault.storage };
}

describe('taking snapshots', () => {
  test('a first snapshot makes the store, an unchanged one nothing, a changed one three puts', async () => {
    const vault = newVault();
    const first = await takenBy(vault, 'first');
    expect(first).toMatchObject({
      where: 'store',
      record: { complete: true, counts: { added: 2, changed: 0, removed: 0 } },
    });
    expect(vault.storage.keys()).toContain('holdfast.json');
    expect(vault.storage.keys()).toContain('RESTORE.md');

    const callsBefore = vault.storage.calls.length;
    expect((await snapshot(nextCommand(vault))).kind).toBe('unchanged');
    expect(vault.storage.calls.slice(callsBefore)).toEqual([]);

    vault.write('a.md', 'one and a half');
    rmSync(join(vault.root, 'deep/er/b.md'));
    vault.write('c.md', 'three');
    const second = await takenBy(nextCommand(vault));
    expect(second.record.counts).toMatchObject({ added: 1, changed: 1, removed: 1 });
    expect(second.requests).toEqual({ put: 3, get: 0, head: 0, list: 0, delete: 0 });
    expect(second.record.base).toBe(first.record.id);
    expect(second.record.chain.sequence).toBe(2);
    await expectSound(vault, 2);
  });

  test('what was read for nothing is not believed to be stored', async () => {
    const vault = newVault();
    await takenBy(vault, 'first');
    // Written again with the same bytes: read, and found to be no change. So is the log, which is new and stored nowhere yet.
    vault.write('a.md', 'one');
    const { root, storage, clock } = vault;
    clock.advance(1000);
    const later = openTestVault({ root, storage, clock, scanNow: () => Date.now() + 10_000 });
    expect((await snapshot(later)).kind).toBe('unchanged');
    await takenBy(later, 'second');
    await expectSound(later, 2);
  });

  test('a label is stored even when nothing changed', async () => {
    const vault = newVault();
    await takenBy(vault);
    const labelled = await takenBy(nextCommand(vault), 'before lunch');
    expect(labelled.record.counts).toMatchObject({ added: 0, changed: 0, removed: 0 });
    expect(labelled.record.label).toBe('before lunch');
  });

  test('a new empty folder and another permission are changes', async () => {
    const vault = newVault();
    await takenBy(vault);
    const { mkdirSync, chmodSync } = await import('node:fs');
    mkdirSync(join(vault.root, 'empty'));
    await takenBy(nextCommand(vault));
    chmodSync(join(vault.root, 'a.md'), 0o600);
    expect((await takenBy(nextCommand(vault))).record.counts.changed).toBe(1);
    expect((await snapshot(nextCommand(vault))).kind).toBe('unchanged');
  });

  test('without its stat cache it counts against the stored snapshot', async () => {
    const vault = newVault();
    await takenBy(vault);
    rmSync(join(vault.privateFolder, 'cache'), { recursive: true });
    expect((await snapshot(nextCommand(vault))).kind).toBe('unchanged');
    rmSync(join(vault.privateFolder, 'cache'), { recursive: true });
    vault.write('deep/er/b.md', 'changed');
    vault.write('deep/new.md', 'new');
    rmSync(join(vault.root, 'a.md'));
    const { record } = await takenBy(nextCommand(vault));
    expect(record.counts).toMatchObject({ added: 1, changed: 1, removed: 1 });
    await expectSound(vault, 2);
  });

  test('with records lost from its cache it asks the store again, and never goes on as if there were none', async () => {
    const vault = newVault();
    const first = await takenBy(vault, 'first');
    const stores = join(vault.privateFolder, 'cache', 'stores');
    const forget = (): void => {
      for (const store of readdirSync(stores)) truncateSync(join(stores, store, 'records.cache'));
    };
    forget();
    vault.write('a.md', 'two');
    const { record } = await takenBy(nextCommand(vault), 'second');
    expect(record).toMatchObject({ base: first.record.id, chain: { sequence: 2 } });
    for (const damage of [forget, () => rmSync(join(vault.privateFolder, 'cache'), { recursive: true })]) {
      damage();
      vault.storage.hooks = { beforeCall: unreachable };
      await expect(snapshot(nextCommand(vault), 'third')).rejects.toMatchObject({ code: 'storage_unavailable' });
      vault.storage.hooks = {};
    }
    expect((await takenBy(nextCommand(vault), 'third')).record.chain.sequence).toBe(3);
    await expectSound(vault, 3);
  });

  test('without its stat cache it sees a new empty folder, one that went, and another permission', async () => {
    const vault = newVault();
    await takenBy(vault);
    const changes = [
      () => mkdirSync(join(vault.root, 'deep/empty')),
      () => rmSync(join(vault.root, 'deep/empty'), { recursive: true }),
      () => chmodSync(join(vault.root, 'a.md'), 0o600),
    ];
    for (const change of changes) {
      change();
      rmSync(join(vault.privateFolder, 'cache'), { recursive: true });
      await takenBy(nextCommand(vault));
      rmSync(join(vault.privateFolder, 'cache'), { recursive: true });
      expect((await snapshot(nextCommand(vault))).kind).toBe('unchanged');
    }
  });
});

describe('a store that is away', () => {
  test('captures wait in the spool, in order, as restore points, and are published by the next command', async () => {
    const vault = newVault();
    await takenBy(vault, 'online');
    vault.storage.hooks = { beforeCall: unreachable };
    vault.write('a.md', 'offline one');
    const first = await takenBy(nextCommand(vault), 'offline one');
    vault.write('a.md', 'offline two');
    const second = await takenBy(nextCommand(vault), 'offline two');
    expect([first.where, second.where]).toEqual(['local', 'local']);
    expect(second.publishError?.code).toBe('storage_unavailable');
    const offline = await listSnapshots(nextCommand(vault).deps, { refresh: 'always' });
    expect(offline.unreachable?.code).toBe('storage_unavailable');
    expect(offline.points.map((point) => [point.record.label, point.where])).toEqual([
      ['offline two', 'local'],
      ['offline one', 'local'],
      ['online', 'store'],
    ]);

    vault.storage.hooks = {};
    expect((await snapshot(nextCommand(vault))).kind).toBe('unchanged');
    const records = vault.storage.calls.filter((call) => /^putIfAbsent .*snapshot\.json$/.test(call)).slice(-2);
    expect(records.map((call) => call.includes(first.record.id))).toEqual([true, false]);
    expect(readdirSync(vault.spoolFolder).filter((name) => /^\d/.test(name))).toEqual([]);
    await expectSound(vault, 3);
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.map((row) => row.event.event)).toEqual([
      'snapshot',
      'snapshot',
      'snapshot',
      'published',
      'published',
      'verify',
    ]);
  });

  test('what waits for one store is never published to another, and status says that it waits', async () => {
    const vault = newVault();
    await takenBy(vault, 'in the first store');
    vault.storage.hooks = { beforeCall: unreachable };
    vault.write('a.md', 'edited offline');
    await takenBy(nextCommand(vault), 'waits for the first');
    const second = createMemoryStorage();
    const moved = openTestVault({
      root: vault.root,
      storage: { ...second, url: 'memory://second' },
      clock: vault.clock,
    });
    vault.clock.advance(1000);
    await takenBy(moved, 'in the second store');
    await expectSound(moved, 1);
    const { reasons } = await readStatus(moved.deps);
    expect(reasons.map(({ text }) => text)).toContain('1 snapshots wait on this machine for another store used before');
    vault.storage.hooks = {};
    await snapshot(nextCommand(vault), 'back');
    await expectSound(vault, 3);
  });

  test('every storage call fails in turn, once or from then on: nothing acknowledged is lost, the next run heals', async () => {
    for (const forever of [false, true]) {
      for (let failing = 1; ; failing++) {
        const vault = newVault();
        await takenBy(vault, 'base');
        vault.write('a.md', `run ${failing}`);
        let calls = 0;
        vault.storage.hooks = {
          beforeCall: () => {
            calls++;
            if (forever ? calls >= failing : calls === failing) unreachable();
          },
        };
        const outcome = await takenBy(nextCommand(vault), 'under fire');
        vault.storage.hooks = {};
        const ranClean = calls < failing;
        expect(outcome.where).toBe(ranClean ? 'store' : 'local');
        await snapshot(nextCommand(vault));
        await expectSound(vault, 2);
        if (ranClean) break;
      }
    }
  });

  test('a lost reply to any put is recognised: exactly one snapshot', async () => {
    for (let losing = 1; losing <= 3; losing++) {
      const vault = newVault();
      await takenBy(vault, 'base');
      vault.write('a.md', `run ${losing}`);
      let puts = 0;
      vault.storage.hooks = {
        afterCall: (operation) => {
          if (operation === 'putIfAbsent' && ++puts === losing) unreachable();
        },
      };
      await takenBy(nextCommand(vault), 'answer lost');
      expect(puts).toBeGreaterThanOrEqual(losing);
      vault.storage.hooks = {};
      await snapshot(nextCommand(vault));
      await expectSound(vault, 2);
    }
  });
});

describe('two writers', () => {
  test('what waits in the spool is not taken for a snapshot of the same id that another machine published', async () => {
    const storage = createMemoryStorage();
    const open = (machine: string): TestVault => {
      const vault = openTestVault({ root: join(root, machine), storage, machine, clock: movableClock() });
      vault.write('a.md', machine);
      return vault;
    };
    const root = scratchFolder();
    const first = open('first');
    storage.hooks = { beforeCall: unreachable };
    expect((await takenBy(first, 'same')).where).toBe('local');
    storage.hooks = {};
    await takenBy(open('second'), 'same');
    await listSnapshots(first.deps, { refresh: 'always' });
    expect((await takenBy(first, 'next')).record.chain.sequence).toBe(2);
    await expectSound(first, 3);
  });

  test('the same label in the same second gives two snapshots', async () => {
    const storage = createMemoryStorage();
    const folder = scratchFolder();
    const machines = ['desk', 'laptop'].map((machine) =>
      openTestVault({ root: join(folder, machine), storage, machine, clock: movableClock() }),
    );
    for (const [number, vault] of machines.entries()) vault.write('a.md', `of machine ${number}`);
    const outcomes = [await takenBy(machines[0]!, 'same'), await takenBy(machines[1]!, 'same')];
    expect(new Set(outcomes.map(({ record }) => record.id)).size).toBe(2);
    expect(outcomes[1]!.record.id).toMatch(/-same-2$/);
    await expectSound(machines[0]!, 2);
  });

  test('a snapshot renamed by a clash is what those behind it in the spool refer to', async () => {
    const storage = createMemoryStorage();
    const folder = scratchFolder();
    const desk = { ...openTestVault({ root: join(folder, 'desk'), storage, clock: movableClock() }), storage };
    const laptop = openTestVault({ root: join(folder, 'laptop'), storage, machine: 'laptop', clock: movableClock() });
    storage.hooks = { beforeCall: unreachable };
    desk.write('a.md', 'one');
    const first = await takenBy(desk, 'same');
    desk.write('a.md', 'two');
    await takenBy(nextCommand(desk), 'next');
    storage.hooks = {};
    laptop.write('a.md', 'other');
    expect((await takenBy(laptop, 'same')).record.id).toBe(first.record.id);
    expect((await snapshot(nextCommand(desk))).kind).toBe('unchanged');
    const { points } = await listSnapshots(desk.deps, { refresh: 'always' });
    const next = points.find((point) => point.record.label === 'next')!;
    expect(next.record.base).toBe(`${first.record.id}-2`);
    await expectSound(desk, 3);
  });
});

describe('a store that lost something', () => {
  test('K18: an emptied store is noticed, and accepted by reindex; the next snapshot stores everything again', async () => {
    const vault = newVault();
    await takenBy(vault, 'one');
    vault.write('a.md', 'two');
    await takenBy(nextCommand(vault), 'two');
    for (const key of vault.storage.keys()) vault.storage.drop(key);
    vault.clock.advance(13 * 3_600_000);
    vault.write('c.md', 'three');
    await expect(snapshot(nextCommand(vault), 'three')).rejects.toMatchObject({
      code: 'store_rewound',
      message: expect.stringMatching(/^The store had 2 snapshots on .*, now 0\.$/),
    });
    expect((await reindex(nextCommand(vault).deps)).accepted).toBe(2);
    const again = await takenBy(nextCommand(vault), 'three');
    expect(again.record.counts.files).toBe(4);
    await expectSound(vault, 1);
  });

  test('K18: a directory store emptied a minute ago is noticed at once', async () => {
    const vault = newVault(createMemoryStorage({ isLocal: true }));
    await takenBy(vault, 'one');
    for (const key of vault.storage.keys()) vault.storage.drop(key);
    vault.write('a.md', 'two');
    await expect(snapshot(nextCommand(vault), 'two')).rejects.toMatchObject({ code: 'store_rewound' });
  });

  test('K19: a damaged spooled snapshot is named, set aside, and its files captured again', async () => {
    const vault = newVault();
    await takenBy(vault, 'base');
    vault.storage.hooks = { beforeCall: unreachable };
    vault.write('a.md', 'only in the spool');
    await takenBy(nextCommand(vault), 'lost');
    const spool = vault.spoolFolder;
    const entry = readdirSync(spool).find((name) => /^\d/.test(name))!;
    const pack = readdirSync(join(spool, entry)).find((name) => name.endsWith('.pack'))!;
    truncateSync(join(spool, entry, pack), 0);
    vault.storage.hooks = {};
    const healed = await takenBy(nextCommand(vault), 'healed');
    expect(healed.damagedSpool).toHaveLength(1);
    await expectSound(vault, 2);
    expect(readdirSync(spool).some((name) => name.startsWith('damaged-'))).toBe(true);
  });

  test('K04: a deleted index is rebuilt from the store', async () => {
    const vault = newVault();
    await takenBy(vault, 'one');
    vault.write('a.md', 'two');
    await takenBy(nextCommand(vault), 'two');
    rmSync(vault.deps.snapshotIndex.path);
    const { notices } = await listSnapshots(nextCommand(vault).deps, { refresh: 'always' });
    expect(notices).toMatchObject([{ code: 'index_rebuilt' }]);
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.map((row) => row.event)).toMatchObject([
      { label: 'one', rebuilt: true },
      { label: 'two', rebuilt: true },
    ]);
  });

  test('G04: a store of another vault is never written to', async () => {
    const vault = newVault();
    await takenBy(vault, 'one');
    const before = vault.storage.keys();
    const stranger = openTestVault({
      root: join(scratchFolder(), 'other'),
      storage: vault.storage,
      vaultId: 'vault-2',
    });
    stranger.write('x.md', 'x');
    await expect(snapshot(stranger, 'mine')).rejects.toMatchObject({ code: 'store_foreign' });
    expect(vault.storage.keys()).toEqual(before);
    // Nor is it taken for ours: nothing was captured on top of it, no row of it is in our index.
    expect(await stranger.deps.spool.pending()).toMatchObject({ snapshots: [] });
    expect(await stranger.deps.snapshotIndex.isEmpty()).toBe(true);
  });
});

describe('nothing live is touched', () => {
  test('a snapshot leaves every file, time and mode of the vault as it was', async () => {
    const vault = newVault();
    const look = (): unknown =>
      ['a.md', 'deep/er/b.md', 'deep', 'deep/er'].map((path) => {
        const { mtimeMs, mode, ino } = statSync(join(vault.root, path));
        return [path, mtimeMs, mode, ino];
      });
    const before = look();
    await takenBy(vault, 'one');
    expect(look()).toEqual(before);
    expect(readFileSync(join(vault.root, 'a.md'), 'utf8')).toBe('one');
    writeFileSync(join(vault.root, 'a.md'), 'done');
  });
});
