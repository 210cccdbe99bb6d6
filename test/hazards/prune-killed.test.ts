import { expect, test } from 'vitest';
import { applyPrune, type PruneOptions } from '../../src/engine/prune/apply-prune.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { setPin } from '../../src/engine/pins.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { openPruneWorld, type PruneWorld } from '../support/prune-world.ts';

const hourMs = 3_600_000;
const daily: PruneOptions = {
  retention: { within: 0, hourly: 0, daily: 30, weekly: 0, monthly: 0, labelled: true },
};

const note = (seed: number, lines: number): string =>
  Array.from({ length: lines }, (_, i) => `${seed} line ${(i * 7919 + seed) % 1009}\n`).join('');

async function busyWorld(): Promise<PruneWorld> {
  const world = openPruneWorld();
  for (let i = 0; i < 5; i++) {
    for (const name of ['desk', 'laptop']) {
      const files = new Map([
        ['notes.md', note(1, 40) + note(i, 5)],
        ['deep/er/b.md', note(2, 30 + i)],
        [`${name}-${i}.md`, note(i, 3)],
      ]);
      if (i % 3 === 0) files.set('shared.md', 'the same on both, and gone in between');
      world.fill(name, files);
      await world.take(name, i === 2 && name === 'desk' ? 'before the audit' : undefined);
      world.clock.advance(20_000);
    }
    world.clock.advance(13 * hourMs);
  }
  return world;
}

test('X05 P7 P3: killed at any storage call, prune leaves every snapshot whole, and the next run finishes', async () => {
  let calls = Infinity;
  let kills = 0;
  for (let at = 0; at < calls; at += 7) {
    const world = await busyWorld();
    const before = (await world.stored()).length;
    await applyPrune(world.machine('desk').deps, daily);
    world.clock.advance(25 * hourMs);
    world.fill('laptop', new Map([['notes.md', note(1, 40) + note(7, 5)]]));
    await world.take('laptop');
    world.clock.advance(hourMs);
    let made = 0;
    let isDead = false;
    const count = (): void => {
      // What was asked for and what was answered are two different moments to die at.
      if (isDead || made++ === at) {
        isDead = true;
        throw new HoldfastError('storage_unavailable', 'killed');
      }
    };
    world.storage.hooks = { beforeCall: count, afterCall: count };
    const outcome = await applyPrune(world.machine('desk').deps, daily).catch((error: unknown) => error);
    world.storage.hooks = {};
    if (isDead) kills++;
    else calls = 0;
    expect(await world.assertWhole(), `killed at ${at}: ${String(outcome)}`).toBeGreaterThan(2);
    // The lease of the dead one runs out.
    world.clock.advance(7 * hourMs);
    await applyPrune(world.machine('laptop').deps, daily);
    world.clock.advance(25 * hourMs);
    await applyPrune(world.machine('desk').deps, daily);
    expect(await world.assertWhole()).toBeLessThan(before);
    const report = await verifyStore(world.machine('laptop').deps, { depth: 'full' });
    expect(report.findings, `killed at ${at}`).toEqual([]);
  }
  expect(kills).toBeGreaterThan(8);
}, 60_000);

test('X04 X13: a snapshot taken at any moment of a prune is whole afterwards and for ever', async () => {
  let calls = Infinity;
  for (let at = 0; at < calls; at += 11) {
    const world = await busyWorld();
    await applyPrune(world.machine('desk').deps, daily);
    world.clock.advance(25 * hourMs);
    let made = 0;
    let isTaking = false;
    world.storage.hooks = {
      async beforeCall() {
        if (isTaking || made++ !== at) return;
        isTaking = true;
        // Puts back what only snapshots held that are on their way out.
        world.fill(
          'laptop',
          new Map([
            ['notes.md', note(1, 40) + note(1, 5)],
            ['again.md', note(2, 31)],
          ]),
        );
        await world.take('laptop');
      },
    };
    await applyPrune(world.machine('desk').deps, { retention: { ...noRules, labelled: true }, keepNone: true });
    world.storage.hooks = {};
    if (!isTaking) calls = 0;
    await world.assertWhole();
    for (let run = 0; run < 3; run++) {
      world.clock.advance(25 * hourMs);
      await applyPrune(world.machine('desk').deps, { retention: { ...noRules, labelled: true }, keepNone: true });
      await world.assertWhole();
    }
    expect((await verifyStore(world.machine('laptop').deps, { depth: 'full' })).findings).toEqual([]);
  }
}, 60_000);

const noRules = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0 };

test('a pin set while prune runs keeps its snapshot, or says that it came too late', async () => {
  let calls = Infinity;
  const outcomes = new Set<string>();
  for (let at = 0; at < calls; at += 7) {
    const world = await busyWorld();
    const oldest = (await world.stored()).findLast(({ record }) => record.machine.id === 'laptop')!.record.id;
    let made = 0;
    let said: string | null = null;
    world.storage.hooks = {
      async beforeCall() {
        if (said !== null || made++ !== at) return;
        said = 'asking';
        said = await setPin(world.machine('laptop').deps, oldest, { pinned: true }).catch(
          (error: HoldfastError) => error.code,
        );
      },
    };
    await applyPrune(world.machine('desk').deps, { retention: { ...noRules, labelled: true }, keepNone: true });
    world.storage.hooks = {};
    if (said === null) calls = 0;
    const isThere = (await world.stored()).some(({ record }) => record.id === oldest);
    outcomes.add(`${said} ${isThere}`);
    world.clock.advance(25 * hourMs);
    await applyPrune(world.machine('desk').deps, { retention: { ...noRules, labelled: true }, keepNone: true });
    await world.assertWhole();
  }
  expect(outcomes).toContain('pinned true');
  expect(outcomes).not.toContain('pinned false');
}, 60_000);
