import { readdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Rig, RigOptions, RigResult } from '../rig.ts';
import { simulateFs } from './simulate-fs.ts';
import type { History } from './steps.ts';

const seedsFolder = join(import.meta.dirname, '..', '..', 'seeds');
/** Histories run in portions, so that a person who waits sees them go by. */
const portion = 500;

/** Random histories of simulated machines; see world.ts. */
export const rig: Rig = {
  name: 'histories',
  title: 'P1 to P10 after every step of random histories: 1 to 3 machines, faults, kills, power cuts, pauses, clocks',
  run: (options) => playHistories(options, options.nightly ? 500_000 : 10_000),
};

/** Plays the kept histories and `count` random ones, in a process that has loaded nothing of the product yet. */
export async function playHistories(options: RigOptions, count: number, isRough = false): Promise<RigResult> {
  // From here on the product's `node:fs` is the simulated one.
  simulateFs();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // Simulated failures are thrown by the million.
  try {
    return await run(options, { count, isRough });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function run(options: RigOptions, { count, isRough }: { count: number; isRough: boolean }): Promise<RigResult> {
  const { replayHistory, runHistories } = await import('./run-histories.ts');
  const failures: string[] = [];
  const kept = readdirSync(seedsFolder).filter((name) => name.endsWith('.json') && fits(name, options));
  for (const name of kept) {
    try {
      await replayHistory(JSON.parse(readFileSync(join(seedsFolder, name), 'utf8')) as History);
    } catch (error) {
      failures.push(
        `kept history ${name}: ${messageOf(error)}\nreplay: npm run proof -- --rig histories --only ${name}`,
      );
    }
  }
  const seed = Number(process.env['HOLDFAST_SEED'] ?? options.seed);
  const totals = { histories: 0, steps: 0, commands: 0, troubles: 0, checks: 0, twice: 0 };
  for (let done = 0, part = 0; done < count && fits('random', options); done += portion, part++) {
    const report = await runHistories({ seed: (seed + part) | 0, count: Math.min(portion, count - done), isRough });
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += report[key];
    options.progress(`${totals.histories.toLocaleString('en-US')} histories`);
    if (report.failure === null) continue;
    const { failure } = report;
    failures.push(
      [
        failure.message,
        `HOLDFAST_SEED=${failure.seed} path=${failure.path} replayPath=${failure.replayPath} commit=${commit()}`,
        `replay: save the next line as test/seeds/NAME.json, then: npm run proof -- --rig histories --only NAME.json`,
        JSON.stringify(failure.history),
      ].join('\n'),
    );
    break;
  }
  return {
    checks: totals.checks + kept.length,
    seeds: [seed],
    failures,
    notes: [
      `real: the engine, retries and every adapter but the vault lock, on a simulated disk below node:fs; simulated: disk, store, clocks, lock`,
      `${totals.steps.toLocaleString('en-US')} steps, ${totals.commands.toLocaleString('en-US')} commands; ${totals.twice} histories ran twice with the same trace`,
    ],
    figures: [
      { what: 'seeded histories of up to 40 steps', count: totals.histories, floor: count },
      { what: 'faults, kills and pauses that struck in them', count: totals.troubles },
      { what: 'kept histories of earlier failures', count: kept.length },
    ],
  };
}

function fits(name: string, { only }: RigOptions): boolean {
  return only === null || name.includes(only);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function commit(): string {
  const { stdout } = spawnSync('git', ['rev-parse', '--short=10', 'HEAD'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return stdout.trim();
}
