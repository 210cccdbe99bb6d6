import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { systemClock, systemRandom } from '../../../src/adapters/system/system-clock.ts';
import type { ObjectStorage } from '../../../src/ports/object-storage.ts';
import { bytesBodyOf } from './bytes-body.ts';
import { testRandom } from '../../support/test-clock.ts';
import { movableClock, type MovableClock } from '../../support/test-vault.ts';
import { judge } from '../judge.ts';
import type { RigOptions } from '../rig.ts';
import { capturedContent, type Content, copyFolder, editVault, fillVault } from '../world.ts';
import type { LoopResult } from './in-process.ts';
import { type LyingProxy, startLyingProxy, type WirePlan } from './lying-proxy.ts';
import { liveTrouble, lookAtLive } from './live-check.ts';
import { type Machine, openDeps, run } from './machine.ts';
import { type RealServer, startRealServer } from './real-server.ts';
import { nameOf, type Scenario, scenarios, waitsForLease } from './scenarios.ts';
import { type WireFault, wireFaults } from './wire-faults.ts';

/** A connection that is silent for so long has stalled: real time, so only the run that meets a stall waits little. */
const idleMs = { usual: 10_000, stall: 150 };
const requestsMax = 200;

export interface WireResult extends LoopResult {
  readonly server: string;
  /** Faults met, by name. */
  readonly met: Map<string, number>;
}

/**
 * The same loops with the SDK inside: a proxy that lies, before a real S3 server. On every push each request of each
 * command meets one of the faults, those met least so far first; at night all of them.
 */
export async function failEveryRequest(options: RigOptions): Promise<WireResult> {
  await using server = await startRealServer(options.folder);
  await using proxy = await startLyingProxy(server.endpoint);
  const result: WireResult = { runs: 0, faults: 0, failures: [], server: server.name, met: new Map() };
  const bench = await openBench({ folder: join(options.folder, 'wire'), server, proxy });
  let turn = options.seed;
  for (const scenario of scenarios) {
    if (scenario.isOffline === true) continue;
    const clean = await runClean(bench, scenario, result);
    for (const times of [1, Infinity]) {
      for (let from = 1; from <= Math.min(clean.requests.length, requestsMax); from++) {
        const operation = clean.requests[from - 1]!.split(' ')[0]!;
        const fitting = wireFaults.filter(({ hits }) => hits(operation));
        const chosen = options.nightly || options.only !== null ? fitting : [leastMet(fitting, result.met, turn++)];
        for (const fault of chosen) {
          const name = `wire: ${nameOf(scenario)} | ${fault.name} ${times === 1 ? 'once' : 'for good'} ${from}`;
          if (options.only !== null && !name.includes(options.only)) continue;
          await runCase(bench, { scenario, plan: { fault, from, times }, clean, name }, result);
        }
      }
    }
    options.progress(`wire: ${nameOf(scenario)}: ${result.runs} runs, ${result.failures.length} red`);
  }
  return result;
}

/** Of those met equally often, chance decides. */
function leastMet(faults: readonly WireFault[], met: ReadonlyMap<string, number>, turn: number): WireFault {
  const from = turn % faults.length;
  const turned = [...faults.slice(from), ...faults.slice(0, from)];
  return turned.toSorted((a, b) => (met.get(a.name) ?? 0) - (met.get(b.name) ?? 0))[0]!;
}

interface Bench {
  readonly folder: string;
  readonly server: RealServer;
  readonly proxy: LyingProxy;
  readonly kept: ReadonlyMap<string, Content>;
  /** The objects of the store the cases begin with. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Every case has a prefix of its own. */
  cases: number;
}

interface Case {
  readonly scenario: Scenario;
  readonly plan: WirePlan;
  readonly clean: { readonly code: number; readonly requests: readonly string[] };
  readonly name: string;
}

interface Stage {
  readonly machine: Machine;
  /** Straight to the server, for setting up and judging. */
  readonly honest: ObjectStorage;
  readonly live: Content;
  readonly kept: ReadonlyMap<string, Content>;
  /** The machine with another patience. */
  withIdle(idleTimeoutMs: number): Promise<Machine>;
}

async function openBench({ folder, server, proxy }: Pick<Bench, 'folder' | 'server' | 'proxy'>): Promise<Bench> {
  mkdirSync(folder, { recursive: true });
  const root = join(folder, 'with');
  const storage = await openAt(server, { endpoint: server.endpoint, prefix: 'bench' });
  const machine: Machine = { root, clock: movableClock(hoursAgo(1)), machine: 'desk', storage };
  const kept = new Map<string, Content>();
  fillVault(root);
  copyFolder(root, join(folder, 'new'));
  for (const [step, label] of ['first', '', 'second'].entries()) {
    editVault(root, step === 1 ? 3 : step >> 1);
    // One without a label lies between them: what `prune` may drop.
    const { code, io } = await run(machine, label === '' ? ['snapshot'] : ['snapshot', label]);
    if (code !== 0) throw new Error(`the bench could not be built: ${io.complained()}`);
    if (label !== '') kept.set(label, capturedContent(root));
  }
  editVault(root, 2);
  const objects = new Map<string, Uint8Array>();
  for await (const { key } of storage.list('')) objects.set(key, await storage.get(key));
  return { folder, server, proxy, kept, objects, cases: 0 };
}

/** The real server has the real time, and prune compares. */
function hoursAgo(hours: number): string {
  return new Date(Date.now() - hours * 3_600_000).toISOString();
}

