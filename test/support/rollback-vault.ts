import { lutimesSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deps } from '../../src/engine/deps.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import type { RollbackOutcome } from '../../src/engine/rollback/finish-rollback.ts';
import { type RollbackOptions, runRollback } from '../../src/engine/rollback/run-rollback.ts';
import type { Label, SnapshotId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import type { LiveMover, LiveTree } from '../../src/ports/live-tree.ts';
import { type Found, manifestOf } from './folder-manifest.ts';
import { createMemoryStorage, type MemoryStorage } from './memory-storage.ts';
import { movableClock, type MovableClock, openTestVault, type TestVault } from './test-vault.ts';

export interface RollbackVault extends Disposable {
  readonly root: string;
  readonly vault: TestVault;
  readonly deps: Deps;
  readonly clock: MovableClock;
  readonly storage: MemoryStorage;
  snapshot(label: string): Promise<RestorePoint>;
  point(id: SnapshotId): Promise<RestorePoint>;
  rollback(point: RestorePoint, options?: Partial<RollbackOptions>, deps?: Deps): Promise<RollbackOutcome>;
  /** What the vault holds, without what is holdfast's own. */
  manifest(): Map<string, Found>;
}

/** A real folder with the real engine, in a store in memory, and rollbacks on it. */
export function openRollbackVault(): RollbackVault {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-rollback-')));
  const root = join(folder, 'vault');
  mkdirSync(root);
  const clock = movableClock();
  const storage = createMemoryStorage();
  const vault = openTestVault({ root, storage, clock });
  const { deps } = vault;
  return {
    root,
    vault,
    deps,
    clock,
    storage,
    async snapshot(label) {
      clock.advance(1_000);
      const outcome = await takeSnapshot(deps, { label: label as Label, kind: 'manual' });
      if (outcome.kind !== 'taken') throw new Error('not taken');
      return this.point(outcome.record.id);
    },
    async point(id) {
      const { points } = await listSnapshots(deps, { refresh: 'always' });
      return points.find(({ record }) => record.id === id)!;
    },
    async rollback(point, options = {}, with_ = deps) {
      clock.advance(1_000);
      return runRollback(with_, {
        point,
        paths: null,
        allowPartial: false,
        localSafety: false,
        confirmLabel: point.record.label,
        ...options,
      });
    },
    manifest: () => contentOf(root),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The manifest of a vault, without the holding directory and the private state. */
export function contentOf(root: string): Map<string, Found> {
  const all = manifestOf(root);
  for (const path of all.keys()) if (/^(?:_restore|state)\//.test(path)) all.delete(path);
  return all;
}

/** A manifest in lines, times in whole microseconds give or take one, for comparing. */
export function linesOf(manifest: ReadonlyMap<string, Found>): string[] {
  return [...manifest]
    .map(([path, { kind, content, mode, micros }]) => {
      // Metadata rounds to microseconds where the manifest cuts; tests set whole milliseconds.
      return `${path} ${kind} ${mode} ${(micros + 1n) / 1000n} ${content}`;
    })
    .toSorted();
}

export class SimulatedCrash extends Error {}

/** A live tree whose mover throws at the n-th changing call, before or after doing it. `calls` counts. */
export function crashingTree(
  tree: LiveTree,
  at: { call: number; when: 'before' | 'after' } | null,
): LiveTree & { calls: () => number } {
  let calls = 0;
  const changing = new Set(['move', 'dropTwin', 'makeFolder', 'removeFolder', 'set', 'sync', 'clear']);
  const wrap = (mover: LiveMover): LiveMover =>
    new Proxy(mover, {
      get(target, name) {
        if (name === Symbol.dispose) return () => target[Symbol.dispose]();
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        if (!changing.has(String(name))) return method.bind(target);
        return (...args: unknown[]) => {
          calls++;
          const isHit = at !== null && calls === at.call;
          if (isHit && at.when === 'before') throw new SimulatedCrash(`before ${String(name)}`);
          const result = method.apply(target, args);
          if (!isHit) return result;
          if (result instanceof Promise)
            return result.then(() => Promise.reject(new SimulatedCrash(`after ${String(name)}`)));
          throw new SimulatedCrash(`after ${String(name)}`);
        };
      },
    });
  return { ...tree, openMover: (directory) => wrap(tree.openMover(directory)), calls: () => calls };
}

/** Gives everything in a vault a time of whole milliseconds, other for every path, so that manifests can be compared exactly. */
export function settleTimes(root: string, start: number): void {
  let at = start;
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (folder === root && ['.git', '_restore', 'state'].includes(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      at += 1_001;
      lutimesSync(path, at / 1000, at / 1000);
    }
  };
  visit(root);
}
