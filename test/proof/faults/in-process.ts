import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRetrier } from '../../../src/adapters/storage/retry.ts';
import { withRetry } from '../../../src/adapters/storage/with-retry.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { movableClock } from '../../support/test-vault.ts';
import { testRandom } from '../../support/test-clock.ts';
import type { RigOptions } from '../rig.ts';
import { judge } from '../judge.ts';
import { capturedContent, copyFolder, type Content, editVault, fillVault } from '../world.ts';
import { type FaultyStorage, faultyStorage, type PortFault, portFaults, type PortPlan } from './fault-kinds.ts';
import { liveTrouble, lookAtLive } from './live-check.ts';
import { type Machine, openDeps, run } from './machine.ts';
import { nameOf, type Scenario, scenarios, waitsForLease } from './scenarios.ts';

export interface LoopResult {
  runs: number;
  /** Faults that a command really met. */
  faults: number;
  readonly failures: string[];
}

/** More calls than any command makes. */
const callsMax = 200;
const compoundCallsMax = 5;

/**
 * SQLite's way: the n-th call of a command to the store fails once, then every call from the n-th on, for n = 1, 2, ...
 * until the command runs clean; for every command and every failure the port allows.
 */
export async function failEveryCall(options: RigOptions): Promise<LoopResult> {
  const result: LoopResult = { runs: 0, faults: 0, failures: [] };
  const bench = await openBench(options.folder);
  for (const scenario of scenarios) {
    const clean = await runClean(bench, scenario, result);
    if (scenario.isOffline === true) continue;
    for (const fault of portFaults.filter(({ isRare }) => options.nightly || isRare !== true)) {
      for (const times of [1, Infinity]) {
        const name = `${nameOf(scenario)} | ${fault.name} ${times === 1 ? 'once' : 'for good'}`;
        if (options.only !== null && !name.includes(options.only)) continue;
        for (let from = 1; from < callsMax; from++) {
          if (!isWorthWhile(clean.calls, { fault, from, times })) continue;
          if (!isThisTime(fault, { from, options })) continue;
          const found = { scenario, plan: { fault, from, times }, clean, name };
          if (!(await runCase(bench, found, result))) break;
          if (options.nightly) await runCompound(bench, found, result);
        }
      }
    }
    options.progress(`${nameOf(scenario)}: ${result.runs} runs, ${result.failures.length} red`);
  }
  return result;
}

/** On every push each call meets a dropped connection and a third of the other faults, another third with each seed. */
function isThisTime(fault: PortFault, { from, options }: { from: number; options: RigOptions }): boolean {
  if (options.nightly || options.only !== null || fault.name === 'drop-before') return true;
  return (portFaults.indexOf(fault) + from + options.seed) % 3 === 0;
}

/** A case differs from others: the n-th call is one that the fault changes something for. */
function isWorthWhile(calls: readonly string[], { fault, from }: PortPlan): boolean {
  const call = calls[from - 1];
  if (call === undefined) return true;
  const space = call.indexOf(' ');
  return fault.hits({ operation: call.slice(0, space), key: call.slice(space + 1) });
}

interface Bench {
  readonly folder: string;
  readonly store: MemoryStorage;
  readonly kept: ReadonlyMap<string, Content>;
}

interface Clean {
  readonly code: number;
  readonly calls: readonly string[];
}

interface Case {
  readonly scenario: Scenario;
  readonly plan: PortPlan;
  readonly clean: Clean;
  readonly name: string;
  /** Goes wrong while the command is run again. */
  readonly second?: PortPlan;
}

/** Two snapshots of a vault that has moved on, and the same vault before anything was stored. */
async function openBench(folder: string): Promise<Bench> {
  mkdirSync(folder, { recursive: true });
  const root = join(folder, 'with');
  const clock = movableClock();
  const store = createMemoryStorage({ now: () => clock.now() });
  const machine: Machine = { root, clock, machine: 'desk', storage: store };
  const kept = new Map<string, Content>();
  fillVault(root);
  copyFolder(root, join(folder, 'new'));
  for (const [step, label] of ['first', '', 'second'].entries()) {
    editVault(root, step === 1 ? 3 : step >> 1);
    // One without a label lies between them: what `prune` may drop.
    const { code, io } = await run(machine, label === '' ? ['snapshot'] : ['snapshot', label]);
    if (code !== 0) throw new Error(`the bench could not be built: ${io.printed()}${io.complained()}`);
    if (label !== '') kept.set(label, capturedContent(root));
  }
  editVault(root, 2);
  return { folder, store, kept };
}

function cloneStore(from: MemoryStorage, now: () => Date): MemoryStorage {
  const store = createMemoryStorage({ now });
  for (const key of from.keys()) store.poke(key, from.peek(key)!);
  return store;
}

