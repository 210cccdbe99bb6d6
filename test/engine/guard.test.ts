import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assessBurst, type BurstSample } from '../../src/engine/assess-burst.ts';
import { readBurstHold } from '../../src/engine/burst-hold.ts';
import { createGuardExtension } from '../../src/engine/guard-extension.ts';
import { readPins } from '../../src/engine/pins.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import type { Deps } from '../../src/engine/deps.ts';
import type { AlertMessage } from '../../src/ports/notifier.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault } from '../support/test-vault.ts';

const settings = { percent: 20, deletions: 50, windowMs: 60_000 };

function sample(atMs: number, more: Partial<BurstSample>): BurstSample {
  const quiet = { removed: 0, rewritten: 0, filesBefore: 1000, previous: `before-${atMs}` as never, isCatchUp: false };
  return { atMs, ...quiet, ...more };
}

describe('a burst', () => {
  test('is over 50 deletions, or over 20 % of the files lost or rewritten, within the window', () => {
    const now = 100_000;
    expect(assessBurst([sample(now, { removed: 50 })], settings, now)).toBeNull();
    expect(assessBurst([sample(now, { removed: 51 })], settings, now)).toMatchObject({ removed: 51 });
    expect(assessBurst([sample(now, { rewritten: 200 })], settings, now)).toBeNull();
    expect(assessBurst([sample(now, { rewritten: 201 })], settings, now)).toMatchObject({ rewritten: 201 });
    expect(assessBurst([sample(now - 61_000, { removed: 900 })], settings, now)).toBeNull();
  });

  test('adds up over several captures, and the last good snapshot is the one before the first of them', () => {
    const samples = [sample(10_000, {}), sample(20_000, { removed: 30 }), sample(40_000, { removed: 30 })];
    expect(assessBurst(samples, settings, 41_000)).toEqual({
      lastGood: 'before-20000',
      removed: 60,
      rewritten: 0,
      filesBefore: 1000,
    });
  });

  test('begins where the losses do: an edit right before it is not part of it', () => {
    const samples = [
      sample(10_000, { rewritten: 1 }),
      sample(20_000, { removed: 30 }),
      sample(30_000, { removed: 70 }),
    ];
    expect(assessBurst(samples, settings, 30_000)).toMatchObject({ lastGood: 'before-20000', rewritten: 1 });
  });

  test('is not an edit of a few files of a small vault, nor what a weekend brought', () => {
    expect(assessBurst([sample(0, { rewritten: 4, filesBefore: 5 })], settings, 0)).toBeNull();
    expect(assessBurst([sample(0, { removed: 90, isCatchUp: true })], settings, 0)).toBeNull();
    expect(assessBurst([sample(0, { removed: 900, isCatchUp: true })], settings, 0)).not.toBeNull();
  });

  test('more deletions never make it less of one', () => {
    const count = fc.nat({ max: 500 });
    fc.assert(
      fc.property(fc.array(fc.tuple(count, count), { maxLength: 6 }), count, (counts, extra) => {
        const samples = counts.map(([removed, rewritten], i) => sample(i * 1000, { removed, rewritten }));
        if (assessBurst(samples, settings, 6000) === null) return;
        const more = [...samples, sample(6000, { removed: extra })];
        expect(assessBurst(more, settings, 6000)).not.toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});

describe('the guard', () => {
  test('writes it down, labels what follows, pins what was before, tells, and ends when resolved', async () => {
    const storage = createMemoryStorage();
    const vault = openTestVault({ root: scratchFolder(), storage });
    const sent: AlertMessage[] = [];
    const notifier: Deps['notifier'] = {
      send: async (message) => {
        sent.push(message);
        return [];
      },
      beat: async () => null,
    };
    const deps = { ...vault.deps, notifier };
    const { signal } = new AbortController();
    for (let i = 0; i < 100; i++) vault.write(`notes/${i}.md`, `note ${i}\n`);
    const first = await takeSnapshot(deps, { label: null, kind: 'auto' });
    if (first.kind !== 'taken') throw new Error('nothing was taken');
    const previous = { record: first.record, where: 'store', recordSha256: '', localDirectory: null } as never;
    const guard = createGuardExtension(deps, settings);
    const quiet = { previous, added: 0, changed: 1, removed: 0, filesBefore: 100 };
    expect(await guard.afterScan!(quiet)).toBeNull();

    vault.clock.advance(5_000);
    rmSync(join(vault.root, 'notes'), { recursive: true });
    expect(await guard.afterScan!({ ...quiet, removed: 100 })).toEqual({ label: 'after-burst-desk' });
    const hold = readBurstHold((await deps.snapshotIndex.read()).rows);
    expect(hold).toMatchObject({ lastGood: first.record.id, removed: 100, machine: 'desk' });

    await guard.afterSnapshot!(first, signal);
    expect([...(await readPins(deps)).keys()]).toEqual([first.record.id]);
    expect(sent).toMatchObject([{ kind: 'burst', remedy: 'holdfast rescue' }]);
    // Another process of this machine goes on where this one was.
    expect(await createGuardExtension(deps, settings).afterScan!(quiet)).toEqual({ label: 'after-burst-desk' });

    vault.clock.advance(60_000);
    await deps.snapshotIndex.append({ event: 'burst_resolved', by: 'rescue' });
    await guard.tick!(signal);
    expect(await guard.afterScan!(quiet)).toBeNull();
    expect(readBurstHold((await deps.snapshotIndex.read()).rows)).toBeNull();
  });

  test('keeps trying to pin while the store is away', async () => {
    const storage = createMemoryStorage();
    const vault = openTestVault({ root: scratchFolder(), storage });
    vault.write('a', 'a');
    const first = await takeSnapshot(vault.deps, { label: null, kind: 'auto' });
    if (first.kind !== 'taken') throw new Error('nothing was taken');
    const previous = { record: { ...first.record, id: '2026-03-01T09:00:00Z-not-there-yet' } } as never;
    const guard = createGuardExtension(vault.deps, settings);
    const { signal } = new AbortController();
    await guard.afterScan!({ previous, added: 0, changed: 900, removed: 900, filesBefore: 1000 });
    await guard.afterSnapshot!(first, signal);
    await guard.tick!(signal);
    expect((await readPins(vault.deps)).size).toBe(0);
  });
});
