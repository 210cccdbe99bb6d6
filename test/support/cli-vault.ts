import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildVault, type VaultContent } from './vault-builder.ts';

// The sources rather than `dist`: what is tested is what is written there now, built or not.
const program = [process.execPath, join(import.meta.dirname, 'run-holdfast.ts')];
// Stripping types anew in each of some hundred processes would take three times as long as their work.
const compileCache = join(import.meta.dirname, '../../node_modules/.cache/holdfast-tests');

/** The user and group with which permissions count: `nobody`, when the tests run as the superuser. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

export interface RunOptions {
  /** The vault unless told otherwise. */
  readonly cwd?: string;
  /** On top of what every run has; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Program and arguments that start the process: `['sh', '-c', 'ulimit -n 50; exec "$@"', 'sh']`. */
  readonly through?: readonly string[];
  /** Run without the superuser's power to read and write everything; see `giveToNobody`. */
  readonly asNobody?: boolean;
}

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

/** A vault in a folder of its own, with a home of its own, and the real program to run on it. Disposing removes it all. */
export interface CliVault extends Disposable {
  /** Holds everything below; tests may put more into it. */
  readonly folder: string;
  readonly root: string;
  readonly home: string;
  /** Where the default store and the identity of the machine are. */
  readonly data: string;
  write(contents: Readonly<Record<string, VaultContent>>): void;
  /** Runs git in the vault, blind to the machine's own settings. */
  git(...args: string[]): string;
  /** Runs holdfast to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
  /** Runs it with `--json`; the lines, parsed, and the exit code. */
  json(args: readonly string[], options?: RunOptions): Promise<JsonRun>;
  /** Starts holdfast; the caller ends it. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  /** Makes everything belong to `nobody`, so that a run as nobody can work on it. */
  giveToNobody(): void;
}

export interface JsonRun extends Run {
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** The last line. */
  readonly last: Readonly<Record<string, unknown>>;
}

export function openCliVault(contents: Readonly<Record<string, VaultContent>> = {}): CliVault {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-rows-')));
  const [root, home, data] = ['vault', 'home', 'data'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [root, home]) mkdirSync(path);
  const baseEnv = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_DATA_HOME: data,
    TZ: 'UTC',
    HOLDFAST_MACHINE: 'desk',
    NODE_COMPILE_CACHE: compileCache,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  buildVault(root, contents);

  const start = (args: readonly string[], options: RunOptions = {}): ChildProcess => {
    const [file, ...rest] = [...(options.through ?? []), ...program, ...args];
    return spawn(file!, rest, {
      cwd: options.cwd ?? root,
      env: { ...baseEnv, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.asNobody === true ? nobody : {}),
    });
  };
  const run = (args: readonly string[], options?: RunOptions): Promise<Run> => endOf(start(args, options));
  return {
    folder,
    root,
    home,
    data,
    write: (more) => buildVault(root, more),
    git: (...args) =>
      execFileSync('git', args, { cwd: root, env: baseEnv, stdio: ['ignore', 'pipe', 'pipe'] }).toString(),
    run,
    async json(args, options) {
      const [command = '', ...rest] = args;
      // Before the words: after a `--` it would be one of them.
      const done = await run([command, '--json', ...rest], options);
      const lines = done.out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      return { ...done, lines, last: lines.at(-1) ?? {} };
    },
    start,
    giveToNobody() {
      if ('uid' in nobody) execFileSync('chown', ['-R', '-h', `${nobody.uid}:${nobody.gid}`, folder]);
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Collects what a process prints until it has ended. */
export async function endOf(child: ChildProcess): Promise<Run> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      const bytes = Buffer.concat(out);
      done({ code, signal, bytes, out: bytes.toString(), err: Buffer.concat(err).toString() });
    });
  });
}
