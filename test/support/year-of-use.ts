import { join } from 'node:path';
import { chooseDrillPoint } from '../../src/engine/drill/choose-drill-point.ts';
import { runDrill } from '../../src/engine/drill/drill.ts';
import { setPin } from '../../src/engine/pins.ts';
import { applyPrune } from '../../src/engine/prune/apply-prune.ts';
import { replicaSource, versionsSource } from '../../src/engine/repair/repair-source.ts';
import { repairStore } from '../../src/engine/repair/repair-store.ts';
import { syncReplica } from '../../src/engine/replicate/sync-replica.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { decryptorSource } from '../../src/format/decryptor/decryptor-source.ts';
import { restoreGuide } from '../../src/format/restore-guide.ts';
import { recordKey, storeKeys } from '../../src/format/store-layout.ts';
import { drillComponents } from '../../src/model/drill-report.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { parseLabel, type SnapshotId } from '../../src/model/ids.ts';
import type { RetentionRules } from '../../src/model/retention.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';
import type { Random } from '../../src/ports/clock.ts';
import { bytesBody } from '../contracts/object-storage.contract.ts';
import { createMemoryStorage, type MemoryStorage } from './memory-storage.ts';
import { editNotes, type Notes } from './edit-notes.ts';
import { type SeededRandom, seededRandom } from './random.ts';
import { makeSealedStore, openTestSealed } from './sealed-storage.ts';
import { scratchFolder } from './scratch.ts';
import { type MovableClock, movableClock, openTestVault, type TestVault } from './test-vault.ts';

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export const daysOfYear = 365;

/** What one machine does, day after day. */
export interface Habit {
  readonly machine: string;
  /** Hours (UTC) at which the watcher finds something changed. */
  readonly hours: readonly number[];
  /** Of seven days, on how many anything changes. */
  readonly daysAWeek: number;
  /** First and last day without a connection: what is captured waits. */
  readonly offline: readonly [number, number];
}

/** A snapshot as somebody beside the program remembers it. */
export interface Remembered {
  readonly id: SnapshotId;
  readonly machine: string;
  readonly takenMs: number;
  readonly isLabelled: boolean;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Packs, their indexes and the record: what a store that keeps everything would go on holding for it. */
  readonly storedBytes: number;
}

export interface Year {
  readonly clock: MovableClock;
  readonly primary: MemoryStorage;
  readonly replica: MemoryStorage;
  readonly rules: RetentionRules;
  /** Every snapshot that has reached the store, whether it is still there or not, oldest first. */
  readonly published: readonly Remembered[];
  readonly pinned: ReadonlySet<SnapshotId>;
  readonly tally: { syncs: number; drills: number; verifies: number; prunes: number; repairs: number; waited: number };
  /** Opens a machine's vault on the primary store, or on the replica, as its next command does. */
  open(machine: string, options?: { readonly on?: 'primary' | 'replica' }): Promise<TestVault>;
}

export interface YearOptions {
  readonly isSealed: boolean;
  /** 1 for every night. */
  readonly pruneEveryDays: number;
  readonly habits: readonly Habit[];
  readonly rules: RetentionRules;
  /** After each night's prune: the ids the store holds now. */
  readonly afterPrune: (year: Year, stored: ReadonlySet<SnapshotId>) => void;
}

interface Machine extends Notes {
  readonly habit: Habit;
  readonly waiting: Remembered[];
}

/** Lives through it: snapshots all day, prune every night, a replica and a verify a week, a drill a month, and three accidents. */
export async function liveThrough(options: YearOptions): Promise<Year> {
  const chance = seededRandom(20_260_101);
  const year = await openYear(options, chance);
  const machines = options.habits.map((habit): Machine => ({ habit, files: new Map(), waiting: [], made: 0 }));
  for (let day = 0; day < daysOfYear; day++) {
    await liveOneDay(year, { day, machines, chance });
    if (day % 30 === 3) await pinSomething(year, chance);
    if (day % 7 === 6) await weekly(year, machines[day % machines.length]!);
    if (day % 30 === 29) await drill(year, { machine: options.habits[0]!.machine, number: year.tally.drills, chance });
    const accident = accidents[day];
    if (accident !== undefined) await haveAccident(year, accident);
    if (day % options.pruneEveryDays === 0) await nightly(year, options);
  }
  return year;
}

