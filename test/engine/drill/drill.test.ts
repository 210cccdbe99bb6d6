import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { chooseDrillPoint } from '../../../src/engine/drill/choose-drill-point.ts';
import { type DrillOptions, runDrill } from '../../../src/engine/drill/drill.ts';
import { drillReasons, lastDrillOf } from '../../../src/engine/drill-health.ts';
import { loadStoreView, openPointReader } from '../../../src/engine/store-view.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { parseStoreKey } from '../../../src/format/store-layout.ts';
import { drillComponents } from '../../../src/model/drill-report.ts';
import { HoldfastError, isHoldfastError } from '../../../src/model/errors.ts';
import type { Label } from '../../../src/model/ids.ts';
import { openGitOracle } from '../../support/git-oracle.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { openTestVault, type TestVault } from '../../support/test-vault.ts';

const hourMs = 3_600_000;

/** A vault with a history, a link, an empty folder, odd names, a large file and a database, snapshotted once. */
async function rehearsalVault() {
  const storage = createMemoryStorage();
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  vault.write('notes/plan.md', 'plan\n');
  vault.write('run.sh', '#!/bin/sh\n');
  chmodSync(join(vault.root, 'run.sh'), 0o755);
  vault.write("odd 'name'\n", 'odd');
  vault.write('film.bin', Buffer.alloc(9 * 1024 * 1024, 'film'));
  mkdirSync(join(vault.root, 'hollow/deep'), { recursive: true });
  symlinkSync('nowhere', join(vault.root, 'link'));
  const database = new DatabaseSync(join(vault.root, 'notes.db'));
  database.exec('create table notes(text); insert into notes values (1), (2)');
  database.close();
  using oracle = openGitOracle();
  for (const args of [
    ['init', '-q'],
    ['add', 'notes'],
    ['commit', '-qm', 'one'],
    ['tag', '-am', 'first', 'v1'],
  ]) {
    oracle.git(['-C', vault.root, ...args]);
  }
  await takeSnapshot(vault.deps, { kind: 'manual', label: 'one' as Label });
  return { vault, storage };
}

async function drill(vault: TestVault, options: Partial<DrillOptions> = {}) {
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  return runDrill(vault.deps, {
    point: points[0]!,
    points,
    opened: await openPointReader(vault.deps, points),
    components: drillComponents,
    withoutHoldfast: false,
    skipValidation: false,
    keep: false,
    targets: { rtoMs: hourMs, rpoMs: 24 * hourMs },
    ...options,
  });
}

const outcomes = (report: Awaited<ReturnType<typeof drill>>['report']) =>
  Object.fromEntries(report.components.map(({ component, outcome }) => [component, outcome]));

test('a drill by stock git passes while a later snapshot waits in the spool', async () => {
  const { vault } = await rehearsalVault();
  vault.write('notes/plan.md', 'changed without a connection\n');
  vault.clock.advance(hourMs);
  await takeSnapshot(vault.deps, { kind: 'auto', label: null, publish: false });
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  expect(points.map(({ where }) => where)).toEqual(['local', 'store']);
  const { report } = await drill(vault, { point: points[1]!, withoutHoldfast: true });
  expect(report).toMatchObject({ passed: true, method: 'git' });
});

