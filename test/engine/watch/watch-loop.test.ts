import { readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadStoreView } from '../../../src/engine/store-view.ts';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { runRollback } from '../../../src/engine/rollback/run-rollback.ts';
import { readHeartbeat, watchReasons } from '../../../src/engine/watch-health.ts';
import type { CaptureChanges } from '../../../src/engine/watch/extensions.ts';
import type { WatchDeps } from '../../../src/engine/watch/watch-deps.ts';
import type { WatchEvent } from '../../../src/engine/watch/watch-event.ts';
import type { WatchOptions } from '../../../src/engine/watch/watch-loop.ts';
import { watchVault } from '../../../src/engine/watch/watch-vault.ts';
import { openVaultLock } from '../../../src/adapters/vault-lock/open-vault-lock.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { WatchHint } from '../../../src/ports/watcher.ts';
import { withFailingFs } from '../../support/failing-fs.ts';
import { createMemoryStorage, type MemoryStorageOptions } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { openTestVault } from '../../support/test-vault.ts';

const quietMs = 5000;

/** A watcher on a real folder with clocks and hints of the test's own: time passes only when told, hints come only when given. */
function startWatch(storageOptions: MemoryStorageOptions = {}, options: Partial<WatchOptions> = {}) {
  const storage = createMemoryStorage(storageOptions);
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage, scanNow: () => Date.now() + 60_000 });
  vault.write('a/one.md', 'one');
  const sleeper = createSleeper();
  const controller = new AbortController();
  const events: WatchEvent[] = [];
  const state = {
    hint: (() => {}) as (hint: WatchHint) => void,
    wallMs: 0,
    freeBytes: 1e12,
    mounts: '',
    limit: null as WatchHint | null,
  };
  const clock = {
    now: () => new Date(Date.parse('2026-03-01T09:00:00Z') + sleeper.nowMs + state.wallMs),
    monotonicMs: () => sleeper.nowMs,
    sleep: sleeper.sleep,
  };
  const run = join(vault.privateFolder, 'run');
  const deps: WatchDeps = {
    ...vault.deps,
    clock,
    openWatcher: (onHint) => {
      state.hint = onHint;
      return {
        watchedCount: 0,
        follow: () => {
          if (state.limit !== null) onHint(state.limit);
          return [];
        },
        [Symbol.asyncDispose]: async () => {},
      };
    },
    watchLock: openVaultLock({ directory: run, name: 'watch.lock', hostname: 'desk.example', now: clock.now }),
    freeSpace: async () => ({ freeBytes: state.freeBytes, sizeBytes: 1e12 }),
    mountMark: () => state.mounts,
  };
  const watch = (): Promise<unknown> =>
    watchVault(deps, {
      quietMs,
      maxWaitMs: 60_000,
      rescanMs: 600_000,
      jobs: [],
      extensions: [],
      signal: controller.signal,
      onEvent: (event) => events.push(event),
      ...options,
    }).catch((error: unknown) => error);
  const ended = watch();
  const stop = async (): Promise<unknown> => {
    controller.abort(new HoldfastError('canceled', 'Stopped.'));
    return ended;
  };
  onTestFinished(async () => {
    await stop();
  });
  const taken = () => events.filter((event) => event.type === 'taken').length;
  return { vault, deps, storage, sleeper, state, events, taken, stop, watch, pass: sleeper.pass, idle: sleeper.idle };
}

/** Sleeps that end when the test lets time pass; `idle` resolves once the loop sleeps again. */
function createSleeper() {
  let nowMs = 1000;
  let sleeping: { dueMs: number; wake: () => void } | null = null;
  let onIdle: () => void = () => {};
  let sleeps = 0;
  const sleep = (durationMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      sleeps++;
      const end = (finish: () => void) => () => {
        sleeping = null;
        finish();
      };
      const mine = { dueMs: nowMs + durationMs, wake: end(resolve) };
      sleeping = mine;
      signal?.addEventListener(
        'abort',
        end(() => reject(signal.reason as Error)),
        { once: true },
      );
      if (signal?.aborted === true) mine.wake();
      onIdle();
    });
  const idle = async (): Promise<void> => {
    while (sleeping === null) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
  };
  /** Lets time pass, waking the loop at each time it asked for. */
  const pass = async (durationMs: number): Promise<void> => {
    const endMs = nowMs + durationMs;
    await idle();
    while (sleeping !== null && (sleeping as { dueMs: number }).dueMs <= endMs) {
      const { dueMs, wake } = sleeping as { dueMs: number; wake: () => void };
      nowMs = Math.max(nowMs, dueMs);
      wake();
      await idle();
    }
    nowMs = endMs;
  };
  return {
    get nowMs() {
      return nowMs;
    },
    get sleeps() {
      return sleeps;
    },
    sleep,
    idle,
    pass,
  };
}

