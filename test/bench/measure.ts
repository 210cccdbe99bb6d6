import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A command to time as a whole process. */
export interface Job {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that count as success; 0 only unless told. */
  readonly accepts?: readonly number[];
}

export interface Sample {
  readonly wallMs: number;
  /** User and system time together. */
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly stdout: string;
}

const gnuTime = '/usr/bin/time';

/** Runs one command under GNU time: the kernel's own accounting, the process and its waited-for children. */
export function runOnce(job: Job): Sample {
  if (!existsSync(gnuTime))
    throw new Error('The bench needs GNU time (package "time") for CPU seconds and peak memory.');
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-time-'));
  const report = join(folder, 'report');
  const started = process.hrtime.bigint();
  const result = spawnSync(gnuTime, ['-q', '-o', report, '-f', '%U %S %M', ...job.argv], {
    cwd: job.cwd,
    env: { ...process.env, ...job.env },
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const wallMs = Number(process.hrtime.bigint() - started) / 1e6;
  if (result.error !== undefined) throw result.error;
  if (!(job.accepts ?? [0]).includes(result.status ?? -1)) {
    throw new Error(`${job.argv.join(' ')} exited with ${result.status}: ${result.stderr.slice(-2000)}`);
  }
  const [user, system, maxRssKiB] = readFileSync(report, 'utf8').trim().split(/\s+/).map(Number) as [
    number,
    number,
    number,
  ];
  rmSync(folder, { recursive: true });
  return { wallMs, cpuMs: (user + system) * 1000, rssMiB: maxRssKiB / 1024, stdout: result.stdout };
}

export interface Figures {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly runs: number;
}

/** One contestant of a row: `prepare` is not timed. */
export interface Contestant {
  readonly name: string;
  prepare?(run: number): void;
  job(run: number): Job;
  /** Looks at the output of each run; throws when the run did not do its work. */
  check?(sample: Sample, run: number): void;
}

/** Runs all contestants in turn, A B C A B C ..., so that drift of the machine hits all alike; returns medians. */
export function race(contestants: readonly Contestant[], runs: number, warmUps = 1): Map<string, Figures> {
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]));
  for (let run = 0; run < runs + warmUps; run++) {
    for (const contestant of contestants) {
      contestant.prepare?.(run);
      const sample = runOnce(contestant.job(run));
      contestant.check?.(sample, run);
      if (run >= warmUps) samples.get(contestant.name)!.push(sample);
    }
  }
  return new Map([...samples].map(([name, taken]) => [name, figuresOf(taken)]));
}

function figuresOf(samples: readonly Sample[]): Figures {
  return {
    wallMs: median(samples.map((sample) => sample.wallMs)),
    cpuMs: median(samples.map((sample) => sample.cpuMs)),
    // Memory is a bound, not a habit: the largest counts.
    rssMiB: Math.max(...samples.map((sample) => sample.rssMiB)),
    runs: samples.length,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
