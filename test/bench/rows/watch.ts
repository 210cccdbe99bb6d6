import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type Line, type Row, holdfast } from '../bench.ts';
import { textVault } from '../corpus.ts';
import { median } from '../measure.ts';
import { ms } from './capture.ts';

const quietMs = 500;
/** What /proc counts processor time in. */
const tickMs = 10;

type Event = Readonly<Record<string, unknown>> & { readonly event: string; readonly seenMs: number };

function homeOf(bench: Bench, vault: string): string {
  return join(bench.folder, 'W-home', vault.split('/').at(-1)!);
}

/** A watcher of the real program; `next` resolves with the next event of a kind. */
function startWatch(bench: Bench, vault: string) {
  const home = homeOf(bench, vault);
  mkdirSync(home, { recursive: true });
  const job = holdfast(['watch', '--json', '--quiet-period', `${quietMs}ms`], { vault, home });
  const [command, ...args] = job.argv;
  const startedMs = performance.now();
  const child = spawn(command!, args, { cwd: vault, env: { ...process.env, ...job.env } });
  const events: Event[] = [];
  let wake: () => void = () => {};
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    events.push(...lines.map((line) => ({ ...(JSON.parse(line) as Event), seenMs: performance.now() })));
    wake();
  });
  child.stderr.resume();
  const next = async (event: string, from = events.length): Promise<Event> => {
    for (;;) {
      const found = events.slice(from).find((one) => one.event === event);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const status = (): string => readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return {
    startedMs,
    events,
    next,
    cpuMs(): number {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * tickMs;
    },
    memoryMiB: (): number => Number(/VmRSS:\s+(\d+)/.exec(status())?.[1] ?? 0) / 1024,
    async stop(): Promise<void> {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

type Watch = ReturnType<typeof startWatch>;

/** Saves one file; returns how long after the quiet period it was in the store, and the processor time until all was still. */
async function saveOne(watch: Watch, file: string, round: number): Promise<{ latencyMs: number; cpuMs: number }> {
  const cpuBefore = watch.cpuMs();
  const taken = watch.next('taken');
  const savedMs = performance.now();
  appendFileSync(file, `saved ${round}\n`);
  const { seenMs } = await taken;
  await sleep(200);
  return { latencyMs: seenMs - savedMs - quietMs, cpuMs: watch.cpuMs() - cpuBefore };
}

async function oneFile(watch: Watch, vault: string, rounds: number) {
  const file = join(vault, 'area-0/topic-0/folder-0/note-0.md');
  const saves: { latencyMs: number; cpuMs: number }[] = [];
  for (let round = 0; round < rounds; round++) saves.push(await saveOne(watch, file, round));
  const latencies = saves.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const cpuMs = saves.reduce((sum, save) => sum + save.cpuMs, 0) / rounds;
  return { median: median(latencies), last: latencies.at(-1)!, cpuMs };
}

interface Burst {
  readonly snapshots: number;
  /** Paths where the newest snapshot and the disk differ once all is still. */
  readonly missed: number;
}

/** Does something large; returns what it cost, and what the watcher never saw of it. */
async function burst(bench: Bench, at: { watch: Watch; vault: string; change: () => void }): Promise<Burst> {
  const { watch, vault, change } = at;
  const before = watch.events.length;
  const taken = watch.next('taken');
  change();
  await taken;
  await sleep(quietMs * 8);
  const snapshots = watch.events.slice(before).filter(({ event }) => event === 'taken').length;
  const job = holdfast(['diff', '--json'], { vault, home: homeOf(bench, vault) });
  const [command, ...args] = job.argv;
  const env = { ...process.env, ...job.env };
  const { stdout } = spawnSync(command!, args, { cwd: vault, env, encoding: 'utf8', maxBuffer: 1 << 30 });
  const lines = stdout.split('\n').filter((text) => text.includes('"type":"change"'));
  return { snapshots, missed: lines.filter((text) => !text.includes('"path":"state/')).length };
}

/** What people and programs do to thousands of files at once, the vault being a repository with another branch. */
function burstsIn(vault: string): readonly (readonly [what: string, change: () => void])[] {
  const git = (...args: string[]): void => void spawnSync('git', args, { cwd: vault, stdio: 'ignore' });
  const folder = (n: number): string => join(vault, `area-${n % 20}/topic-${Math.floor(n / 20) % 50}/folder-0`);
  return [
    [
      '5,000 new files',
      () => {
        for (let n = 0; n < 5000; n++) writeFileSync(join(folder(n % 1000), `burst-${n}.md`), String(n));
      },
    ],
    ['a renamed folder', () => renameSync(join(vault, 'area-1'), join(vault, 'area-renamed'))],
    ['a checkout of another branch', () => git('checkout', '-q', '-f', 'other')],
    [
      '5,000 files of packages, ignored and not, most of them removed again',
      () => {
        for (const top of ['node_modules', 'packages']) {
          for (let n = 0; n < 2500; n++) {
            const path = join(vault, top, `package-${n % 250}/lib`);
            if (n < 250) mkdirSync(path, { recursive: true });
            writeFileSync(join(path, `file-${n}.js`), String(n));
          }
          for (let n = 0; n < 200; n++) rmSync(join(vault, top, `package-${n}`), { recursive: true });
        }
      },
    ],
  ];
}

/** A copy of its own: the bursts leave it changed. */
function burstVault(bench: Bench): string {
  const vault = textVault(join(bench.folder, 'text-bursts'), { files: 20_000, seed: 2 });
  writeFileSync(join(vault, '.gitignore'), 'node_modules/\nstate/\n');
  const author = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];
  const git = (...args: string[]): void => {
    const { status, stderr } = spawnSync('git', [...author, ...args], { cwd: vault, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'main');
  git('checkout', '-q', '-b', 'other');
  rmSync(join(vault, 'area-2'), { recursive: true });
  renameSync(join(vault, 'area-3'), join(vault, 'area-three'));
  git('add', '-A');
  git('commit', '-q', '-m', 'other');
  git('checkout', '-q', 'main');
  return vault;
}

async function burstLines(bench: Bench): Promise<Line[]> {
  const vault = burstVault(bench);
  const watch = startWatch(bench, vault);
  await watch.next('ready', 0);
  await sleep(quietMs * 4);
  const lines: Line[] = [];
  for (const [what, change] of burstsIn(vault)) {
    const { snapshots, missed } = await burst(bench, { watch, vault, change });
    lines.push(line('W4', `snapshots of ${what}`, { value: snapshots, unit: 'x', target: 2, ours: `${snapshots}` }));
    lines.push(line('W4', 'paths it missed', { value: missed, unit: 'x', target: 0, ours: `${missed}` }));
  }
  await watch.stop();
  return lines;
}

async function idle(watch: Watch, seconds: number): Promise<number> {
  const before = watch.cpuMs();
  await sleep(seconds * 1000);
  return ((watch.cpuMs() - before) / (seconds * 1000)) * 100;
}

function line(
  row: string,
  what: string,
  figure: { value: number; unit: Line['unit']; target: number; ours?: string },
): Line {
  return { row, what, ours: figure.ours ?? ms(figure.value), peer: '', ...figure };
}

export const watchRow: Row = {
  id: 'W',
  title: 'watch: save to store, CPU a snapshot, ready, a burst, idle (W1 to W5)',
  async run(bench) {
    const small = textVault(join(bench.folder, 'text-10000'), { files: 10_000, seed: 1 });
    const few = startWatch(bench, small);
    await few.next('ready');
    await sleep(quietMs * 4);
    const ofFew = await oneFile(few, small, 10);
    await few.stop();

    const vault = textVault(join(bench.folder, 'text-100000'), { files: 100_000, seed: 1 });
    const first = startWatch(bench, vault);
    await first.next('ready');
    await first.stop();
    const watch = startWatch(bench, vault);
    const { seenMs } = await watch.next('ready', 0);
    await sleep(quietMs * 4);
    const ofMany = await oneFile(watch, vault, 20);
    const memoryMiB = watch.memoryMiB();
    const idlePercent = await idle(watch, 30);
    await watch.stop();
    const bursts = await burstLines(bench);
    return [
      line('W1', 'save to store less the quiet period, 100,000 files, median', {
        value: ofMany.median,
        unit: 'ms',
        target: 150,
      }),
      line('W1', 'the slowest of 20', { value: ofMany.last, unit: 'ms', target: 500 }),
      line('W2', 'CPU a one-file snapshot, 100,000 files', { value: ofMany.cpuMs, unit: 'ms', target: 20 }),
      line('W2', 'against 10,000 files', {
        value: ofMany.cpuMs / ofFew.cpuMs,
        unit: 'x',
        target: 1.3,
        ours: ms(ofMany.cpuMs),
      }),
      line('W3', 'ready on 100,000 known files', { value: seenMs - watch.startedMs, unit: 'ms', target: 1500 }),
      line('W3', 'resident memory', {
        value: memoryMiB,
        unit: 'MiB',
        target: 200,
        ours: `${Math.round(memoryMiB)} MiB`,
      }),
      ...bursts,
      line('W5', 'CPU while idle, percent of one core', {
        value: idlePercent,
        unit: 'x',
        target: 0.2,
        ours: `${idlePercent.toFixed(2)} %`,
      }),
    ];
  },
};