interface At {
  readonly endpoint: string;
  readonly prefix: string;
  readonly clock?: MovableClock;
  readonly idleTimeoutMs?: number;
}

/** A storage that calls itself by one name wherever it is, so that a machine's memory of it stays true in every case. */
async function openAt(server: RealServer, at: At): Promise<ObjectStorage> {
  const storage = await openStorage(`s3://${server.bucket}/${at.prefix}?endpoint=${at.endpoint}`, {
    clock: at.clock ?? systemClock,
    random: at.clock === undefined ? systemRandom : testRandom,
    credentials: server.credentials,
    retryWindowMs: at.clock === undefined ? 20_000 : 1500,
    idleTimeoutMs: at.idleTimeoutMs ?? idleMs.usual,
  });
  return Object.create(storage, { url: { value: 's3://bucket/store', enumerable: true } }) as ObjectStorage;
}

async function setStage(bench: Bench, scenario: Scenario): Promise<Stage> {
  const { server, proxy } = bench;
  const prefix = `case-${bench.cases++}`;
  const root = join(bench.folder, 'vault');
  const isFresh = scenario.isNew === true || scenario.isOtherMachine === true;
  copyFolder(join(bench.folder, isFresh ? 'new' : 'with'), root);
  const honest = await openAt(server, { endpoint: server.endpoint, prefix });
  if (scenario.isNew !== true) {
    await Promise.all([...bench.objects].map(([key, bytes]) => honest.put(key, bytesBodyOf(bytes))));
  }
  const clock = movableClock(hoursAgo(0));
  const name = scenario.isOtherMachine === true ? 'lap' : 'desk';
  const withIdle = async (idleTimeoutMs: number): Promise<Machine> => {
    const storage = await openAt(server, { endpoint: proxy.endpoint, prefix, clock, idleTimeoutMs });
    return { root, clock, machine: name, storage };
  };
  const kept = scenario.isNew === true ? new Map<string, Content>() : bench.kept;
  return { machine: await withIdle(idleMs.usual), honest, live: capturedContent(root), kept, withIdle };
}

async function runClean(bench: Bench, scenario: Scenario, result: WireResult): Promise<Case['clean']> {
  const { machine } = await setStage(bench, scenario);
  bench.proxy.arm(null);
  const { code, io } = await run(machine, [scenario.command, ...scenario.args]);
  if (code !== (scenario.code ?? 0))
    result.failures.push(`wire: ${nameOf(scenario)}: ended ${code} without any fault: ${io.complained()}`);
  return { code, requests: [...bench.proxy.requests] };
}

async function runCase(bench: Bench, { scenario, plan, clean, name }: Case, result: WireResult): Promise<void> {
  const stage = await setStage(bench, scenario);
  const { machine, kept, live } = stage;
  const { fault } = plan;
  const wrong: string[] = [];
  const before = lookAtLive(machine.root);
  const words = [scenario.command, ...scenario.args];
  const patience = fault.name.startsWith('stall') ? idleMs.stall : idleMs.usual;
  const met = await run(await armed(bench, stage, { plan, patience }), words);
  const wasHit = bench.proxy.requests.length >= plan.from;
  const wrote = bench.proxy.requests.some((request) => /^(?:Put|Delete|Create|Complete|Upload)/.test(request));
  bench.proxy.arm(null);
  if (!wasHit) return;
  result.runs++;
  result.faults++;
  result.met.set(fault.name, (result.met.get(fault.name) ?? 0) + 1);
  wrong.push(...codeTrouble(met, { scenario, fault, clean }));
  wrong.push(...liveTrouble(machine.root, before, { scenario, code: met.code, kept }));
  const again = await run(await stage.withIdle(idleMs.usual), words);
  // The clock of a real server cannot be moved on.
  if (again.code !== clean.code && !waitsForLease(again.code, again.io.complained())) {
    wrong.push(`run again without a fault it ended ${again.code}: ${again.io.complained().trim()}`);
  }
  const notCompared = scenario.bringsBack === undefined ? /^$/ : /^pre-rollback-/;
  const isStoreUntouched = !wrote && scenario.command !== 'snapshot' && scenario.command !== 'run';
  wrong.push(
    ...(await judge(openDeps({ ...machine, storage: stage.honest }), { kept, live, isStoreUntouched, notCompared })),
  );
  for (const text of wrong) result.failures.push(`${name} (${clean.requests[plan.from - 1] ?? 'extra'}): ${text}`);
  await stage.honest[Symbol.asyncDispose]();
  rmSync(machine.root, { recursive: true, force: true, maxRetries: 3 });
}

async function armed(bench: Bench, stage: Stage, options: { plan: WirePlan; patience: number }): Promise<Machine> {
  bench.proxy.arm(options.plan);
  return stage.withIdle(options.patience);
}

interface Expected {
  readonly scenario: Scenario;
  readonly fault: WireFault;
  readonly clean: Case['clean'];
}

function codeTrouble(met: Awaited<ReturnType<typeof run>>, { scenario, fault, clean }: Expected): string[] {
  const ofStranger = scenario.isOtherMachine === true ? (fault.codesOfStranger ?? []) : [];
  const codes = [clean.code, ...fault.codes, ...ofStranger, ...(scenario.namesFaults === true ? [3] : [])];
  return codes.includes(met.code) ? [] : [`ended ${met.code}, not ${codes.join(', ')}: ${met.io.complained().trim()}`];
}
