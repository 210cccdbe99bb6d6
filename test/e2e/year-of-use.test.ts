/*
 * A year of use, from the first snapshot to the last prune, once plain and once encrypted. Each night what prune left is compared
 * with a model of the policy that knows nothing of prune: all snapshots there ever were, the rules, and the time.
 * HOLDFAST_YEAR=full lives through it with ten times the changes, prune every night, and every kept snapshot restored onto the disk.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Deps } from '../../src/engine/deps.ts';
import { packsInUse } from '../../src/engine/pack-sources.ts';
import { openTreeReader } from '../../src/engine/read-tree.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { loadMarks } from '../../src/engine/store-marks.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { packIndexKey } from '../../src/format/store-layout.ts';
import type { ObjectId, SnapshotId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import type { RetentionRules } from '../../src/model/retention.ts';
import type { ObjectReader } from '../../src/ports/object-reader.ts';
import { openGitOracle } from '../support/git-oracle.ts';
import { dayMs, type Habit, liveThrough, type Remembered, type Year } from '../support/year-of-use.ts';

const rules: RetentionRules = { within: dayMs, hourly: 0, daily: 30, weekly: 13, monthly: 12, labelled: true };
const isFull = process.env['HOLDFAST_YEAR'] === 'full';

const habits: readonly Habit[] = isFull
  ? [
      { machine: 'desk', hours: [8, 9, 10, 11, 13, 14, 16, 18], daysAWeek: 6, offline: [200, 203] },
      { machine: 'laptop', hours: [7, 12, 20, 22], daysAWeek: 4, offline: [90, 110] },
      { machine: 'server', hours: [4, 16], daysAWeek: 7, offline: [300, 301] },
    ]
  : [
      { machine: 'desk', hours: [9, 12, 15, 18], daysAWeek: 1, offline: [200, 210] },
      { machine: 'laptop', hours: [11, 20], daysAWeek: 1, offline: [90, 110] },
      { machine: 'server', hours: [4], daysAWeek: 1, offline: [300, 310] },
    ];
/** So many nights between two runs of prune; so many kept snapshots for one that is restored onto the disk, not only read. */
const [pruneEveryDays, restoredEvery] = isFull ? [1, 1] : [14, 24];
/** Of what keeping everything would take. */
const sizeShareMax = 0.5;

describe.each([
  ['plain', false],
  ['encrypted', true],
])('a year of use, %s', (_name, isSealed) => {
  test(
    'ends with every kept snapshot whole in both stores, kept as promised, in little room',
    async () => {
      const startedMs = performance.now();
      const year = await liveThrough({
        isSealed,
        pruneEveryDays,
        habits,
        rules,
        afterPrune: ({ published, pinned, clock }, stored) => {
          expect(stored).toEqual(expectedToStay(published, { pinned, nowMs: clock.now().getTime() }));
        },
      });
      const kept = await assertWhole(year, 'primary');
      await assertWhole(year, 'replica');
      await assertStockGitAgrees(year);
      const sizeBytes = storedBytes(year, 'primary');
      const allBytes = year.published.reduce((sum, one) => sum + one.storedBytes, 0);
      if (isFull || process.env['HOLDFAST_YEAR'] === 'figures') {
        const seconds = (performance.now() - startedMs) / 1000;
        const figures = {
          isSealed,
          published: year.published.length,
          kept,
          sizeBytes,
          allBytes,
          share: sizeBytes / allBytes,
        };
        const more = { replicaBytes: storedBytes(year, 'replica'), objects: year.primary.keys().length, ...year.tally };
        process.stderr.write(`${JSON.stringify({ ...figures, ...more, seconds })}\n`);
      }
      expect(sizeBytes).toBeLessThan(sizeShareMax * allBytes);
      expect(year.tally).toMatchObject({
        prunes: Math.ceil(365 / pruneEveryDays),
        drills: 12,
        verifies: 52,
        syncs: 55,
        repairs: 3,
      });
      expect(year.tally.waited).toBeGreaterThan(0);
    },
    isFull ? 3_600_000 : 300_000,
  );
});

