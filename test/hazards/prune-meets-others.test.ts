import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { applyPrune, type PruneOptions } from '../../src/engine/prune/apply-prune.ts';
import { syncReplica } from '../../src/engine/replicate/sync-replica.ts';
import { restoreSnapshot, type RestoreOutcome } from '../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { HoldfastError, isHoldfastError } from '../../src/model/errors.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import { interleave } from '../support/interleave.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { openPruneWorld, type PruneWorld } from '../support/prune-world.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

const hourMs = 3_600_000;
const newestOnly: PruneOptions = {
  retention: { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true },
  keepNone: true,
};

async function threeSnapshots(): Promise<PruneWorld> {
  const it = openPruneWorld();
  for (let i = 0; i < 3; i++) {
    it.fill(
      'desk',
      new Map([
        ['notes.md', `edit ${i}\n`.repeat(60)],
        [`deep/${i}.md`, `only in ${i}`],
        ['same.md', 'always the same'],
      ]),
    );
    await it.take('desk');
    it.clock.advance(hourMs);
  }
  return it;
}

/** Two prunes with the grace between them: what the first condemned is gone after the second. */
async function pruneAndSweep(it: PruneWorld): Promise<void> {
  await applyPrune(it.machine('desk').deps, newestOnly);
  it.clock.advance(25 * hourMs);
  await applyPrune(it.machine('desk').deps, newestOnly);
}

async function restoreOldest(vault: TestVault, id: SnapshotId): Promise<RestoreOutcome> {
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  const point = points.find(({ record }) => record.id === id);
  if (point === undefined) throw new HoldfastError('snapshot_unknown', 'gone');
  const { reader } = await openPointReader(vault.deps, points);
  return restoreSnapshot(vault.deps, { point, reader, paths: null });
}

function filesBelow(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(folder.length + 1);
    if (entry.isFile() && !inside.startsWith('state')) files.set(inside, readFileSync(path, 'utf8'));
  }
  return files;
}

/** How a restore ended, in a word; what must not be is 'torn'. */
function endingOf(outcome: RestoreOutcome | Error, held: ReadonlyMap<string, string>): string {
  if (outcome instanceof Error) return isHoldfastError(outcome) ? outcome.kind : 'torn';
  if (!outcome.complete)
    return outcome.damaged > 0 && outcome.directory!.endsWith('.INCOMPLETE') ? 'incomplete' : 'torn';
  return isDeepStrictEqual(filesBelow(outcome.directory!), held) ? 'whole' : 'torn';
}

test('X07: a restore that meets the prune of its snapshot is whole, or says 4 or 7 and ends in .INCOMPLETE', async () => {
  const endings = new Set<string>();
  for (let at = 1, isOver = false; !isOver; at++) {
    const it = await threeSnapshots();
    const oldest = (await it.stored()).at(-1)!.record.id;
    const laptop = it.machine('laptop');
    const { second, wasSecondPaused } = await interleave(it.storage, {
      first: () => pruneAndSweep(it),
      pauseFirstAt: 1,
      second: () => restoreOldest(laptop, oldest),
      pauseSecondAt: at,
    });
    isOver = !wasSecondPaused;
    endings.add(endingOf(second, it.held.get(oldest)!));
  }
  expect([...endings].filter((one) => !['not_found', 'integrity', 'incomplete', 'whole'].includes(one))).toEqual([]);
  // Met before the snapshot was looked up, and after its last byte was read, at the least.
  expect([...endings]).toEqual(expect.arrayContaining(['not_found', 'whole']));
}, 60_000);

test('X11: a verify that begins while a prune drops records, and goes on when they are gone, raises no false alarm', async () => {
  for (let at = 1, isOver = false; !isOver; at += 3) {
    const it = await threeSnapshots();
    const laptop = it.machine('laptop').deps;
    const { first, second, wasSecondPaused } = await interleave(it.storage, {
      first: () => applyPrune(it.machine('desk').deps, newestOnly),
      pauseFirstAt: (operation, key) => operation === 'delete' && key.endsWith('snapshot.json'),
      second: () => verifyStore(laptop, { depth: 'full' }),
      pauseSecondAt: at,
    });
    expect(first).not.toBeInstanceOf(Error);
    expect([at, second]).toMatchObject([at, { findings: [] }]);
    isOver = !wasSecondPaused;
  }
}, 60_000);

test('X11: nor when what it looks at is swept away under it', async () => {
  for (let at = 1, isOver = false; !isOver; at += 3) {
    const it = await threeSnapshots();
    const laptop = it.machine('laptop').deps;
    const { second, wasSecondPaused } = await interleave(it.storage, {
      first: () => pruneAndSweep(it),
      pauseFirstAt: 1,
      second: () => verifyStore(laptop, { depth: 'full' }),
      pauseSecondAt: at,
    });
    expect([at, second]).toMatchObject([at, { findings: [] }]);
    isOver = !wasSecondPaused;
  }
}, 60_000);

test('X11: a snapshot taken at any step of a verify is no alarm', async () => {
  for (let at = 1, isOver = false; !isOver; at += 5) {
    const it = await threeSnapshots();
    it.fill('desk', new Map([['notes.md', 'edited while verify looks']]));
    const { first, second, wasSecondPaused } = await interleave(it.storage, {
      first: () => it.take('desk'),
      pauseFirstAt: 2,
      second: () => verifyStore(it.machine('laptop').deps, { depth: 'full' }),
      pauseSecondAt: at,
    });
    expect(first).not.toBeInstanceOf(Error);
    expect([at, second]).toMatchObject([at, { findings: [] }]);
    isOver = !wasSecondPaused;
  }
}, 60_000);

test('X10: a replica brought level while a prune runs never holds a record without its packs', async () => {
  for (let pauseFirstAt = 1, isFirstOver = false; !isFirstOver; pauseFirstAt += 17) {
    for (let pauseSecondAt = 1, isSecondOver = false; !isSecondOver; pauseSecondAt += 11) {
      const it = await threeSnapshots();
      const replica = createMemoryStorage({ now: () => it.clock.now() });
      const met = await interleave(it.storage, {
        first: () => pruneAndSweep(it),
        pauseFirstAt,
        second: () => syncReplica(it.machine('laptop').deps, { replica }),
        pauseSecondAt,
      });
      const where = [pauseFirstAt, pauseSecondAt];
      expect([where, met.second]).toMatchObject([where, { damaged: [] }]);
      const stranger = openTestVault({ root: join(scratchFolder(), 'v'), storage: replica, machine: 'v' });
      const { findings, snapshots } = await verifyStore(stranger.deps, { depth: 'full' });
      expect([where, findings, snapshots > 0]).toEqual([where, [], true]);
      isFirstOver = !met.wasFirstPaused;
      isSecondOver = !met.wasSecondPaused;
    }
  }
}, 60_000);