type OpenYear = Year & {
  readonly published: Remembered[];
  readonly pinned: Set<SnapshotId>;
};

async function openYear(options: YearOptions, chance: SeededRandom): Promise<OpenYear> {
  const clock = movableClock('2026-01-01T00:00:00Z');
  const now = (): Date => clock.now();
  const [primary, replica] = [createMemoryStorage({ now }), createMemoryStorage({ now })];
  const folder = scratchFolder();
  if (options.isSealed) {
    await makeSealedStore(primary);
    await primary.put(storeKeys.restoreGuide, bytesBody(Buffer.from(restoreGuide({ isEncrypted: true }))));
    await primary.put(storeKeys.decryptor, bytesBody(Buffer.from(decryptorSource)));
  }
  const random: Random = { bytes: (size) => new Uint8Array(chance.bytes(size)) };
  return {
    clock,
    primary,
    replica,
    rules: options.rules,
    published: [],
    pinned: new Set(),
    tally: { syncs: 0, drills: 0, verifies: 0, prunes: 0, repairs: 0, waited: 0 },
    async open(machine, { on = 'primary' } = {}) {
      const raw = on === 'primary' ? primary : replica;
      const common = { root: join(folder, `${on}-${machine}`), clock, machine, random };
      if (!options.isSealed) return openTestVault({ ...common, storage: raw });
      const { storage, encryption, plainViewOf } = openTestSealed(raw, {
        knownFile: join(folder, `${on}-${machine}.keys`),
      });
      await encryption.unlock();
      const vault = openTestVault({ ...common, storage, rawStorage: raw, encryption });
      return { ...vault, deps: { ...vault.deps, plainViewOf } };
    },
  };
}

async function liveOneDay(
  year: OpenYear,
  { day, machines, chance }: { day: number; machines: readonly Machine[]; chance: SeededRandom },
): Promise<void> {
  const midnight = Date.parse('2026-01-01T00:00:00Z') + day * dayMs;
  const turns = machines.flatMap((machine) => machine.habit.hours.map((hour) => ({ machine, hour })));
  const active = new Set(machines.filter(({ habit }) => day === 0 || chance.int(7) < habit.daysAWeek));
  for (const { machine, hour } of turns.toSorted((a, b) => a.hour - b.hour)) {
    if (!active.has(machine)) continue;
    year.clock.advance(midnight + hour * hourMs + chance.int(1800) * 1000 - year.clock.now().getTime());
    const [from, to] = machine.habit.offline;
    const isOffline = day >= from && day <= to;
    year.primary.hooks = isOffline ? { beforeCall: goneAway } : {};
    const label = !isOffline && chance.int(60) === 0 ? `milestone ${day}` : null;
    await takeOne(year, { machine, label, chance });
    year.primary.hooks = {};
  }
  year.clock.advance(midnight + 23.5 * hourMs - year.clock.now().getTime());
}

function goneAway(): never {
  throw new HoldfastError('storage_unavailable', 'There is no connection.');
}

async function takeOne(
  year: OpenYear,
  { machine, label, chance }: { machine: Machine; label: string | null; chance: SeededRandom },
): Promise<void> {
  const name = machine.habit.machine;
  const vault = await year.open(name);
  editNotes(vault, machine, chance);
  const outcome = await takeSnapshot(vault.deps, {
    label: label === null ? null : parseLabel(label),
    kind: label === null ? 'auto' : 'manual',
  });
  if (outcome.kind !== 'taken') throw new Error(`${name} saw no change`);
  const { record } = outcome;
  machine.waiting.push({
    id: record.id,
    machine: name,
    takenMs: Date.parse(record.takenAt),
    isLabelled: label !== null,
    files: new Map(machine.files),
    storedBytes: bytesOfPacks(record),
  });
  if (outcome.where === 'local') year.tally.waited++;
  else year.published.push(...machine.waiting.splice(0));
}

function bytesOfPacks({ packs }: SnapshotRecord): number {
  return packs.reduce((sum, pack) => sum + pack.sizeBytes + pack.indexSizeBytes, 1000);
}

