import { judge } from '../judge.ts';
import type { RigOptions } from '../rig.ts';
import { capturedContent, type Content, differences, untouchable } from '../world.ts';
import { type Beginning, type Lane, type ProcessEnd, withCrashLog } from './lane.ts';
import { failedAt, killedAt, type Moment, momentsOf } from './strace.ts';

/** A command whose every step is a moment to die at. */
export interface CrashScenario {
  readonly name: string;
  readonly words: readonly string[];
  readonly beginning: Beginning;
  /** The snapshot it takes, by label; null when it takes none. */
  readonly label: string | null;
  /** How far apart the moments of the push set lie; 1 for every one. */
  readonly step?: number;
}

export const crashScenarios: readonly CrashScenario[] = [
  { name: 'snapshot', words: ['snapshot', 'third'], beginning: 'two-snapshots', label: 'third' },
  { name: 'first-snapshot', words: ['snapshot', 'third'], beginning: 'new', label: 'third', step: 3 },
  { name: 'restore', words: ['restore', '--all', 'first'], beginning: 'two-snapshots', label: null, step: 4 },
  { name: 'init', words: ['init', '--yes'], beginning: 'new', label: null, step: 3 },
  { name: 'reindex', words: ['reindex'], beginning: 'two-snapshots', label: null, step: 3 },
];

export interface KillResult {
  kills: number;
  doubleKills: number;
  errors: number;
  /** Planned, but the command ended before. */
  missed: number;
  /** Files that were still lying about after the command was run again. */
  leftovers: number;
  readonly failures: string[];
}

/** What an error of the disk may end with: it is this machine's, the store's, or it was only cache. */
const errorCodes = [0, 3, 5, 9];
const diskErrors = ['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'EXDEV'];

/** Kills the command just before each call that changes the disk, and fails each of these calls. */
export async function killEverywhere(lane: Lane, options: RigOptions, result: KillResult): Promise<void> {
  for (const scenario of crashScenarios) {
    if (options.only !== null && !options.only.includes(scenario.name)) continue;
    lane.reset(scenario.beginning);
    const { moments, end } = await momentsOf(lane, scenario.words);
    if (end.code !== 0) result.failures.push(`${scenario.name}: ended ${end.code} without being killed: ${end.err}`);
    const step = options.nightly ? 1 : (scenario.step ?? 1);
    for (const [at, moment] of moments.entries()) {
      const name = `${scenario.name}:${moment.syscall}:${moment.at}`;
      const isAsked = options.only === null ? at % step === options.seed % step : options.only === name;
      if (!isAsked) continue;
      const second =
        options.nightly || at % (10 * step) === 0 ? moments[(at * 7 + options.seed) % moments.length]! : null;
      await killCase(lane, { scenario, moment, second, name }, result);
    }
    await failEverywhere(lane, { scenario, moments, options }, result);
    options.progress(
      `${scenario.name}: ${moments.length} moments, ${result.kills} kills, ${result.errors} errors so far`,
    );
  }
}

interface KillCase {
  readonly scenario: CrashScenario;
  readonly moment: Moment;
  /** Where the command is killed again while it recovers. */
  readonly second: Moment | null;
  readonly name: string;
}

async function killCase(lane: Lane, { scenario, moment, second, name }: KillCase, result: KillResult): Promise<void> {
  const stage = setStage(lane, scenario);
  const end = await killedAt(lane, scenario.words, moment);
  if (end.signal === 'SIGKILL' || end.code === 137) result.kills++;
  else result.missed++;
  if (second !== null) {
    await killedAt(lane, scenario.words, second);
    result.doubleKills++;
  }
  const wrong = await checkAfter(lane, { scenario, stage, end }, result);
  for (const text of wrong) result.failures.push(`${name} before ${moment.call}: ${text}`);
}

interface Stage {
  readonly before: ReturnType<typeof untouchable>;
  readonly live: Content;
  readonly kept: ReadonlyMap<string, Content>;
}

export function setStage(lane: Lane, scenario: CrashScenario): Stage {
  lane.reset(scenario.beginning);
  const kept = scenario.beginning === 'new' ? new Map<string, Content>() : lane.kept;
  return { before: untouchable(lane.vault), live: capturedContent(lane.vault), kept };
}

/** What the next commands of this machine find, and what comes of running the command again. */
export async function checkAfter(
  lane: Lane,
  { scenario, stage, end }: { scenario: CrashScenario; stage: Stage; end: ProcessEnd },
  result: KillResult,
): Promise<string[]> {
  const wrong: string[] = [];
  const { live } = stage;
  const kept = new Map(stage.kept);
  // What was printed was acknowledged.
  if (scenario.label !== null && end.out.includes(`-${scenario.label} `)) kept.set(scenario.label, live);
  if (scenario.name !== 'init') {
    wrong.push(
      ...differences(stage.before, untouchable(lane.vault))
        .slice(0, 3)
        .map((line) => `P4: ${line}`),
    );
  }
  wrong.push(...(await judged(lane, { kept, live })));
  const again = await lane.run(scenario.words);
  if (again.code !== 0) wrong.push(`run again it ended ${again.code}: ${again.err}`);
  if (scenario.label !== null) {
    kept.set(scenario.label, live);
    wrong.push(...(await judged(lane, { kept, live, compared: [scenario.label] })));
  }
  result.leftovers += lane.leftovers().length;
  return wrong;
}

async function judged(lane: Lane, promised: Parameters<typeof judge>[1]): Promise<string[]> {
  try {
    await using session = await lane.openSession();
    return await judge(session, promised);
  } catch (error) {
    return [`the vault cannot be read: ${String(error)}`];
  }
}

interface ErrorLoop {
  readonly scenario: CrashScenario;
  readonly moments: readonly Moment[];
  readonly options: RigOptions;
}

/** Each call fails once (at night also from then on), with one error after another (at night with all of them). */
async function failEverywhere(
  lane: Lane,
  { scenario, moments, options }: ErrorLoop,
  result: KillResult,
): Promise<void> {
  const step = options.nightly ? 1 : 4 * (scenario.step ?? 1);
  for (const [at, moment] of moments.entries()) {
    const ways = diskErrors.flatMap((error) => [false, true].map((andAfter) => ({ error, andAfter })));
    const chosen = options.nightly ? ways : [ways[(at + options.seed) % ways.length]!];
    for (const way of chosen) {
      const name = `${scenario.name}:${moment.syscall}:${moment.at}:${way.error}${way.andAfter ? '+' : ''}`;
      const isAsked = options.only === null ? at % step === options.seed % step : options.only === name;
      if (!isAsked) continue;
      const stage = setStage(lane, scenario);
      const end = await failedAt(lane, scenario.words, { ...moment, ...way });
      result.errors++;
      const wrong = errorCodes.includes(end.code ?? -1)
        ? []
        : [`ended ${end.signal ?? end.code}: ${withCrashLog(end.err.trim())}`];
      wrong.push(...(await checkAfter(lane, { scenario, stage, end }, result)));
      for (const text of wrong) result.failures.push(`${name} at ${moment.call}: ${text}`);
    }
  }
}
