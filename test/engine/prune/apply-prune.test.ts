import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyPrune, previewPrune, type PruneOptions } from '../../../src/engine/prune/apply-prune.ts';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import type { RetentionRules } from '../../../src/model/retention.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type MovableClock, movableClock, openTestVault, type TestVault } from '../../support/test-vault.ts';

const dayMs = 24 * 3_600_000;
const nothing: RetentionRules = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };
const daily: PruneOptions = { retention: { ...nothing, daily: 30 } };

export interface Bench {
  readonly clock: MovableClock;
  readonly storage: MemoryStorage;
  readonly machine: (name: string) => TestVault;
}

function openBench(): Bench {
  const clock = movableClock();
  const storage = createMemoryStorage({ now: () => clock.now() });
  const folder = scratchFolder();
  return {
    clock,
    storage,
    machine: (name) => openTestVault({ root: join(folder, name), storage, clock, machine: name }),
  };
}

async function take(vault: TestVault) {
  const outcome = await takeSnapshot(vault.deps, { label: null, kind: 'auto' });
  if (outcome.kind !== 'taken') throw new Error('nothing was taken');
  return outcome.record;
}

describe('prune', () => {
  test('drops what no rule keeps, leaves a whole store, and frees the packs a day later', async () => {
    const { clock, storage, machine } = openBench();
    const vault = machine('desk');
    for (let day = 0; day < 4; day++) {
      for (let i = 0; i < 5; i++) {
        vault.write('notes.md', Array.from({ length: 50 + i }, (_, n) => `day ${day} edit ${i} line ${n}\n`).join(''));
        vault.write(`new-${day}-${i}.md`, `file ${day} ${i}\n`.repeat(20));
        await take(vault);
        clock.advance(3_600_000);
      }
      clock.advance(dayMs - 5 * 3_600_000);
    }
    const outline = await previewPrune(vault.deps, daily);
    expect(outline.dropped).toHaveLength(16);
    const before = storage.keys().length;
    const first = await applyPrune(vault.deps, daily);
    expect(first).toMatchObject({ dropped: { length: 16 }, stayed: [], blocked: [], deletedBytes: 0 });
    expect(storage.keys().filter((key) => key.endsWith('snapshot.json'))).toHaveLength(4);
    expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
    expect((await applyPrune(vault.deps, daily)).deletedBytes).toBe(0);
    clock.advance(dayMs);
    const second = await applyPrune(vault.deps, daily);
    expect(second.deletedBytes).toBeGreaterThan(0);
    expect(storage.keys().length).toBeLessThan(before / 2);
    expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
    expect((await listSnapshots(machine('laptop').deps, { refresh: 'always' })).points).toHaveLength(4);
    expect((await verifyStore(machine('laptop').deps, { depth: 'full' })).findings).toEqual([]);
  });
});
