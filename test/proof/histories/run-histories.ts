import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type History, historyArbitrary, type Step } from './steps.ts';
import { World } from './world.ts';

export interface HistoriesOptions {
  readonly seed: number;
  readonly count: number;
  /** From a failure: the history to run, and the way its steps were shrunk. */
  readonly path?: string;
  readonly replayPath?: string;
  /** Ends at the first failure as it came: enough where only its being there counts. */
  readonly isRough?: boolean;
}

export interface HistoriesReport {
  readonly histories: number;
  readonly steps: number;
  readonly commands: number;
  readonly troubles: number;
  readonly checks: number;
  /** Histories run twice, with the same trace both times. */
  readonly twice: number;
  readonly failure: HistoryFailure | null;
}

export interface HistoryFailure {
  readonly message: string;
  readonly seed: number;
  readonly path: string;
  readonly replayPath: string;
  readonly history: History;
}

/** Runs random histories until one breaks a promise, and shrinks that. */
export async function runHistories(options: HistoriesOptions): Promise<HistoriesReport> {
  const totals = { histories: 0, steps: 0, commands: 0, troubles: 0, checks: 0, twice: 0 };
  let last: Step[] = [];
  const property = fc.asyncProperty(historyArbitrary<Recorder>(options.replayPath), async ({ setting, commands }) => {
    last = [];
    const trace = await play(setting, commands, last, totals);
    totals.histories++;
    if (digest(trace) % 100 !== 0) return;
    totals.twice++;
    const again = await playSteps({ setting, steps: last }, totals);
    if (again.join('\n') !== trace.join('\n')) throw new Error(`not deterministic:\n${firstDifference(trace, again)}`);
  });
  const details = await fc.check(property, {
    seed: options.seed,
    numRuns: options.count,
    ...(options.path === undefined ? {} : { path: options.path }),
    endOnFailure: options.isRough === true,
  });
  if (!details.failed) return { ...totals, failure: null };
  const [value] = details.counterexample ?? [];
  const text = value === undefined ? '' : fc.stringify(value.commands);
  const { errorInstance } = details;
  const message =
    errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return {
    ...totals,
    failure: {
      message: message.split('\n').slice(0, 12).join('\n'),
      seed: details.seed,
      path: details.counterexamplePath ?? '',
      replayPath: /replayPath="([^"]*)"/.exec(text)?.[1] ?? '',
      history: { setting: value!.setting, steps: stepsIn(text) },
    },
  };
}

/** Plays a history that was kept. */
export async function replayHistory(history: History): Promise<readonly string[]> {
  return playSteps(history, { steps: 0, commands: 0, troubles: 0, checks: 0 });
}

interface Totals {
  steps: number;
  commands: number;
  troubles: number;
  checks: number;
}

interface Recorder {
  run(step: Step): Promise<void>;
}

async function play(
  setting: History['setting'],
  commands: Iterable<fc.AsyncCommand<object, Recorder>>,
  ran: Step[],
  totals: Totals,
): Promise<readonly string[]> {
  const world = new World(setting);
  const recorder: Recorder = {
    run(step) {
      ran.push(step);
      return world.run(step);
    },
  };
  await fc.asyncModelRun(() => ({ model: {}, real: recorder }), commands);
  await world.finish();
  add(totals, world);
  return world.trace;
}

async function playSteps(history: History, totals: Totals): Promise<readonly string[]> {
  const world = new World(history.setting);
  for (const step of history.steps) await world.run(step);
  await world.finish();
  add(totals, world);
  return world.trace;
}

function add(totals: Totals, world: World): void {
  totals.steps += world.counts.steps;
  totals.commands += world.counts.commands;
  totals.troubles += world.counts.troubles;
  totals.checks += world.counts.checks;
}

/** The steps in what fast-check prints of a run: JSON objects, one after the other. */
function stepsIn(text: string): Step[] {
  const list = text.replace(/\s*\/\*replayPath=.*$/s, '').replace(/,$/, '');
  return list === '' ? [] : (JSON.parse(`[${list}]`) as Step[]);
}

function digest(trace: readonly string[]): number {
  return createHash('sha256').update(trace.join('\n')).digest().readUInt32LE();
}

function firstDifference(one: readonly string[], two: readonly string[]): string {
  const at = one.findIndex((line, i) => line !== two[i]);
  return `${one[at]}\n${two[at]}`;
}
