import { describe, expect, test } from 'vitest';
import { applyPrune, previewPrune, type PruneOptions } from '../../../src/engine/prune/apply-prune.ts';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { setPin } from '../../../src/engine/pins.ts';
import { reindex } from '../../../src/engine/reindex.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import { openPruneWorld, type PruneWorld } from '../../support/prune-world.ts';
import { withRightSum } from '../../support/right-sum.ts';

const hourMs = 3_600_000;
const none = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };
const newestOnly: PruneOptions = { retention: none, keepNone: true };

async function edits(world: PruneWorld, count: number, name = 'desk'): Promise<void> {
  for (let i = 0; i < count; i++) {
    world.fill(name, new Map([['a.md', `edit ${i} of ${name}\n`.repeat(30)]]));
    await world.take(name);
    world.clock.advance(hourMs);
  }
}

function dataKeys(world: PruneWorld): string[] {
  return world.storage.keys().filter((key) => !key.includes('prune-lease'));
}

async function expectRefusal(world: PruneWorld, options: PruneOptions, code: string): Promise<void> {
  const before = dataKeys(world);
  await expect(applyPrune(world.machine('desk').deps, options)).rejects.toMatchObject({ code });
  expect(dataKeys(world)).toEqual(before);
}

describe('prune refuses, and changes nothing', () => {
  test('G05: rules that keep nothing, unless that is typed out', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    await expectRefusal(world, { retention: none }, 'prune_refused');
    expect((await applyPrune(world.machine('desk').deps, newestOnly)).dropped).toHaveLength(2);
  });

  test('S13 S14: where deleted bytes could not be brought back, unless that is waived', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    for (const state of ['off', 'suspended', 'unsupported', 'unknown'] as const) {
      world.storage.versioning = async () => state;
      await expectRefusal(world, newestOnly, 'versioning_off');
    }
    world.storage.versioning = async () => 'off';
    const outcome = await applyPrune(world.machine('desk').deps, { ...newestOnly, withoutVersions: true });
    expect(outcome.dropped).toHaveLength(2);
  });

  test('S15: a storage that cannot refuse a second creation needs the word that nobody else prunes', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    Object.assign(world.storage, { createIsExclusive: false });
    await expectRefusal(world, newestOnly, 'prune_refused');
    const outcome = await applyPrune(world.machine('desk').deps, { ...newestOnly, alone: true });
    expect(outcome.dropped).toHaveLength(2);
  });

  test('C02 C04: a clock that differs from the store’s, or a snapshot from the future', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    const { deps } = world.machine('desk');
    for (const skewMs of [-6 * 60_000, 6 * 60_000, 10 * 365 * 24 * hourMs]) {
      const clock = { ...deps.clock, now: () => new Date(world.clock.now().getTime() + skewMs) };
      await expect(applyPrune({ ...deps, clock }, newestOnly)).rejects.toMatchObject({ code: 'clock_skewed' });
    }
    expect((await world.stored()).length).toBe(3);
    world.clock.advance(10 * 365 * 24 * hourMs);
    await edits(world, 1, 'laptop');
    world.clock.advance(-10 * 365 * 24 * hourMs);
    await expect(previewPrune(deps, newestOnly)).rejects.toMatchObject({ code: 'clock_skewed' });
    expect((await world.stored()).length).toBe(4);
  });

  test('Q18 P7: a record or plan that is newer or cannot be read, a page that fails, a snapshot that is gone', async () => {
    const world = openPruneWorld();
    await edits(world, 4);
    const [newest] = await world.stored();
    const key = `snapshots/${newest!.record.id}/snapshot.json`;
    const record = Buffer.from(world.storage.peek(key)!);
    const stranger = (): ReturnType<typeof applyPrune> => applyPrune(world.machine('attic').deps, newestOnly);
    for (const [bytes, code] of [
      [Buffer.from('rubbish'), 'record_invalid'],
      [record.subarray(0, 100), 'record_invalid'],
    ] as const) {
      world.storage.poke(key, bytes);
      await expect(stranger()).rejects.toMatchObject({ code });
    }
    world.storage.poke(key, record);
    world.storage.poke('condemned/2026-01-01T00:00:00Z-desk-00000000.json', Buffer.from('rubbish'));
    await expect(stranger()).rejects.toMatchObject({ code: 'record_invalid' });
    world.storage.drop('condemned/2026-01-01T00:00:00Z-desk-00000000.json');
    for (const prefix of ['snapshots/', 'packs/', 'condemned/']) {
      world.storage.hooks = {
        beforeCall(operation, at) {
          if (operation === 'list' && at === prefix) throw new HoldfastError('storage_unavailable', 'page 3 failed');
        },
      };
      await expectRefusal(world, newestOnly, 'storage_unavailable');
    }
    world.storage.hooks = {};
    world.storage.drop(key);
    await expectRefusal(world, newestOnly, 'store_rewound');
    await reindex(world.machine('desk').deps);
    expect((await applyPrune(world.machine('desk').deps, newestOnly)).dropped.length).toBeGreaterThan(0);
  });

  test('Q18: a store of a newer format, before anything is written there, the lease included', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    const header = Buffer.from(world.storage.peek('holdfast.json')!).toString();
    world.storage.poke('holdfast.json', Buffer.from(withRightSum(header.replace('"format": 1', '"format": 2'))));
    const before = world.storage.keys();
    await expect(applyPrune(world.machine('desk').deps, newestOnly)).rejects.toMatchObject({ code: 'store_newer' });
    await expect(previewPrune(world.machine('desk').deps, newestOnly)).rejects.toMatchObject({ code: 'store_newer' });
    expect(world.storage.keys()).toEqual(before);
  });

  test('P7: a pack of a kept snapshot that is missing or damaged', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    const [newest] = await world.stored();
    const [ref] = newest!.record.packs;
    world.storage.drop(ref!.key);
    world.storage.drop(ref!.key.replace('.pack', '.idx'));
    await expect(applyPrune(world.machine('attic').deps, newestOnly)).rejects.toMatchObject({ code: 'pack_missing' });
    expect((await world.stored()).length).toBe(3);
  });

  test('X05 X13: while another one runs; a run that was overtaken stops before it deletes', async () => {
    const world = openPruneWorld();
    await edits(world, 14);
    const [desk, laptop] = [world.machine('desk').deps, world.machine('laptop').deps];
    let code: string | null = null;
    world.storage.hooks = {
      async beforeCall(operation, key) {
        if (operation !== 'delete' || !key.endsWith('snapshot.json') || code !== null) return;
        code = 'asking';
        code = (await applyPrune(laptop, newestOnly).catch((error: HoldfastError) => error.code)) as string;
        // The machine sleeps here; meanwhile its lease runs out.
        world.clock.advance(7 * hourMs);
        await applyPrune(laptop, newestOnly);
      },
    };
    await expect(applyPrune(desk, newestOnly)).rejects.toMatchObject({ code: 'store_busy' });
    expect(code).toBe('store_busy');
    world.storage.hooks = {};
    expect(await world.assertWhole()).toBe(1);
  });
});