describe.each([
  ['holdfast', false],
  ['stock git', true],
])('a drill by %s', (_name, withoutHoldfast) => {
  test('restores for real, compares everything, keeps the report, and leaves nothing behind', async () => {
    const { vault, storage } = await rehearsalVault();
    vault.clock.advance(2 * hourMs);
    const { report, directory, reportKey } = await drill(vault, { withoutHoldfast });
    expect(report).toMatchObject({ passed: true, files: 6, recommendations: [], rpo: { measuredMs: 2 * hourMs } });
    expect(outcomes(report)).toEqual({ files: 'passed', history: 'passed', metadata: 'passed', database: 'passed' });
    expect(report.components.map(({ checked }) => checked > 0)).toEqual([true, true, true, true]);
    expect(directory).toBeNull();
    expect(readdirSync(join(vault.root, '_restore'))).toEqual(['.gitignore']);
    expect(parseStoreKey(reportKey!)).toMatchObject({ kind: 'drill', machine: 'desk' });
    const stored = JSON.parse(Buffer.from(await storage.get(reportKey!)).toString()) as Record<string, unknown>;
    expect(stored).toMatchObject({ format: 1, passed: true, snapshot: report.snapshot });
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.map((row) => row.event.event)).toEqual(['snapshot', 'drill']);
    expect(rows.at(-1)!.event).toMatchObject({ passed: true, report: reportKey, rpoMs: 2 * hourMs });
  });
});

describe('what a drill finds when the disk does not hold what was restored', () => {
  // The restore's folder is changed between writing and comparing: the drill must believe the disk, not the restore.
  async function drillWith(change: (directory: string) => void) {
    const { vault } = await rehearsalVault();
    const { rehearsal } = vault.deps;
    const meddling: TestVault = {
      ...vault,
      deps: {
        ...vault.deps,
        rehearsal: {
          ...rehearsal,
          open(directory) {
            change(directory);
            return rehearsal.open(directory);
          },
        },
      },
    };
    return drill(meddling);
  }

  test.each([
    ['another byte at the end', (d: string) => appendFileSync(join(d, 'notes/plan.md'), '!')],
    ['another byte in a file kept in pieces', (d: string) => appendFileSync(join(d, 'film.bin'), '!')],
    ['a file that is gone', (d: string) => rmSync(join(d, 'notes/plan.md'))],
    [
      'a link that leads elsewhere',
      (d: string) => (rmSync(join(d, 'link')), symlinkSync('/etc/passwd', join(d, 'link'))),
    ],
    ['a lost executable bit', (d: string) => chmodSync(join(d, 'run.sh'), 0o644)],
    ['a lost empty folder', (d: string) => rmSync(join(d, 'hollow/deep'), { recursive: true })],
    ['a file too many', (d: string) => appendFileSync(join(d, 'extra'), '')],
  ])('%s', async (_what, change) => {
    const { report } = await drillWith(change);
    expect(report.passed).toBe(false);
    expect(outcomes(report)['files']).toBe('failed');
    expect(report.recommendations.join()).toContain('verify --full');
  });

  test('another time of change fails the metadata only', async () => {
    const { report } = await drillWith((directory) => utimesSync(join(directory, 'run.sh'), 5, 5));
    expect(outcomes(report)).toMatchObject({ files: 'passed', metadata: 'failed' });
  });
});

test('a database that was damaged before it was captured is found', async () => {
  const { vault } = await rehearsalVault();
  const damaged = Buffer.alloc(8192, 0xff);
  damaged.write('SQLite format 3\0');
  vault.write('other.sqlite', damaged);
  await takeSnapshot(vault.deps, { kind: 'manual', label: 'two' as Label });
  const { report } = await drill(vault);
  expect(outcomes(report)).toMatchObject({ files: 'passed', database: 'failed' });
});

test('a missed target does not pass, and says what to do', async () => {
  const { vault } = await rehearsalVault();
  vault.clock.advance(30 * hourMs);
  const { report } = await drill(vault);
  expect(report).toMatchObject({ passed: false, rpo: { measuredMs: 30 * hourMs, targetMs: 24 * hourMs } });
  expect(report.recommendations).toHaveLength(1);
  expect(outcomes(report)['files']).toBe('passed');
});

test('--skip-validation measures only, chosen components alone are compared, --keep keeps', async () => {
  const { vault } = await rehearsalVault();
  const measured = await drill(vault, { skipValidation: true });
  expect(new Set(Object.values(outcomes(measured.report)))).toEqual(new Set(['skipped']));
  vault.clock.advance(1000);
  const some = await drill(vault, { components: ['history'], keep: true });
  expect(outcomes(some.report)).toEqual({
    files: 'skipped',
    history: 'passed',
    metadata: 'skipped',
    database: 'skipped',
  });
  expect(existsSync(join(some.directory!, 'notes/plan.md'))).toBe(true);
});

