import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ProgramEnd, ProgramRequest, ProgramRunner } from '../../ports/program-runner.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { killGroup } from './kill-group.ts';

export interface ProgramRunnerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
}

const outputBytesMax = 64 * 1024;
/** How long a program that was asked to stop may take before it is made to. */
const graceMs = 2_000;
/** Outputs that a program handed on to one of its own may stay open for ever. */
const drainMs = 250;
/** What opens the store is no business of a hook's. */
const withheld: ReadonlySet<string> = new Set([
  'HOLDFAST_KEY',
  'HOLDFAST_NEW_KEY',
  'HOLDFAST_PASSPHRASE',
  'BACKUP_ENCRYPTION_KEY',
]);

/** Runs programs in process groups of their own, so that a time limit ends everything they started too. */
export function openProgramRunner(options: ProgramRunnerOptions): ProgramRunner {
  const inherited = Object.fromEntries(Object.entries(options.env).filter(([name]) => !withheld.has(name)));
  return {
    async run(request) {
      const startedMs = performance.now();
      const { ended, output } = start(request, inherited);
      const end = await ended;
      return { ...end, output: options.redact(output()), durationMs: performance.now() - startedMs };
    },
  };
}

type Ended = Pick<ProgramEnd, 'kind' | 'exitCode' | 'reason'>;

function start(
  request: ProgramRequest,
  inherited: Readonly<Record<string, string | undefined>>,
): { ended: Promise<Ended>; output: () => string } {
  const [file, ...args] = request.words;
  const output = collectTail();
  let child: ChildProcess;
  try {
    child = spawn(file!, args, {
      cwd: request.cwd,
      env: { ...inherited, ...request.env },
      stdio: [request.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // A group of its own: its children can be stopped with it, and a Ctrl-C meant for us does not reach it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
  } catch (error) {
    const end: Ended = { kind: 'not_started', exitCode: null, reason: systemCode(error) };
    return { ended: Promise.resolve(end), output: () => '' };
  }
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', output.take);
  // A program that does not read its input is no failure.
  child.stdin?.on('error', () => {});
  child.stdin?.end(request.input);
  return { ended: waitFor(child, request), output: output.text };
}

async function waitFor(child: ChildProcess, request: ProgramRequest): Promise<Ended> {
  let isLate = false;
  let isStopped = false;
  let hardKill: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child, 'SIGTERM');
    hardKill = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs);
  };
  const limit = setTimeout(() => {
    isLate = true;
    stop();
  }, request.timeoutMs);
  const onAbort = (): void => {
    isStopped = true;
    stop();
  };
  if (request.signal?.aborted === true) onAbort();
  else request.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const exit = await exitOf(child);
    // Its leader is gone; what it left running after being stopped goes now.
    if (isLate || isStopped) killGroup(child, 'SIGKILL');
    else await drained(child);
    if ('failure' in exit) return { kind: 'not_started', exitCode: null, reason: exit.failure };
    const { code, signal } = exit;
    const kind = isLate ? 'timed_out' : isStopped ? 'stopped' : code === 0 ? 'done' : 'failed';
    return { kind, exitCode: code, reason: signal };
  } finally {
    clearTimeout(limit);
    clearTimeout(hardKill);
    request.signal?.removeEventListener('abort', onAbort);
    for (const stream of [child.stdout, child.stderr, child.stdin]) stream?.destroy();
  }
}

type Exit = { readonly code: number | null; readonly signal: string | null } | { readonly failure: string };

async function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ failure: systemCode(error) || error.message }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** Waits for the last of what it printed, but not for programs it left behind. */
async function drained(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream): stream is Readable => stream?.readableEnded === false);
  if (streams.length === 0) return;
  await Promise.race([
    Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve)))),
    new Promise((resolve) => setTimeout(resolve, drainMs).unref()),
  ]);
}

function collectTail(): { take: (chunk: Buffer) => void; text: () => string } {
  let kept = Buffer.alloc(0);
  return {
    take(chunk) {
      const all = Buffer.concat([kept, chunk]);
      kept = all.subarray(Math.max(0, all.length - outputBytesMax));
    },
    text: () => kept.toString('utf8'),
  };
}