describe('prune leaves alone', () => {
  test('K17: whatever is not ours, under or near the prefix', async () => {
    const world = openPruneWorld();
    await edits(world, 3);
    const foreign = [
      'packs/holiday.jpg',
      'snapshots/readme.txt',
      'condemned/notes.txt',
      'snapshots/2026/a.pack',
      'other/x',
    ];
    for (const key of foreign) world.storage.poke(key, Buffer.from('theirs'));
    for (let run = 0; run < 3; run++) {
      await applyPrune(world.machine('desk').deps, newestOnly);
      world.clock.advance(30 * 24 * hourMs);
    }
    for (const key of foreign) expect(world.storage.peek(key)?.toString()).toBe('theirs');
  });

  test('uploads under way; what was given up for a week goes, in two steps (S09)', async () => {
    const world = openPruneWorld();
    await edits(world, 2);
    const orphan = `snapshots/2026-03-01T10:00:00Z-never/pack-${'a'.repeat(40)}.pack`;
    world.storage.poke(orphan, Buffer.from('half an upload'));
    await applyPrune(world.machine('desk').deps, { retention: 'all' });
    world.clock.advance(2 * 24 * hourMs);
    await applyPrune(world.machine('desk').deps, { retention: 'all' });
    expect(world.storage.peek(orphan)).toBeDefined();
    world.clock.advance(6 * 24 * hourMs);
    await applyPrune(world.machine('desk').deps, { retention: 'all' });
    expect(world.storage.peek(orphan)).toBeDefined();
    world.clock.advance(25 * hourMs);
    await applyPrune(world.machine('desk').deps, { retention: 'all' });
    expect(world.storage.peek(orphan)).toBeUndefined();
    expect(await world.assertWhole()).toBe(2);
  });

  test('pinned and labelled ones, and everything with "all"', async () => {
    const world = openPruneWorld();
    await edits(world, 2);
    world.fill('desk', new Map([['a.md', 'for the audit']]));
    const labelled = await world.take('desk', 'before the audit');
    world.clock.advance(hourMs);
    await edits(world, 3);
    const pinned = (await world.stored()).at(-1)!.record.id;
    await setPin(world.machine('laptop').deps, pinned, { pinned: true, reason: 'evidence' });
    expect((await applyPrune(world.machine('desk').deps, { retention: 'all' })).dropped).toEqual([]);
    await applyPrune(world.machine('desk').deps, newestOnly);
    const left = (await world.stored()).map(({ record }) => record.id);
    expect(left).toHaveLength(3);
    expect(left).toEqual(expect.arrayContaining([pinned, labelled!.id]));
    await setPin(world.machine('laptop').deps, pinned, { pinned: false });
    world.clock.advance(hourMs);
    expect((await applyPrune(world.machine('desk').deps, newestOnly)).dropped).toEqual([pinned]);
  });
});