describe('the watch loop', () => {
  test('takes one catch-up snapshot at the start, and one after the quiet period of a change', async () => {
    const { vault, state, taken, pass, idle } = startWatch();
    await idle();
    expect(taken()).toBe(1);
    vault.write('a/one.md', 'two');
    state.hint({ kind: 'folder', path: 'a' });
    await pass(quietMs - 1000);
    expect(taken()).toBe(1);
    await pass(1001);
    expect(taken()).toBe(2);
    const rows = await vault.deps.snapshotIndex.read();
    expect(rows.rows.at(-1)!.event).toMatchObject({ event: 'snapshot', kind: 'auto', label: 'auto-desk', changed: 1 });
  });

  test('a busy vault is captured at the latest after the maximum wait', async () => {
    const { vault, state, taken, pass, idle } = startWatch();
    await idle();
    for (let second = 0; second < 120; second += 4) {
      vault.write('a/one.md', `at ${second}`);
      state.hint({ kind: 'folder', path: 'a' });
      await pass(4000);
    }
    expect(taken()).toBe(3);
  });

  test('X12 W5: an idle vault costs no snapshot, no request and one wake-up a minute; its own log wakes nothing', async () => {
    const { storage, sleeper, taken, state, pass, idle } = startWatch();
    await idle();
    const requests = JSON.stringify(storage.requests);
    const sleeps = sleeper.sleeps;
    await pass(590_000);
    // Whoever restores or appends to the index gives at most a hint, and there is nothing to find.
    state.hint({ kind: 'folder', path: 'state/log' });
    state.hint({ kind: 'folder', path: '' });
    await pass(9000);
    expect(taken()).toBe(1);
    expect(JSON.stringify(storage.requests)).toBe(requests);
    expect(sleeper.sleeps - sleeps).toBeLessThan(25);
    // The looks at everything ask the store nothing either.
    await pass(1_300_000);
    expect(taken()).toBe(1);
    expect(JSON.stringify(storage.requests)).toBe(requests);
  });

  test('Q07: what gave no hint is found by the look at everything, after ten minutes', async () => {
    const { vault, taken, pass, idle } = startWatch();
    await idle();
    vault.write('a/unseen.md', 'no hint');
    await pass(590_000);
    expect(taken()).toBe(1);
    await pass(20_000);
    expect(taken()).toBe(2);
  });

  test('Q15 C01: after a sleep of the machine everything is looked at, once', async () => {
    const { vault, state, taken, events, pass, idle } = startWatch();
    await idle();
    vault.write('a/unseen.md', 'no hint');
    state.wallMs += 8 * 3_600_000;
    await pass(61_000);
    expect(taken()).toBe(2);
    expect(events.filter((event) => event.type === 'rescan')).toEqual([
      { type: 'rescan', reason: 'the machine slept' },
    ]);
  });

  test('something mounted, and hints that were lost, are looked for everywhere', async () => {
    const { vault, state, taken, pass, idle } = startWatch();
    await idle();
    vault.write('b/mounted.md', 'no hint');
    state.mounts = 'another';
    await pass(61_000);
    expect(taken()).toBe(2);
    vault.write('b/lost.md', 'no hint');
    state.hint({ kind: 'unsure', reason: 'overflow' });
    await idle();
    await pass(1);
    expect(taken()).toBe(3);
  });

  test('Q06: where the system watches no more, everything is looked at once a minute, and status is yellow with the remedy', async () => {
    const { vault, state, taken, events, deps, pass, idle } = startWatch();
    await idle();
    const remedy = 'sudo sysctl fs.inotify.max_user_watches=1048576';
    state.limit = { kind: 'limited', unwatched: 3, code: 'ENOSPC', remedy };
    state.hint(state.limit);
    for (const text of ['once', 'twice', 'and again']) {
      vault.write('a/unseen.md', text);
      const before = taken();
      await pass(61_000);
      expect(taken()).toBe(before + 1);
    }
    expect(events.filter((event) => event.type === 'limited')).toHaveLength(1);
    const report = await readHeartbeat(deps);
    expect(report).toMatchObject({ state: 'running', heartbeat: { sees: 'polling', limit: { code: 'ENOSPC' } } });
    expect(watchReasons(report, deps.clock.now())[0]).toMatchObject({ colour: 'yellow', remedy });
    // Once the limit is raised, hints are relied on again.
    state.limit = null;
    await pass(61_000);
    expect((await readHeartbeat(deps)).heartbeat).toMatchObject({ sees: 'events', limit: null });
  });

  test('offline, captures wait on this machine and are uploaded in order once the store is back', async () => {
    let isOffline = false;
    const offline = (): void => {
      if (isOffline) throw new HoldfastError('storage_unavailable', 'The store cannot be reached.');
    };
    const { vault, state, events, deps, pass, idle } = startWatch({ beforeCall: offline });
    await idle();
    isOffline = true;
    for (const text of ['two', 'three', 'four']) {
      vault.write('a/one.md', text);
      state.hint({ kind: 'folder', path: 'a' });
      await pass(quietMs + 1);
    }
    expect((await readHeartbeat(deps)).heartbeat).toMatchObject({
      waiting: 3,
      lastError: { code: 'storage_unavailable' },
    });
    isOffline = false;
    await pass(600_000);
    expect(events.some((event) => event.type === 'uploaded')).toBe(true);
    expect((await readHeartbeat(deps)).heartbeat).toMatchObject({ waiting: 0, lastError: null });
    const { rows } = await vault.deps.snapshotIndex.read();
    const published = rows.flatMap(({ event }) => (event.event === 'published' ? [event.id] : []));
    expect(published).toEqual(published.toSorted());
    expect(published).toHaveLength(3);
  });

  test('X06: while another command has the vault it waits; afterwards there is one snapshot', async () => {
    const { vault, state, events, taken, pass, idle } = startWatch();
    await idle();
    const lock = await vault.deps.vaultLock.acquire('rollback');
    for (const text of ['two', 'three']) {
      vault.write('a/one.md', text);
      state.hint({ kind: 'folder', path: 'a' });
      await pass(60_000);
    }
    expect(taken()).toBe(1);
    await lock[Symbol.asyncDispose]();
    await pass(61_000);
    expect(taken()).toBe(2);
    const last = events.findLast((event) => event.type === 'taken');
    expect(last).toMatchObject({ outcome: { record: { label: 'after rollback' } } });
    expect(events.filter((event) => event.type === 'paused').map(({ reason }) => reason === null)).toEqual([
      false,
      true,
    ]);
  });

  test('X06: a real rollback under the watcher: one snapshot after it, and then quiet', async () => {
    const { vault, state, events, taken, pass, idle } = startWatch();
    await idle();
    const { points } = await listSnapshots(vault.deps, { refresh: 'always' });
    vault.write('a/one.md', 'two');
    state.hint({ kind: 'folder', path: 'a' });
    await pass(60_000);
    expect(taken()).toBe(2);
    vault.clock.advance(3_600_000);
    const outcome = await runRollback(vault.deps, {
      point: points[0]!,
      paths: null,
      allowPartial: false,
      localSafety: false,
      confirmLabel: points[0]!.record.label,
    });
    expect(outcome).toMatchObject({ outcome: 'done' });
    // What the moves made the system say.
    for (const path of ['', 'a', '_restore']) state.hint({ kind: 'folder', path });
    await pass(1_300_000);
    expect(taken()).toBe(3);
    expect(readFileSync(join(vault.root, 'a/one.md'), 'utf8')).toBe('one');
    expect(events.filter((event) => event.type === 'failed')).toEqual([]);
  });

  test('a disk that is nearly full stops captures, says so, and is looked at again', async () => {
    const { vault, state, taken, deps, pass, idle } = startWatch();
    await idle();
    state.freeBytes = 1e6;
    vault.write('a/one.md', 'two');
    state.hint({ kind: 'folder', path: 'a' });
    await pass(120_000);
    expect(taken()).toBe(1);
    expect((await readHeartbeat(deps)).heartbeat!.pause).toMatch(/free/);
    state.freeBytes = 1e12;
    await pass(120_000);
    expect(taken()).toBe(2);
  });

  test('a vault that is gone for a while is no end', async () => {
    const { vault, state, taken, deps, pass, idle } = startWatch();
    await idle();
    const { workingTree } = vault.deps;
    const scan = workingTree.scan.bind(workingTree);
    let isBroken = true;
    Object.assign(deps.workingTree, {
      scan: async (options: Parameters<typeof scan>[0]) => {
        if (isBroken) throw new HoldfastError('local_io', 'The vault cannot be read (EIO).');
        return scan(options);
      },
    });
    vault.write('a/one.md', 'two');
    state.hint({ kind: 'folder', path: 'a' });
    await pass(30_000);
    expect((await readHeartbeat(deps)).heartbeat).toMatchObject({ lastError: { code: 'local_io' } });
    isBroken = false;
    await pass(120_000);
    expect(taken()).toBe(2);
  });

  test('C05: an edit of the same size with the time of before is captured', async () => {
    const { vault, state, taken, pass, idle } = startWatch();
    await idle();
    const file = join(vault.root, 'a/one.md');
    for (const [time, text] of [
      [0, 'two'],
      [0, 'six'],
      [4e9, 'ten'],
      [4e9, 'own'],
    ] as const) {
      const before = taken();
      vault.write('a/one.md', text);
      utimesSync(file, time, time);
      state.hint({ kind: 'folder', path: 'a' });
      await pass(quietMs + 1);
      expect(taken()).toBe(before + 1);
    }
  });

  test('C02: a clock set ten years ahead and back again costs no snapshot and hides none', async () => {
    const { vault, state, taken, pass, idle } = startWatch();
    await idle();
    const tenYearsMs = 10 * 365 * 86_400_000;
    for (const wallMs of [tenYearsMs, 0]) {
      state.wallMs = wallMs;
      const before = taken();
      await pass(61_000);
      expect(taken()).toBe(before);
      vault.write('a/one.md', `with the clock at ${wallMs}`);
      state.hint({ kind: 'folder', path: 'a' });
      await pass(quietMs + 1);
      expect(taken()).toBe(before + 1);
    }
    expect((await loadStoreView(vault.deps, { refresh: 'always' })).points).toHaveLength(3);
  });

  test.each(['from then on'] as const)(
    'Q16 Q02: whatever call to the disk fails %s, the watcher goes on and misses nothing',
    async (how) => {
      const { vault, state, events, pass, idle } = startWatch();
      await idle();
      let call = 1;
      for (let calls = Infinity; calls >= call; call += 3) {
        const before = (await loadStoreView(vault.deps, { refresh: 'always' })).points.length;
        vault.write('a/one.md', `${how} ${call}`);
        state.hint({ kind: 'folder', path: 'a' });
        calls = await withFailingFs({ call, how, code: 'EIO' }, () => pass(quietMs + 1));
        await pass(700_000);
        // A file that could not be read is told of by the one snapshot, and in the next.
        const { points, invalid, spooled } = await loadStoreView(vault.deps, { refresh: 'always' });
        const last = points[0]!.record;
        expect([call, invalid, spooled, last.problems.filter(({ path }) => path.startsWith('a'))]).toEqual([
          call,
          [],
          [],
          [],
        ]);
        expect(points.length - before).toBeGreaterThan(0);
        expect(points.length - before).toBeLessThanOrEqual(2);
      }
      expect(call).toBeGreaterThan(10);
      expect(events.some((event) => event.type === 'failed')).toBe(true);
    },
    60_000,
  );

  test('X01: a second watcher is refused; once the first ended, the vault is free', async () => {
    const { idle, watch, stop, deps } = startWatch();
    await idle();
    expect(await watch()).toMatchObject({ code: 'vault_locked', data: { pid: process.pid } });
    expect(await stop()).toMatchObject({ code: 'canceled' });
    expect(await readHeartbeat(deps)).toMatchObject({ state: 'stopped' });
    await using _free = await deps.watchLock.acquire('watch');
  });

  test('extensions are told what changed, may name the snapshot, and harm nothing when they throw', async () => {
    const seen: CaptureChanges[] = [];
    const { vault, state, events, pass, idle } = startWatch(
      {},
      {
        extensions: [
          { name: 'broken', beforeCapture: () => Promise.reject(new Error('no')) },
          {
            name: 'guard',
            async afterScan(changes) {
              seen.push(changes);
              return changes.removed > 0 ? { label: 'after-burst' as never } : null;
            },
          },
        ],
      },
    );
    await idle();
    rmSync(join(vault.root, 'a/one.md'));
    state.hint({ kind: 'folder', path: 'a' });
    await pass(quietMs + 1);
    expect(seen.at(-1)).toMatchObject({ removed: 1, filesBefore: 1 });
    expect(events.findLast((event) => event.type === 'taken')).toMatchObject({
      outcome: { record: { label: 'after-burst' } },
    });
    expect(events.some((event) => event.type === 'failed')).toBe(true);
  });
});
