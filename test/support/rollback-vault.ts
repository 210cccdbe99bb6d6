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
import type { LiveMover } from '../../src/ports/live-tree.ts';
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

/** Where a simulated crash strikes: the n-th call that changes live files, the journal or the index. */
export interface CrashPoint {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** Ports that die at one call, once the safety snapshot is taken. */
export function crashingDeps(deps: Deps, at: CrashPoint): Deps {
  let calls = 0;
  const wrap = <T extends object>(port: T, changing: readonly string[]): T =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        const method = member as (...args: unknown[]) => unknown;
        if (!changing.includes(String(name))) return method.bind(target);
        return (...args: unknown[]) => {
          calls++;
          if (calls !== at.call) return method.apply(target, args);
          if (at.when === 'before') throw new SimulatedCrash(`before ${String(name)}`);
          const result = method.apply(target, args);
          if (!(result instanceof Promise)) throw new SimulatedCrash(`after ${String(name)}`);
          return result.then(() => {
            throw new SimulatedCrash(`after ${String(name)}`);
          });
        };
      },
    });
  const moverCalls = ['move', 'dropTwin', 'makeFolder', 'removeFolder', 'set', 'sync', 'clear'];
  const openMover = (directory: string): LiveMover => wrap(deps.liveTree.openMover(directory), moverCalls);
  let isMoving = false;
  return {
    ...deps,
    liveTree: {
      ...deps.liveTree,
      openMover(directory) {
        isMoving = true;
        return openMover(directory);
      },
    },
    rollbackJournal: wrap(deps.rollbackJournal, ['save', 'remove']),
    get snapshotIndex() {
      return isMoving ? wrap(deps.snapshotIndex, ['append']) : deps.snapshotIndex;
    },
  };
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
