import { writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { exitCodeOfSignal, type EndingSignal } from './cli/exit-codes.ts';
import { describeCrash } from './cli/report-crash.ts';
import { runCommand } from './cli/run.ts';
import { stopReason } from './cli/stop-reason.ts';

/** After a signal, how long the work may take to come to a safe stop before the process simply ends. */
const stopMsMax = 5_000;
/** Started through the launcher, one Ctrl-C can arrive twice: from the terminal and from the launcher. */
const echoMs = 150;

/** Runs the process: argv, environment, signals, exit code. */
export async function main(): Promise<void> {
  // V8's background compiler can wait for a collection that only the main thread runs, while process.exit on the main
  // thread waits for the compiler: the process then never ends (seen under load, once in some thousand runs).
  setFlagsFromString('--no-concurrent-recompilation');
  // V8 would let garbage that dies young grow to 96 MB; kept small, a restore or an idle snapshot needs 15 to 60 MB less and
  // no more time. (A large capture does need more: see the ingest pool.)
  setFlagsFromString('--semi-space-growth-factor=1');
  const controller = new AbortController();
  const isLaunched = process.env['HOLDFAST_LAUNCHED'] === '1';
  // For this process alone: a holdfast started by a hook has a launcher of its own.
  delete process.env['HOLDFAST_LAUNCHED'];
  process.on('uncaughtException', endAfterCrash);
  const stopping: Stopping = { controller, isLaunched, divertedTo: null };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) listenFor(signal, stopping);
  const exitCode = await runCommand(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: currentFolder(),
    home: homeFolder(),
    platform: process.platform,
    signal: controller.signal,
    divertSignals(take) {
      stopping.divertedTo = take;
      return {
        [Symbol.dispose]() {
          stopping.divertedTo = null;
        },
      };
    },
    now: () => new Date(),
  });
  // Everything printed has been taken by now; a socket or timer left open must not keep the terminal waiting.
  process.exit(exitCode);
}

/** An error that no command could catch (a stray event, a promise nobody waits for) ends like every other bug. */
function endAfterCrash(thrown: unknown): void {
  const { text, exitCode } = describeCrash(thrown, { argv: process.argv.slice(2), env: process.env, now: new Date() });
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads stderr any more; the exit code still tells.
  }
  process.exit(exitCode);
}

interface Stopping {
  readonly controller: AbortController;
  readonly isLaunched: boolean;
  divertedTo: ((signal: EndingSignal) => void) | null;
}

function listenFor(signal: EndingSignal, stopping: Stopping): void {
  const { controller, isLaunched } = stopping;
  let firstMs = 0;
  process.on(signal, () => {
    if (stopping.divertedTo !== null) {
      stopping.divertedTo(signal);
      return;
    }
    const nowMs = performance.now();
    if (controller.signal.aborted) {
      const isEcho = isLaunched && nowMs - firstMs < echoMs;
      if (!isEcho) process.exit(exitCodeOfSignal[signal]);
      return;
    }
    firstMs = nowMs;
    if (signal === 'SIGINT') process.stderr.write('\nstopping safely, press again to quit now\n', () => {});
    else setTimeout(() => process.exit(exitCodeOfSignal[signal]), stopMsMax).unref();
    controller.abort(stopReason(signal));
  });
}

/** A folder that was deleted under us has no name; commands say so when they need one. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '';
  }
}
