import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Deps } from '../../src/engine/deps.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { isHoldfastError } from '../../src/model/errors.ts';
import { parseLabel } from '../../src/model/ids.ts';
import type { IndexRow } from '../../src/model/index-row.ts';
import type { SnapshotIndex } from '../../src/ports/snapshot-index.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

const newest = { 'a.md': 'one\n', 'deep/b.md': 'two\n', 'c.md': 'one\n' };
const oldest = { 'a.md': 'one\n', 'deep/b.md': 'two, which is changed later\n', 'c.md': 'one\n' };

let storage: MemoryStorage;
let vault: TestVault;

/** A minimal store: two tiny snapshots, the second needing packs of both. */
beforeEach(async () => {
  storage = createMemoryStorage();
  vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  for (const [path, text] of Object.entries(oldest)) vault.write(path, text);
  await takeSnapshot(vault.deps, { label: parseLabel('first'), kind: 'manual' });
  vault.clock.advance(1000);
  vault.write('deep/b.md', 'two\n');
  await takeSnapshot(vault.deps, { label: parseLabel('second'), kind: 'manual' });
});

/** The machine that took the snapshots: it keeps records, and rows of its index, but writes nothing down here. */
async function sameMachine(): Promise<Deps> {
  const { deps } = vault;
  const rows = await deps.snapshotIndex.read();
  const records = await deps.recordCache.loadAll();
  const sighting = await deps.recordCache.sighting();
  return {
    ...deps,
    snapshotIndex: { ...readOnly(deps.snapshotIndex), read: async () => rows },
    recordCache: { ...deps.recordCache, ...forgetful, loadAll: async () => records, sighting: async () => sighting },
  };
}

/** A machine that has never seen the store: nothing kept, nothing logged. */
function newMachine(): Deps {
  const { deps } = openTestVault({ root: join(scratchFolder(), 'elsewhere'), storage, machine: 'other' });
  const snapshotIndex = readOnly(deps.snapshotIndex);
  return { ...deps, snapshotIndex, recordCache: { ...deps.recordCache, ...forgetful } };
}

const forgetful = { save: async () => {}, saveAll: async () => {}, saveSighting: async () => {} };

/** Thousands of rows would be all that this file measures. */
function readOnly(snapshotIndex: SnapshotIndex): SnapshotIndex {
  return { ...snapshotIndex, append: async (event) => ({ event }) as IndexRow };
}

interface Damage {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly good: Uint8Array;
}

/** An object with one bit changed in every `step`-th byte, and cut at forty sizes. */
function* damagesOf(key: string, step: number): Generator<Damage> {
  const good = new Uint8Array(storage.peek(key)!);
  for (let at = 0; at < good.length; at += step) {
    const bytes = new Uint8Array(good);
    bytes[at]! ^= 1 << (at % 8);
    yield { key, bytes, good };
  }
  const cut = Math.max(1, Math.floor(good.length / 40));
  for (let size = 0; size < good.length; size += cut) yield { key, bytes: good.subarray(0, size), good };
}

/** True when verify finds something, or refuses the store as one of a newer holdfast. */
async function isNoticed(deps: Deps): Promise<boolean> {
  try {
    const { findings, rebuiltIndexes } = await verifyStore(deps, { depth: 'full' });
    return findings.length + rebuiltIndexes.length > 0;
  } catch (error) {
    if (isHoldfastError(error, 'store_newer')) return true;
    throw error;
  }
}

/** Every object whose name ends so, damaged in every way; returns what a full verify did not notice. */
async function unnoticedByVerify(deps: Deps, ending: string, step = 1): Promise<Damage[]> {
  const passed: Damage[] = [];
  for (const key of storage.keys().filter((name) => name.endsWith(ending))) {
    for (const damage of damagesOf(key, step)) {
      storage.poke(key, damage.bytes);
      if (!(await isNoticed(deps))) passed.push(damage);
      storage.poke(key, damage.good);
    }
  }
  const { findings, rebuiltIndexes } = await verifyStore(deps, { depth: 'full' });
  expect([findings, rebuiltIndexes]).toEqual([[], []]);
  return passed;
}

describe('K07: one changed byte, or a cut, anywhere in any object', () => {
  // A pack index is no loss (K06): verify names it and goes on with one made from the pack.
  test.each([
    ['.pack', 7],
    ['.idx', 5],
    ['snapshot.json', 2],
    ['RESTORE.md', 97],
  ])('is noticed by verify on a machine that knows the store: %s', async (ending, step) => {
    expect(await unnoticedByVerify(await sameMachine(), ending, step)).toEqual([]);
  });

  test.each([
    ['.pack', 1],
    ['.idx', 9],
  ])('is noticed by verify on a machine that never saw the store: %s', async (ending, step) => {
    expect(await unnoticedByVerify(newMachine(), ending, step)).toEqual([]);
  });

  test.each(['holdfast.json', 'snapshot.json'])(
    'is noticed by a machine that never saw the store: %s',
    async (ending) => {
      expect(await unnoticedByVerify(newMachine(), ending)).toEqual([]);
    },
  );

  test('is never passed off as whole by a restore', async () => {
    let incomplete = 0;
    for (const key of storage.keys().filter((name) => name.endsWith('.pack'))) {
      for (const { bytes, good } of damagesOf(key, 23)) {
        storage.poke(key, bytes);
        const deps = newMachine();
        const directory = await restoreAll(deps);
        if (directory === null) continue;
        const isWhole = !directory.endsWith('.INCOMPLETE');
        incomplete += isWhole ? 0 : 1;
        for (const [path, text] of Object.entries(newest)) {
          const restored = join(directory, path);
          const found = existsSync(restored) ? readFileSync(restored, 'utf8') : null;
          expect(isWhole ? [text] : [text, null]).toContain(found);
        }
        storage.poke(key, good);
      }
    }
    expect(incomplete).toBeGreaterThan(5);
  });
});

/** Restores the newest snapshot; null when it was refused as damaged before anything was written. */
async function restoreAll(deps: Deps): Promise<string | null> {
  try {
    const { points } = await loadStoreView(deps, { refresh: 'always' });
    const { reader } = await openPointReader(deps, points);
    const { directory } = await restoreSnapshot(deps, { point: points[0]!, reader, paths: null });
    return directory;
  } catch (error) {
    if (isHoldfastError(error) && error.kind === 'integrity') return null;
    throw error;
  }
}

test('S06: a record that was damaged on its way, not in the store, is read once more', async () => {
  const storage = createMemoryStorage();
  const desk = openTestVault({ root: scratchFolder(), storage });
  desk.write('a.md', 'words\n');
  await takeSnapshot(desk.deps, { label: parseLabel('one'), kind: 'manual' });
  let reads = 0;
  const get: typeof storage.get = async (key, options) => {
    const bytes = await storage.get(key, options);
    if (key.endsWith('snapshot.json') && ++reads === 1) bytes[40]! ^= 1;
    return bytes;
  };
  const lap = openTestVault({ root: scratchFolder(), storage: { ...storage, get }, machine: 'lap' });
  const { points, invalid } = await loadStoreView(lap.deps, { refresh: 'always' });
  expect([points.length, invalid.length, reads]).toEqual([1, 0, 2]);
});
