import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { judged } from '../crash/check-command.ts';
import { type Beginning, type Lane, openLane } from '../crash/lane.ts';
import { whyNoStrace } from '../crash/strace.ts';
import type { Rig, RigOptions } from '../rig.ts';
import { capturedContent } from '../world.ts';
import { randomFrom, statesOf } from './cuts.ts';
import { createDiskModel, digestOf, writeState } from './disk-model.ts';
import { type DiskStep, readTrace, traceWords } from './disk-trace.ts';
import { type SmallAct, smallActs } from './small-acts.ts';

interface Counts {
  small: number;
  whole: number;
  readonly failures: string[];
}

export const rig: Rig = {
  name: 'power-cut',
  title:
    'the power cut at every moment, what was not synced lost, zeroed, torn or out of order: old or new, never a third',
  async run(options) {
    const why = whyNoStrace();
    if (why !== null) throw new Error(why);
    const counts: Counts = { small: 0, whole: 0, failures: [] };
    for (const act of smallActs) await cutSmall(act, options, counts);
    const lane = await openLane({ folder: join(options.folder, 'lane') });
    for (const whole of wholeActs) await cutWhole(lane, whole, { options, counts });
    return {
      checks: counts.small + counts.whole,
      seeds: [options.seed],
      failures: counts.failures,
      notes: ['states come from traces of real processes; the model of the disk is POSIX at its weakest'],
      figures: [
        { what: 'power-cut states of single writes', count: counts.small },
        { what: 'power-cut states of whole commands, run again and compared', count: counts.whole },
        {
          what: 'power-cut states together',
          count: counts.small + counts.whole,
          floor: options.nightly ? 50_000 : 2000,
        },
      ],
    };
  },
};

