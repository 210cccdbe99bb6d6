import type { RigOptions } from '../rig.ts';
import { capturedContent, type Content, untouchable } from '../world.ts';
import { type Beginning, type Lane, type ProcessEnd, withCrashLog } from './lane.ts';
import { crashScenarios } from './scenarios.ts';
import { failedAt, killedAt, type Moment, momentsOf } from './strace.ts';

export interface KillCounts {
  kills: number;
  doubleKills: number;
  errors: number;
  /** Planned, but the command ended before. */
  missed: number;
  /** Files that were still lying about after the command was run again. */
  leftovers: number;
  readonly failures: string[];
}

/** A command whose every step is a moment to die at. */
export interface CrashScenario {
  readonly name: string;
  readonly words: readonly string[];
  readonly beginning: Beginning;
  /** The snapshot it takes, by label; null when it takes none. */
  readonly label: string | null;
  /** How far apart the moments of the push set lie: 1 is every one. */
  readonly step: number;
  /** What the labels of the beginning are. */
  readonly labels: readonly string[];
  /** May end with, beside what any error of the disk may. */
  readonly errorCodes?: readonly number[];
  readonly check: (lane: Lane, stage: Stage, died: Died) => Promise<string[]>;
}

/** A scenario after its command was killed or failed. */
export interface Died {
  readonly scenario: CrashScenario;
  readonly end: ProcessEnd;
  /** Which of several ways to recover is taken. */
  readonly turn: number;
}

/** What an error of the disk may end with: it is this machine's, the store's, or it was only cache. */
const errorCodes = [0, 3, 5, 9];
const diskErrors = ['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'EXDEV'];

/** Of the moments at which bytes are written and files are made, the push set takes each n-th. */
const bytesStep = 15;
const isDecisive = ({ syscall }: Moment): boolean => !/^(?:openat|p?write(?:64)?|utimensat|f?chmod)$/.test(syscall);

/** Kills the command just before each call that changes the disk, and fails each of these calls. */
export async function killEverywhere(lane: Lane, options: RigOptions, result: KillCounts): Promise<void> {
  for (const scenario of crashScenarios) {
    if (options.only !== null && !options.only.includes(scenario.name)) continue;
    lane.reset(scenario.beginning);
    const { moments, end } = await momentsOf(lane, scenario.words);
    if (end.code !== 0) result.failures.push(`${scenario.name}: ended ${end.code} without being killed: ${end.err}`);
    for (const [at, moment] of moments.entries()) {
      const name = `${scenario.name}:${moment.syscall}:${moment.at}`;
      const step = options.nightly ? 1 : scenario.step * (isDecisive(moment) ? 1 : bytesStep);
      const isAsked = options.only === null ? at % step === options.seed % step : options.only === name;
      if (!isAsked) continue;
      await killCase(lane, { scenario, moment, second: null, name, turn: at }, result);
      if (!options.nightly && at % 10 !== 0) continue;
      const second = moments[(at * 7 + options.seed) % moments.length]!;
      await killCase(lane, { scenario, moment, second, name, turn: at + 1 }, result);
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
  readonly turn: number;
}

async function killCase(lane: Lane, found: KillCase, result: KillCounts): Promise<void> {
  const { scenario, moment, second, name, turn } = found;
  const stage = setStage(lane, scenario);
  const end = await killedAt(lane, scenario.words, moment);
  if (wasKilled(end)) result.kills++;
  else result.missed++;
  if (second !== null && wasKilled(await killedAt(lane, scenario.words, second))) {
    result.kills++;
    result.doubleKills++;
  }
  const wrong = await checked(lane, stage, { scenario, end, turn });
  result.leftovers += lane.leftovers().length;
  for (const text of wrong) result.failures.push(`${name} before ${moment.call}: ${text}`);
}

async function checked(lane: Lane, stage: Stage, died: Died): Promise<string[]> {
  try {
    return await died.scenario.check(lane, stage, died);
  } catch (error) {
    return [`the state cannot be judged: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
}

const wasKilled = ({ signal, code }: ProcessEnd): boolean => signal === 'SIGKILL' || code === 137;

/** How things were before the command ran. */
export interface Stage {
  readonly before: ReturnType<typeof untouchable>;
  readonly live: Content;
  readonly kept: ReadonlyMap<string, Content>;
}

export function setStage(lane: Lane, scenario: CrashScenario): Stage {
  lane.reset(scenario.beginning);
  const kept = new Map(scenario.labels.map((label) => [label, lane.kept.get(label)!]));
  return { before: untouchable(lane.vault), live: capturedContent(lane.vault), kept };
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
  result: KillCounts,
): Promise<void> {
  const step = options.nightly ? 1 : 12 * scenario.step;
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
      const wrong = [...errorCodes, ...(scenario.errorCodes ?? [])].includes(end.code ?? -1)
        ? []
        : [`ended ${end.signal ?? end.code}: ${withCrashLog(end.err.trim())}`];
      wrong.push(...(await checked(lane, stage, { scenario, end, turn: at })));
      result.leftovers += lane.leftovers().length;
      for (const text of wrong) result.failures.push(`${name} at ${moment.call}: ${text}`);
    }
  }
}
