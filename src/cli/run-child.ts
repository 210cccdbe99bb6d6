import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { EndingSignal } from './exit-codes.ts';
import type { Io } from './io.ts';

/** How a command that was run on the person's behalf ended. */
export interface ChildEnd {
  /** Its exit code; 128 plus the signal's number when a signal ended it; 127 or 126 when it could not be started. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started: the system's code; null when it ran. */
  readonly failure: string | null;
}

/**
 * Runs a program in the person's terminal: its input and outputs are ours. While it runs, signals are its business: they
 * are passed on, and stop it, not us. With `stdoutToStderr` our own stdout stays free for what scripts read.
 */
export async function runChild(
  words: readonly string[],
  options: { readonly io: Io; readonly stdoutToStderr: boolean },
): Promise<ChildEnd> {
  const { io } = options;
  const [file, ...args] = words;
  const child = spawn(file!, args, {
    cwd: io.cwd,
    env: io.env,
    stdio: ['inherit', options.stdoutToStderr ? 2 : 'inherit', 'inherit'],
  });
  const isInTerminal = io.stdin.isTTY === true;
  using _diverted = io.divertSignals((signal: EndingSignal) => {
    // A terminal sends Ctrl-C to both of us.
    if (signal !== 'SIGINT' || !isInTerminal) child.kill(signal);
  });
  // Awaited here, so that signals are diverted until it ends.
  return await new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const failure = error.code ?? error.message;
      resolve({ exitCode: failure === 'ENOENT' ? 127 : 126, signal: null, failure });
    });
    child.once('exit', (code, signal) => {
      const exitCode = signal === null ? code! : 128 + constants.signals[signal];
      resolve({ exitCode, signal, failure: null });
    });
  });
}