/** Everything in the folder is part of the act. */
async function cutSmall(act: SmallAct, options: RigOptions, counts: Counts): Promise<void> {
  if (options.only !== null && !options.only.startsWith(act.name)) return;
  const folder = join(options.folder, act.name, 'disk');
  const keep = join(options.folder, act.name, 'before');
  mkdirSync(folder, { recursive: true });
  await act.prepare(folder);
  cpSync(folder, keep, { recursive: true });
  const log = join(options.folder, act.name, 'trace');
  const [file, ...words] = [...traceWords, '-o', log];
  const script = join(import.meta.dirname, 'act.ts');
  const partsOf = (): string[] => [...new Set([...readdirSync(folder), ...readdirSync(keep)])];
  const model = createDiskModel(folder, readdirSync(folder));
  execFileSync(file!, [...words, process.execPath, script, act.name, folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const steps = readTrace(log, folder);
  const allowed = [await act.read(copyAside(options.folder, keep)), await act.read(copyAside(options.folder, folder))];
  assertComplete(model, { name: act.name, folder, steps, parts: partsOf() }, counts);
  const fresh = freshModel(folder, keep);
  const random = randomFrom(options.seed);
  for (const { state, name, isDone } of statesOf(fresh, steps, { random, tries: options.nightly ? 12_000 : 1400 })) {
    if (options.only !== null && options.only !== act.name && options.only !== `${act.name}:${name}`) continue;
    writeState(folder, partsOf(), state);
    counts.small++;
    try {
      const found = await act.read(folder);
      const isOpen = act.name === 'machine-identity' && !isDone;
      if (isDone ? found !== allowed[1] : !isOpen && !allowed.includes(found)) {
        counts.failures.push(
          `${act.name}:${name}${isDone ? ' after it was done' : ''}: found ${found}, not ${allowed.join(' or ')}`,
        );
      }
    } catch (error) {
      counts.failures.push(`${act.name}:${name}: the reader failed: ${String(error)}`);
    }
  }
  options.progress(`${act.name}: ${steps.length} steps, ${counts.small} states so far`);
}

function freshModel(folder: string, keep: string) {
  rmSync(folder, { recursive: true });
  cpSync(keep, folder, { recursive: true });
  return createDiskModel(folder, readdirSync(folder));
}

function copyAside(folder: string, from: string): string {
  const to = join(folder, 'aside');
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  return to;
}

interface Traced {
  readonly name: string;
  readonly folder: string;
  readonly steps: ReturnType<typeof readTrace>;
  readonly parts: readonly string[];
}

/** A trace that was read wrongly would prove nothing: played to its end, it must give what is on the disk. */
function assertComplete(model: ReturnType<typeof createDiskModel>, traced: Traced, counts: Counts): void {
  const { name, folder, steps, parts } = traced;
  for (const step of steps) model.apply(step);
  const played = model.now();
  const real = createDiskModel(folder, parts).now();
  if (digestOf(played) === digestOf(real)) return;
  const differing = [...new Set([...played.keys(), ...real.keys()])].filter((path) => {
    const [a, b] = [played.get(path), real.get(path)];
    return !(Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b);
  });
  counts.failures.push(`${name}: the trace does not explain the disk: ${differing.slice(0, 4).join(', ')}`);
}

interface WholeAct {
  readonly name: string;
  readonly words: readonly string[];
  readonly beginning: Beginning;
  readonly label: string | null;
  readonly labels: readonly string[];
}

const wholeActs: readonly WholeAct[] = [
  {
    name: 'snapshot',
    words: ['snapshot', 'third'],
    beginning: 'two-snapshots',
    label: 'third',
    labels: ['first', 'second'],
  },
  { name: 'first-snapshot', words: ['snapshot', 'third'], beginning: 'new', label: 'third', labels: [] },
];

/** Our private state, the index, the store and the machine's identity are what a power cut can hit. */
const wholeParts = ['vault/state', 'store', 'data'];

/** What lies in the parts, and the folders around them: those are synced when a part is made. */
function isPartOf(folder: string, step: DiskStep): boolean {
  if (!('path' in step)) return true;
  return wholeParts.some((name) => {
    const part = join(folder, name);
    return step.path.startsWith(part) || (step.do === 'open' && part.startsWith(step.path));
  });
}

async function cutWhole(
  lane: Lane,
  act: WholeAct,
  { options, counts }: { options: RigOptions; counts: Counts },
): Promise<void> {
  if (options.only !== null && !options.only.startsWith(`${act.name}:`) && options.only !== act.name) return;
  lane.reset(act.beginning);
  const live = capturedContent(lane.vault);
  const kept = new Map(act.labels.map((label) => [label, lane.kept.get(label)!]));
  const parts = wholeParts.filter((part) => existsSync(join(lane.folder, part)));
  const log = join(options.folder, `${act.name}.trace`);
  const models = [createDiskModel(lane.folder, parts), createDiskModel(lane.folder, parts)];
  const end = await lane.start(act.words, { through: [...traceWords, '-o', log] });
  if (end.code !== 0) counts.failures.push(`${act.name}: ended ${end.code}: ${end.err}`);
  const steps = readTrace(log, lane.folder).filter((step) => isPartOf(lane.folder, step));
  assertComplete(models[0]!, { name: act.name, folder: lane.folder, steps, parts: wholeParts }, counts);
  const random = randomFrom(options.seed);
  const states = [...statesOf(models[1]!, steps, { random, tries: options.nightly ? 20 : 1 })];
  const step = options.nightly || options.only !== null ? 1 : Math.max(1, Math.floor(states.length / 60));
  for (const [at, { state, name, isDone }] of states.entries()) {
    if (options.only !== null && options.only !== act.name && options.only !== `${act.name}:${name}`) continue;
    if (!isDone && at % step !== 0) continue;
    writeState(lane.folder, wholeParts, state);
    counts.whole++;
    const promised = new Map(kept);
    if (isDone && act.label !== null) promised.set(act.label, live);
    const wrong = await judged(lane, { kept: promised, live, compared: act.label === null ? [] : [act.label] });
    const again = await lane.run(act.words);
    if (again.code !== 0) wrong.push(`run again it ended ${again.code}: ${again.err}`);
    for (const text of wrong) counts.failures.push(`${act.name}:${name}: ${text}`);
  }
  options.progress(`${act.name}: ${steps.length} steps, ${states.length} states, ${counts.whole} judged so far`);
}