test('K18: after a prune no other machine raises an alarm, and a store that really lost a snapshot still does', async () => {
  const world = openPruneWorld();
  await edits(world, 4);
  await edits(world, 2, 'laptop');
  const laptop = world.machine('laptop').deps;
  await listSnapshots(laptop, { refresh: 'always' });
  await applyPrune(world.machine('desk').deps, newestOnly);
  expect((await listSnapshots(laptop, { refresh: 'always' })).missing).toEqual([]);
  await edits(world, 1, 'laptop');
  const left = await world.stored();
  const victim = left.find(({ record }) => record.machine.id === 'desk')!.record.id;
  world.storage.drop(`snapshots/${victim}/snapshot.json`);
  expect((await listSnapshots(laptop, { refresh: 'always' })).missing).toEqual([victim]);
});

test('A06: what the storage will not let go is counted, not fought over', async () => {
  const world = openPruneWorld();
  await edits(world, 12);
  let tries = 0;
  world.storage.hooks = {
    beforeCall(operation, key) {
      if (operation !== 'delete' || key.includes('lease')) return;
      tries++;
      throw new HoldfastError('access_denied', 'locked');
    },
  };
  const outcome = await applyPrune(world.machine('desk').deps, newestOnly);
  expect(outcome).toMatchObject({ dropped: [], stayed: { length: 11 }, blocked: { length: 11 } });
  expect(tries).toBeLessThan(12);
  world.storage.hooks = {};
  expect(await world.assertWhole()).toBe(12);
  world.clock.advance(hourMs);
  await applyPrune(world.machine('desk').deps, newestOnly);
  expect(await world.assertWhole()).toBe(1);
});

test('X13: what waited offline while prune dropped what it stands on is captured again, never published broken', async () => {
  const world = openPruneWorld();
  world.fill(
    'desk',
    new Map([
      ['a.md', 'old words, put back later'],
      ['b.md', 'x'],
    ]),
  );
  await world.take('desk');
  world.clock.advance(hourMs);
  await edits(world, 2);
  const offline = (): never => {
    throw new HoldfastError('storage_unavailable', 'offline');
  };
  world.storage.hooks = { beforeCall: offline };
  world.fill('desk', new Map([['a.md', 'old words, put back later']]));
  await world.take('desk');
  world.storage.hooks = {};
  await applyPrune(world.machine('laptop').deps, newestOnly);
  world.clock.advance(25 * hourMs);
  await applyPrune(world.machine('laptop').deps, newestOnly);
  world.clock.advance(hourMs);
  await world.take('desk');
  expect(await world.assertWhole()).toBeGreaterThan(1);
});