test('history that the store lost fails the drill, the files still pass', async () => {
  const { vault } = await rehearsalVault();
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  const point = points[0]!;
  const missing = 'f'.repeat(40) as typeof point.record.commit;
  const git = { ...point.record.git!, extraRoots: [missing] };
  const { report } = await drill(vault, { point: { ...point, record: { ...point.record, git } } });
  expect(outcomes(report)).toMatchObject({ files: 'passed', history: 'failed' });
});

test('only a folder directly in the holding directory is ever removed', async () => {
  const { vault } = await rehearsalVault();
  const holding = join(vault.root, '_restore');
  mkdirSync(join(holding, 'mine/inner'), { recursive: true });
  symlinkSync(vault.root, join(holding, 'out'));
  for (const directory of [
    vault.root,
    holding,
    join(holding, 'mine/inner'),
    join(holding, 'out'),
    join(holding, '..'),
  ]) {
    expect(() => vault.deps.rehearsal.remove(directory)).toThrow('not its own');
  }
  vault.deps.rehearsal.remove(join(holding, 'mine'));
  expect(existsSync(join(vault.root, 'run.sh'))).toBe(true);
  expect(existsSync(join(holding, 'mine'))).toBe(false);
});

test('a store that cannot take the report does not fail the drill', async () => {
  const { vault, storage } = await rehearsalVault();
  storage.hooks = {
    beforeCall(operation) {
      if (operation === 'putIfAbsent') throw new HoldfastError('storage_unavailable', 'The store is away.');
    },
  };
  const outcome = await drill(vault);
  expect(outcome).toMatchObject({ reportKey: null, report: { passed: true } });
});

test('chooses complete points in the store only', async () => {
  const { vault } = await rehearsalVault();
  const { points } = await loadStoreView(vault.deps, { refresh: 'always' });
  const random = { bytes: (size: number) => new Uint8Array(size).fill(9) };
  const machine = { machineId: 'desk', random };
  const partial = points.map((point) => ({ ...point, record: { ...point.record, complete: false } }));
  for (const choice of ['latest', 'random', 'old'] as const) {
    expect(chooseDrillPoint(points, choice, machine)).toBe(points[0]);
    const failure = (() => {
      try {
        return chooseDrillPoint(partial, choice, machine);
      } catch (error) {
        return error;
      }
    })();
    expect(isHoldfastError(failure, 'store_empty')).toBe(true);
  }
});

test('health: failed is red, slow or old is yellow, never rehearsed is said after five weeks', async () => {
  const { vault } = await rehearsalVault();
  await drill(vault, { targets: { rtoMs: hourMs, rpoMs: 24 * hourMs } });
  const { rows } = await vault.deps.snapshotIndex.read();
  const { points } = await loadStoreView(vault.deps, { refresh: 'never' });
  const last = lastDrillOf(rows);
  const at = (days: number): Date => new Date(vault.clock.now().getTime() + days * 24 * hourMs);
  expect(drillReasons(last, points, at(1))).toEqual([]);
  expect(drillReasons(last, points, at(41))).toMatchObject([{ colour: 'yellow' }]);
  expect(drillReasons(null, points, at(1))).toEqual([]);
  expect(drillReasons(null, points, at(36))).toMatchObject([{ colour: 'yellow', remedy: 'holdfast drill' }]);
  const event = last!.event as Extract<(typeof rows)[number]['event'], { event: 'drill' }>;
  const failed = {
    ...last!,
    event: { ...event, passed: false, components: [{ component: 'files', outcome: 'failed' } as const] },
  };
  expect(drillReasons(failed, points, at(1))).toMatchObject([{ colour: 'red' }]);
});