function isSameStore(before: MemoryStorage, after: MemoryStorage): boolean {
  const keys = before.keys();
  if (keys.join('\n') !== after.keys().join('\n')) return false;
  return keys.every((key) => Buffer.compare(before.peek(key)!, after.peek(key)!) === 0);
}

interface Stage {
  readonly machine: Machine;
  readonly faulty: FaultyStorage;
  readonly store: MemoryStorage;
  readonly live: Content;
  readonly kept: ReadonlyMap<string, Content>;
}

/** A fresh copy of everything, so that no case sees another's traces. */
function setStage(bench: Bench, scenario: Scenario): Stage {
  const root = join(bench.folder, 'vault');
  const isFresh = scenario.isNew === true || scenario.isOtherMachine === true;
  copyFolder(join(bench.folder, isFresh ? 'new' : 'with'), root);
  const clock = movableClock('2026-03-01T10:00:00Z');
  const now = (): Date => clock.now();
  const store = scenario.isNew === true ? createMemoryStorage({ now }) : cloneStore(bench.store, now);
  const faulty = faultyStorage(store);
  const retry = createRetrier({ clock, random: testRandom, windowMs: 1500 });
  const machine: Machine = {
    root,
    clock,
    machine: scenario.isOtherMachine === true ? 'lap' : 'desk',
    storage: withRetry(faulty.storage, retry),
  };
  const kept = scenario.isNew === true ? new Map<string, Content>() : bench.kept;
  return { machine, faulty, store, live: capturedContent(root), kept };
}

async function runClean(bench: Bench, scenario: Scenario, result: LoopResult): Promise<Clean> {
  const stage = setStage(bench, scenario);
  stage.faulty.arm(null);
  const { code, io } = await run(stage.machine, [scenario.command, ...scenario.args]);
  const calls = [...stage.faulty.calls];
  const say = (text: string): void => void result.failures.push(`${nameOf(scenario)}: ${text}`);
  if (code !== (scenario.code ?? 0)) say(`ended ${code} without any fault: ${io.complained()}`);
  if ((calls.length === 0) !== (scenario.isOffline === true)) say(`made ${calls.length} calls to the store`);
  return { code, calls };
}

/** A second fault, of another kind, at each of the first calls of the recovery. */
async function runCompound(bench: Bench, found: Case, result: LoopResult): Promise<void> {
  for (const [at, fault] of portFaults.entries()) {
    const second = { fault, from: 1 + ((at + found.plan.from) % compoundCallsMax), times: at % 2 === 0 ? 1 : Infinity };
    const name = `${found.name} call ${found.plan.from}, then ${fault.name} at ${second.from}`;
    if (fault.isRare !== true) await runCase(bench, { ...found, second, name }, result);
  }
}

/** Returns false when the command ended before the planned call. */
async function runCase(bench: Bench, found: Case, result: LoopResult): Promise<boolean> {
  const { scenario, plan, clean, name } = found;
  const stage = setStage(bench, scenario);
  const { machine, faulty } = stage;
  const wrong: string[] = [];
  const before = lookAtLive(machine.root);
  const words = [scenario.command, ...scenario.args];
  faulty.arm(plan);
  const met = await run(machine, words);
  const calledCount = faulty.calls.length;
  const wasHit = calledCount >= plan.from;
  faulty.arm(null);
  if (!wasHit) return false;
  result.runs++;
  result.faults += Math.min(plan.times, calledCount - plan.from + 1);
  const codes = [
    clean.code,
    ...plan.fault.codes,
    ...(scenario.isOtherMachine === true ? (plan.fault.codesOfStranger ?? []) : []),
    ...(scenario.namesFaults === true ? [3] : []),
  ];
  if (!codes.includes(met.code)) {
    wrong.push(`ended ${met.code}, not ${codes.join(', ')}: ${met.io.complained().trim()}`);
  }
  wrong.push(...liveTrouble(machine.root, before, { scenario, code: met.code, kept: stage.kept }));
  const { second } = found;
  if (second !== undefined) {
    // The recovery meets a fault of its own; whatever comes of it, the run after it is clean.
    faulty.arm(second);
    await run(machine, words);
    faulty.arm(null);
  }
  let again = await run(machine, words);
  if (waitsForLease(again.code, again.io.complained())) {
    machine.clock.advance(7 * 3_600_000);
    again = await run(machine, words);
  }
  if (again.code !== clean.code) {
    wrong.push(`run again without a fault it ended ${again.code}: ${again.io.complained().trim()}`);
  }
  const { kept, live } = stage;
  const notCompared = scenario.bringsBack === undefined ? /^$/ : /^pre-rollback-/;
  const isStoreUntouched = isSameStore(bench.store, stage.store);
  wrong.push(
    ...(await judge(openDeps({ ...machine, storage: stage.store }), { kept, live, isStoreUntouched, notCompared })),
  );
  for (const text of wrong)
    result.failures.push(`${name} call ${plan.from} (${clean.calls[plan.from - 1] ?? 'extra'}): ${text}`);
  return true;
}