/** The policy as a person would say it, from the whole history at once. */
function expectedToStay(
  all: readonly Remembered[],
  { pinned, nowMs }: { pinned: ReadonlySet<SnapshotId>; nowMs: number },
): Set<SnapshotId> {
  const stays = new Set<SnapshotId>(pinned);
  for (const machine of new Set(all.map((one) => one.machine))) {
    const own = all.filter((one) => one.machine === machine);
    stays.add(own.at(-1)!.id);
    for (const one of own) if (one.isLabelled || nowMs - one.takenMs < dayMs) stays.add(one.id);
    const lastOfEach = (periodOf: (date: Date) => string, count: number): void => {
      const last = new Map(own.map((one) => [periodOf(new Date(one.takenMs)), one.id]));
      for (const id of [...last.values()].slice(-count)) stays.add(id);
    };
    lastOfEach((date) => date.toISOString().slice(0, 10), 30);
    lastOfEach(mondayOf, 13);
    lastOfEach((date) => date.toISOString().slice(0, 7), 12);
  }
  return stays;
}

function mondayOf(date: Date): string {
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return new Date(date.getTime() - sinceMonday * dayMs).toISOString().slice(0, 10);
}

/** Restores every kept snapshot on a machine that never saw the store, and compares every byte; returns how many. */
async function assertWhole(year: Year, on: 'primary' | 'replica'): Promise<number> {
  const { deps } = await year.open('new-machine', { on });
  const { findings } = await verifyStore(deps, { depth: 'full' });
  expect(findings).toEqual([]);
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  const { reader } = await openPointReader(deps, points);
  const remembered = new Map(year.published.map((one) => [one.id, one]));
  const kept = expectedToStay(year.published, { pinned: year.pinned, nowMs: year.clock.now().getTime() });
  for (const [number, id] of [...kept].entries()) {
    const point = points.find(({ record }) => record.id === id);
    const { takenMs, files } = remembered.get(id)!;
    // What the replica does not have yet is younger than its last sync, a week ago at most.
    if (point === undefined && on === 'replica' && year.clock.now().getTime() - takenMs < 7 * dayMs) continue;
    expect(point, `${id} is in the ${on} store`).toBeDefined();
    const isOntoDisk = number % restoredEvery === 0;
    const restored = isOntoDisk
      ? await restoredBy(deps, point!, reader)
      : await readSnapshot(reader, point!.record.tree);
    for (const path of restored.keys()) if (path.startsWith('state/')) restored.delete(path);
    expect([...restored.keys()].toSorted()).toEqual([...files.keys()].toSorted());
    for (const [path, content] of files) expect(content.equals(restored.get(path)!), `${path} of ${id}`).toBe(true);
  }
  return kept.size;
}

async function restoredBy(deps: Deps, point: RestorePoint, reader: ObjectReader): Promise<Map<string, Uint8Array>> {
  const { complete, directory } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(complete).toBe(true);
  const contents = contentsOf(directory!);
  rmSync(directory!, { recursive: true });
  return contents;
}

async function readSnapshot(reader: ObjectReader, tree: ObjectId): Promise<Map<string, Uint8Array>> {
  const trees = openTreeReader(reader);
  const files = new Map<string, Uint8Array>();
  const walk = async (id: ObjectId, prefix: string): Promise<void> => {
    for (const entry of await trees.folder(id)) {
      if (entry.kind === 'folder') await walk(entry.id, `${prefix}${entry.name}/`);
      else files.set(`${prefix}${entry.name}`, (await reader.read(entry.id)).content);
    }
  };
  await walk(tree, '');
  return files;
}

function contentsOf(folder: string): Map<string, Uint8Array> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), readFileSync(path)];
    }),
  );
}

/** Puts the packs of the store, decrypted where they are encrypted, into a repository, and lets git judge them. */
async function assertStockGitAgrees(year: Year): Promise<void> {
  const { deps } = await year.open('new-machine');
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  using oracle = openGitOracle();
  const { live } = packsInUse(points, await loadMarks(deps));
  for (const key of live.flatMap(({ ref }) => [ref.key, packIndexKey(ref.key)])) {
    writeFileSync(join(oracle.packDirectory, key.slice(key.lastIndexOf('/') + 1)), await deps.storage.get(key));
  }
  for (const [number, { record }] of points.entries()) {
    oracle.git(['update-ref', `refs/heads/kept-${number}`, record.commit]);
    oracle.git(['update-ref', `refs/heads/metadata-${number}`, record.metadata]);
  }
  const { ok, output, errors } = oracle.tryGit(['fsck', '--full', '--strict', '--no-dangling', '--no-progress']);
  expect({ ok, output, errors }).toEqual({ ok: true, output: '', errors: expect.anything() });
}

function storedBytes(year: Year, on: 'primary' | 'replica'): number {
  const storage = year[on];
  return storage.keys().reduce((sum, key) => sum + storage.peek(key)!.length, 0);
}
