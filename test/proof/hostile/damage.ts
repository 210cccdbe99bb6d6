import { join } from 'node:path';
import type { Deps } from '../../../src/engine/deps.ts';
import { restoreSnapshot } from '../../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../../src/engine/store-view.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import { isHoldfastError } from '../../../src/model/errors.ts';
import { parseLabel } from '../../../src/model/ids.ts';
import type { IndexRow } from '../../../src/model/index-row.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { openTestVault } from '../../support/test-vault.ts';

export interface DamageReport {
  readonly flips: number;
  readonly cuts: number;
  readonly swaps: number;
  readonly failures: readonly string[];
}

/** A minimal store of two snapshots that share a pack. */
export async function minimalStore(folder: string): Promise<MemoryStorage> {
  const storage = createMemoryStorage();
  const vault = openTestVault({ root: join(folder, 'vault'), storage });
  vault.write('a.md', 'one\n');
  vault.write('deep/b.md', 'two, which is changed later\n');
  await takeSnapshot(vault.deps, { label: parseLabel('first'), kind: 'manual' });
  vault.clock.advance(1000);
  vault.write('deep/b.md', 'two\n');
  await takeSnapshot(vault.deps, { label: parseLabel('second'), kind: 'manual' });
  return storage;
}

/**
 * Flips bits of every byte of every object (one bit a byte, or all eight), cuts every object at every `cutStep`-th length, and swaps
 * every pair of objects of one type; each damage must be noticed by `verify` on a machine that keeps nothing.
 */
export async function damageEverything(
  folder: string,
  storage: MemoryStorage,
  options: { bits: readonly number[]; cutStep: number; progress: (text: string) => void },
): Promise<DamageReport> {
  const deps = forgetful(openTestVault({ root: join(folder, 'elsewhere'), storage, machine: 'other' }).deps);
  const counts = { flips: 0, cuts: 0, swaps: 0 };
  const failures: string[] = [];
  const tryOne = async (key: string, bytes: Uint8Array, what: string): Promise<void> => {
    const good = storage.peek(key)!;
    storage.poke(key, bytes);
    if (!(await isNoticed(deps))) failures.push(`${key}: ${what} went unseen by verify (P8)`);
    storage.poke(key, good);
  };
  for (const key of storage.keys()) {
    const good = new Uint8Array(storage.peek(key)!);
    for (let at = 0; at < good.length; at++) {
      for (const bit of options.bits.length === 1 ? [at % 8] : options.bits) {
        const bytes = new Uint8Array(good);
        bytes[at]! ^= 1 << bit;
        counts.flips++;
        await tryOne(key, bytes, `bit ${bit} of byte ${at}, flipped,`);
      }
    }
    for (let size = 0; size < good.length; size += options.cutStep) {
      counts.cuts++;
      await tryOne(key, good.slice(0, size), `the cut to ${size} of ${good.length} bytes`);
    }
    options.progress(`damaged ${key}`);
  }
  counts.swaps = await swapAll(storage, deps, failures);
  if (await isNoticed(deps)) failures.push('the whole store, put back as it was, is called damaged (a false alarm)');
  return { ...counts, failures };
}

/** Objects of one kind exchange their places; what restores afterwards must still be what its label says. */
async function swapAll(storage: MemoryStorage, deps: Deps, failures: string[]): Promise<number> {
  let swaps = 0;
  const keys = storage.keys();
  for (const one of keys) {
    for (const other of keys) {
      if (one >= other || kindOf(one) !== kindOf(other)) continue;
      const [first, second] = [storage.peek(one)!, storage.peek(other)!];
      if (Buffer.compare(first, second) === 0) continue;
      storage.poke(one, second);
      storage.poke(other, first);
      swaps++;
      if (!(await isNoticed(deps))) failures.push(`${one} and ${other}, swapped, went unseen by verify (P8)`);
      if (await restoresWrongly(deps))
        failures.push(`${one} and ${other}, swapped: a restore said to be complete is not what it was`);
      storage.poke(one, first);
      storage.poke(other, second);
    }
  }
  return swaps;
}

function kindOf(key: string): string {
  return key.slice(key.lastIndexOf('.'));
}

async function isNoticed(deps: Deps): Promise<boolean> {
  try {
    const { findings, rebuiltIndexes } = await verifyStore(deps, { depth: 'full' });
    return findings.length > 0 || rebuiltIndexes.length > 0;
  } catch (error) {
    if (isHoldfastError(error)) return true;
    throw error;
  }
}

async function restoresWrongly(deps: Deps): Promise<boolean> {
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  for (const point of points) {
    try {
      const { reader } = await openPointReader(deps, points);
      const { complete } = await restoreSnapshot(deps, { point, reader, paths: null, validateOnly: true });
      if (complete && point.record.id.endsWith('first') !== (point.record.label === 'first')) return true;
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
    }
  }
  return false;
}

/** The same machine, which keeps nothing of what it sees: every byte comes from the store each time. */
function forgetful(deps: Deps): Deps {
  const { recordCache, snapshotIndex } = deps;
  const nothing = async (): Promise<void> => undefined;
  return {
    ...deps,
    recordCache: { ...recordCache, save: nothing, saveAll: nothing, saveSighting: nothing },
    snapshotIndex: { ...snapshotIndex, append: async (event) => ({ event }) as IndexRow },
  };
}
