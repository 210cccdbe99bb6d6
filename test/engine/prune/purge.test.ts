import { expect, test } from 'vitest';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { setPin } from '../../../src/engine/pins.ts';
import { applyPrune } from '../../../src/engine/prune/apply-prune.ts';
import { purgePaths, type PurgeOptions } from '../../../src/engine/prune/purge.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import { openPruneWorld, type PruneWorld } from '../../support/prune-world.ts';

const hourMs = 3_600_000;
const secret = `-----BEGIN KEY-----\n${Array.from({ length: 200 }, (_, i) => `${(i * 7919) % 1009}`).join('x')}\n`;
const once: PurgeOptions = { paths: ['keys/leaked.md'], now: false, versions: false };

async function leakyWorld(): Promise<PruneWorld> {
  const world = openPruneWorld();
  for (let i = 0; i < 4; i++) {
    const files = new Map([
      ['a.md', `edit ${i}`],
      ['keys/readme.md', 'what lies here'],
    ]);
    if (i === 1 || i === 2) files.set('keys/leaked.md', secret).set('keys/alone/deep/x.md', `x ${i}`);
    world.fill('desk', files);
    await world.take('desk', i === 2 ? 'with the key' : undefined);
    world.clock.advance(hourMs);
  }
  return world;
}

/** What the snapshots must hold now: as captured, under the new id, without the path. */
function expectPurged(
  world: PruneWorld,
  rewritten: readonly { from: SnapshotId; to: SnapshotId }[],
  path: string,
): void {
  for (const { from, to } of rewritten) {
    const files = new Map(world.held.get(from)!);
    for (const name of files.keys()) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
    world.held.set(to, files);
  }
}

async function leakIsReadable(world: PruneWorld): Promise<boolean> {
  const { openPointReader } = await import('../../../src/engine/store-view.ts');
  const { objectIdOf } = await import('../../../src/format/git/object-id.ts');
  const stranger = world.machine(`reader-${world.storage.calls.length}`);
  const { points } = await listSnapshots(stranger.deps, { refresh: 'always' });
  const { reader } = await openPointReader(stranger.deps, points);
  return reader.has(objectIdOf('blob', Buffer.from(secret)));
}

test('purge takes a path out of every snapshot; a day later its bytes are gone, and everything else is whole', async () => {
  const world = await leakyWorld();
  const desk = world.machine('desk').deps;
  const [, , pinned] = await world.stored();
  await setPin(desk, pinned!.record.id, { pinned: true, reason: 'evidence' });
  const outcome = await purgePaths(desk, once);
  expect(outcome).toMatchObject({ rewritten: { length: 2 }, objects: 1, stillNeeded: 0, deletedBytes: 0, blocked: [] });
  expectPurged(world, outcome.rewritten, 'keys/leaked.md');
  expect(await world.assertWhole()).toBe(4);
  const list = await listSnapshots(world.machine('laptop').deps, { refresh: 'always' });
  expect(list.missing).toEqual([]);
  expect(list.points.map(({ record }) => record.label)).toContain('with the key');
  expect([...list.pins.values()].map(({ reason }) => reason)).toContain('evidence');
  expect((await verifyStore(desk, { depth: 'full' })).findings).toEqual([]);
  world.clock.advance(25 * hourMs);
  await applyPrune(desk, { retention: 'all' });
  expect(await leakIsReadable(world)).toBe(false);
  expect(await world.assertWhole()).toBe(4);
  await expect(purgePaths(desk, once)).rejects.toMatchObject({ code: 'path_unknown' });
  const { rows } = await desk.snapshotIndex.read();
  expect(rows.find(({ event }) => event.event === 'purge')?.event).toMatchObject({ paths: once.paths, snapshots: 2 });
  // The next snapshot of that machine goes on from what was rewritten.
  world.fill('desk', new Map([['a.md', 'after']]));
  await world.take('desk');
  expect(await world.assertWhole()).toBe(5);
  expect((await verifyStore(desk, { depth: 'full' })).findings).toEqual([]);
});

test('with --now and --versions nothing is left of it at once, not even an earlier version', async () => {
  const world = await leakyWorld();
  const outcome = await purgePaths(world.machine('desk').deps, { ...once, now: true, versions: true });
  expectPurged(world, outcome.rewritten, 'keys/leaked.md');
  expect(outcome.deletedVersions).toBeGreaterThan(0);
  expect(await leakIsReadable(world)).toBe(false);
  const kept = [];
  for await (const { key } of world.storage.versions('snapshots/')) kept.push(key);
  for (const { from } of outcome.rewritten) expect(kept.filter((key) => key.includes(`${from}/`))).toEqual([]);
  expect(await world.assertWhole()).toBe(4);
  expect((await verifyStore(world.machine('laptop').deps, { depth: 'full' })).findings).toEqual([]);
});

test('a whole folder can go, and what is still needed elsewhere is counted', async () => {
  const world = await leakyWorld();
  world.fill(
    'desk',
    new Map([
      ['elsewhere.md', secret],
      ['keys/leaked.md', secret],
    ]),
  );
  await world.take('desk');
  world.clock.advance(hourMs);
  const outcome = await purgePaths(world.machine('desk').deps, { ...once, paths: ['keys'] });
  expect(outcome.rewritten).toHaveLength(5);
  expect(outcome.stillNeeded).toBe(1);
  expectPurged(world, outcome.rewritten, 'keys');
  expect(await world.assertWhole()).toBe(5);
  expect(await leakIsReadable(world)).toBe(true);
});

test('killed at any storage call, every snapshot is there with the path or without, and the same command goes on', async () => {
  let calls = Infinity;
  for (let at = 0; at < calls; at += 5) {
    const world = await leakyWorld();
    const ids = (await world.stored()).map(({ record }) => record.id);
    let made = 0;
    let isDead = false;
    const count = (): void => {
      if (isDead || made++ === at) {
        isDead = true;
        throw new HoldfastError('storage_unavailable', 'killed');
      }
    };
    world.storage.hooks = { beforeCall: count, afterCall: count };
    const outcome = await purgePaths(world.machine('desk').deps, once).catch(() => null);
    world.storage.hooks = {};
    if (!isDead) calls = 0;
    expectPurged(
      world,
      outcome?.rewritten ?? ids.map((id) => ({ from: id, to: `${id}-purged` as SnapshotId })),
      'keys/leaked.md',
    );
    expect(await world.assertWhole(), `killed at ${at}`).toBeGreaterThan(3);
    world.clock.advance(7 * hourMs);
    const again = await purgePaths(world.machine('desk').deps, once).catch((error: HoldfastError) => error.code);
    // Nothing was left to do, or it was done now.
    if (typeof again !== 'string') expectPurged(world, again.rewritten, 'keys/leaked.md');
    else if (again !== 'path_unknown') throw new Error(again);
    world.clock.advance(25 * hourMs);
    await applyPrune(world.machine('desk').deps, { retention: 'all' });
    await world.assertWhole();
    expect(await leakIsReadable(world), `killed at ${at}`).toBe(false);
  }
}, 60_000);
