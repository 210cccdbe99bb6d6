import { expect, test } from 'vitest';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { interleave } from '../support/interleave.ts';
import { openPruneWorld } from '../support/prune-world.ts';

test('X02 X03: two machines snapshot in one second under one label, at any step of each other: two ids, both whole', async () => {
  for (let at = 1, isOver = false; !isOver; at += 2) {
    const world = openPruneWorld();
    for (const name of ['desk', 'laptop']) {
      world.fill(name, new Map([['a.md', `of ${name}`]]));
      await world.take(name);
    }
    for (const name of ['desk', 'laptop']) world.fill(name, new Map([['a.md', `edited on ${name}`]]));
    const { first, second, wasFirstPaused } = await interleave(world.storage, {
      first: () => world.take('desk', 'same words'),
      pauseFirstAt: at,
      second: () => world.take('laptop', 'same words'),
      pauseSecondAt: 3,
    });
    expect([at, first, second]).toMatchObject([at, { label: 'same words' }, { label: 'same words' }]);
    expect(await world.assertWhole()).toBe(4);
    const { findings } = await verifyStore(world.machine('attic').deps, { depth: 'full' });
    expect([at, findings]).toEqual([at, []]);
    isOver = !wasFirstPaused;
  }
}, 60_000);