async function pinSomething(year: OpenYear, chance: SeededRandom): Promise<void> {
  const { deps } = await year.open('desk');
  const there = year.published.filter(({ id }) => year.primary.peek(recordKey(id)) !== undefined);
  const { id } = chance.pick(there);
  if ((await setPin(deps, id, { pinned: true, reason: 'worth keeping' })) === 'pinned') year.pinned.add(id);
  const [oldest] = year.pinned;
  if (year.pinned.size <= 6 || oldest === undefined) return;
  await setPin(deps, oldest, { pinned: false });
  year.pinned.delete(oldest);
}

async function weekly(year: OpenYear, { habit }: Machine): Promise<void> {
  const { deps } = await year.open('desk');
  await level(year, deps);
  const verifier = await year.open(habit.machine);
  const { findings } = await verifyStore(verifier.deps, { depth: { rolling: 0.25 } });
  if (findings.length > 0) throw new Error(`verify: ${findings[0]!.message}`);
  year.tally.verifies++;
}

async function level(year: OpenYear, deps: TestVault['deps']): Promise<void> {
  const { complete } = await syncReplica(deps, { replica: year.replica });
  if (!complete) throw new Error('the replica is not level');
  year.tally.syncs++;
}

async function drill(
  year: OpenYear,
  { machine, number, chance }: { machine: string; number: number; chance: SeededRandom },
): Promise<void> {
  const { deps } = await year.open(machine);
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  const choice = (['latest', 'random', 'old'] as const)[number % 3]!;
  const { report } = await runDrill(deps, {
    point: chooseDrillPoint(points, choice, { machineId: machine, random: { bytes: (size) => chance.bytes(size) } }),
    points,
    opened: await openPointReader(deps, points),
    components: drillComponents,
    withoutHoldfast: number % 6 === 0,
    skipValidation: false,
    keep: false,
    // A machine that is seldom used, or is away for weeks, has nothing newer to lose.
    targets: { rtoMs: hourMs, rpoMs: 60 * dayMs },
  });
  if (!report.passed) throw new Error(`the drill of ${report.snapshot} failed: ${JSON.stringify(report.components)}`);
  year.tally.drills++;
}

type Accident = 'deleted by somebody' | 'lost without a trace' | 'damaged';

const accidents: Readonly<Record<number, Accident>> = {
  120: 'deleted by somebody',
  220: 'lost without a trace',
  320: 'damaged',
};

/** A pack goes wrong just after the replica was brought level; verify sees it, repair makes it right. */
async function haveAccident(year: OpenYear, accident: Accident): Promise<void> {
  const { deps } = await year.open('desk');
  await level(year, deps);
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  const { key } = points
    .flatMap(({ record }) => record.packs)
    .find((pack) => year.primary.peek(pack.key) !== undefined)!;
  const before = year.primary.peek(key)!.slice();
  if (accident === 'deleted by somebody') await year.primary.delete(key);
  else if (accident === 'lost without a trace') year.primary.drop(key);
  else year.primary.poke(key, before.with(before.length >> 1, before[before.length >> 1]! ^ 0xff));
  const { findings } = await verifyStore(deps, { depth: 'full' });
  if (findings.length === 0) throw new Error(`verify did not see that a pack was ${accident}`);
  const source =
    accident === 'deleted by somebody'
      ? versionsSource(deps, undefined)
      : replicaSource(deps, { replica: year.replica, plain: deps.plainViewOf(year.replica) });
  const report = await repairStore(deps, { source, full: accident === 'damaged', dryRun: false });
  const isMended = report.beyond.length === 0 && Buffer.compare(year.primary.peek(key)!, before) === 0;
  if (!isMended) throw new Error(`repair did not make good that a pack was ${accident}`);
  year.tally.repairs++;
}

async function nightly(year: OpenYear, { rules, afterPrune }: YearOptions): Promise<void> {
  const { deps } = await year.open('server');
  const { blocked, stayed } = await applyPrune(deps, { retention: rules });
  if (blocked.length + stayed.length > 0) throw new Error('prune could not do what it planned');
  year.tally.prunes++;
  const stored = year.published.filter(({ id }) => year.primary.peek(recordKey(id)) !== undefined);
  afterPrune(year, new Set(stored.map(({ id }) => id)));
}
