import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../../src/app/load-config.ts';
import { openSession, type Session } from '../../../src/app/compose.ts';
import { runCommand } from '../../../src/cli/run.ts';
import { type FakeIo, fakeIo } from '../../cli/fake-io.ts';
import { capturedContent, type Content, editVault, fillVault } from '../world.ts';

const launcher = resolve(import.meta.dirname, '../../../bin/holdfast.js');
const program = resolve(import.meta.dirname, '../../../dist/main.js');

/** Where a case begins. */
export type Beginning = 'two-snapshots' | 'new' | 'prunable' | 'condemned';

/** How a process of ours ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A place where one case after another is played: a vault, a store and a home that are put back before each. */
export interface Lane {
  readonly folder: string;
  readonly vault: string;
  readonly store: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the labels of the beginning must give back. */
  readonly kept: ReadonlyMap<string, Content>;
  reset(beginning: Beginning): void;
  /** Runs the real program in a process of its own; `through` are the words that start it. */
  start(words: readonly string[], options?: StartOptions): Promise<ProcessEnd>;
  /** Runs a command in this process, with the ports the program has. */
  run(words: readonly string[]): Promise<{ readonly code: number; readonly err: string }>;
  openSession(): Promise<Session>;
  /** Lets the time pass after which the lease of a prune that died is over. */
  ageLeases(): void;
  /** What killed commands left in the private state and in the store, by path. */
  leftovers(): string[];
}

export interface StartOptions {
  readonly through?: readonly string[];
  readonly onStart?: (kill: () => void) => void;
}

export interface LaneOptions {
  readonly folder: string;
  /** Beside the embedded store: a store URL, with what its credentials need. */
  readonly env?: Readonly<Record<string, string>>;
  /** Puts the store back where it is not in the folder. */
  readonly resetStore?: (beginning: Beginning) => void;
}

export async function openLane(options: LaneOptions): Promise<Lane> {
  if (!existsSync(program)) throw new Error('The program is not built: run `npm run build` first.');
  const { folder } = options;
  const [now, bases] = [join(folder, 'now'), join(folder, 'bases')];
  const vault = join(now, 'vault');
  const store = join(now, 'store');
  const kept = new Map<string, Content>();
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(now, 'home'),
    XDG_DATA_HOME: join(now, 'data'),
    HOLDFAST_STORE: store,
    HOLDFAST_MACHINE: 'desk',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    // Outside what is put back: compiled once.
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    // One thread of the pool, so that calls come in one order.
    UV_THREADPOOL_SIZE: '1',
    TZ: 'UTC',
    ...options.env,
  };
  const io = (): FakeIo => ({ ...fakeIo({ cwd: vault, home: env.HOME, env }), now: () => new Date() });
  const lane: Lane = {
    folder: now,
    vault,
    store,
    env,
    kept,
    reset(beginning) {
      rmSync(now, { recursive: true, force: true, maxRetries: 3 });
      execFileSync('cp', ['-a', join(bases, beginning), now], { stdio: 'ignore' });
      options.resetStore?.(beginning);
    },
    async start(words, { through = [], onStart } = {}) {
      const [file, ...rest] = [...through, process.execPath, launcher, ...words];
      const child = spawn(file!, rest, { cwd: vault, env, stdio: ['ignore', 'pipe', 'pipe'] });
      onStart?.(() => child.kill('SIGKILL'));
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      return new Promise((done, fail) => {
        child.once('error', fail);
        child.once('close', (code, signal) => {
          done({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
        });
      });
    },
    async run(words) {
      const own = io();
      const code = await runCommand([...words], own);
      return { code, err: withCrashLog(own.complained().trim()) };
    },
    async openSession() {
      const own = io();
      return openSession(loadConfig({}, own), own, { prepareVault: false, events: { emit() {} } });
    },
    ageLeases: () => age(join(store, 'condemned'), 7, 'prune-lease.'),
    leftovers: () => [...leftIn(join(vault, 'state/.holdfast')), ...leftIn(store), ...leftIn(join(vault, '_restore'))],
  };
  await buildBases(lane, { bases, kept });
  return lane;
}

/** Every beginning is made by the program itself, and kept as a copy. */
async function buildBases(lane: Lane, { bases, kept }: { bases: string; kept: Map<string, Content> }): Promise<void> {
  const { folder, vault, store } = lane;
  mkdirSync(bases, { recursive: true });
  for (const path of [folder, store, lane.env['HOME']!]) mkdirSync(path, { recursive: true });
  fillVault(vault);
  execFileSync('cp', ['-a', folder, join(bases, 'new')]);
  for (const [step, label] of ['first', 'second'].entries()) {
    editVault(vault, step);
    await expectDone(lane, ['snapshot', label]);
    kept.set(label, capturedContent(vault));
  }
  editVault(vault, 2);
  const keepAs = (beginning: Beginning): void => void execFileSync('cp', ['-a', folder, join(bases, beginning)]);
  keepAs('two-snapshots');
  // Unlabelled ones between labelled ones: what `prune` may drop, with packs that others need in part.
  for (const step of [3, 4]) {
    editVault(vault, step);
    await expectDone(lane, ['snapshot']);
  }
  editVault(vault, 5);
  await expectDone(lane, ['snapshot', 'newest']);
  kept.set('newest', capturedContent(vault));
  keepAs('prunable');
  await expectDone(lane, ['prune', '--apply', '--keep-none']);
  // The grace is over.
  age(join(store, 'condemned'), 48);
  keepAs('condemned');
}

async function expectDone(lane: Lane, words: readonly string[]): Promise<void> {
  const { code, out, err } = await lane.start(words);
  if (code !== 0) throw new Error(`the beginning could not be made: ${words.join(' ')}: ${code} ${out}${err}`);
}

/** Makes what lies in a folder so many hours older, as the clock of the store tells it. */
function age(folder: string, hours: number, prefix = ''): void {
  const then = new Date(Date.now() - hours * 3_600_000);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) utimesSync(join(folder, name), then, then);
  }
}

/** The case's folder is gone when somebody reads the page: the log of a crash comes along. */
export function withCrashLog(text: string): string {
  const path = /\/\S+\/error-[0-9a-f]{8}\.log/.exec(text)?.[0];
  return path !== undefined && existsSync(path) ? `${text}\n${readFileSync(path, 'utf8').slice(0, 1500)}` : text;
}

/** Names that only work in progress has. */
function leftIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'latin1' });
  return names.filter((name) => /(?:^|\/)(?:draft-|removed-|tmp-)[^/]*$|\.tmp$|\.journal$/.test(name));
}
