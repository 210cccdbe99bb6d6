import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { type CliVault, endOf, type Run, type RunOptions } from './cli-vault.ts';

export type WatchLine = Readonly<Record<string, unknown>> & { readonly event?: string };

/** A watcher of the real program, followed by what it prints with `--json`. */
export interface WatchProcess {
  readonly child: ChildProcess;
  /** All lines so far. */
  readonly lines: readonly WatchLine[];
  /** Resolves with the next line of this event that nobody was given yet; rejects when the watcher ends without it. */
  next(event: string): Promise<WatchLine>;
  /** Sends the signal; resolves once the process ended. */
  end(signal: NodeJS.Signals): Promise<Run>;
}

/** Starts `holdfast watch`; killed with the test, unless it ended. */
export function startWatchProcess(
  vault: CliVault,
  options: RunOptions & { readonly quietPeriod?: string; readonly args?: readonly string[] } = {},
): WatchProcess {
  const { quietPeriod = '100ms', args = [] } = options;
  const child = vault.start(['watch', '--json', '--quiet-period', quietPeriod, ...args], options);
  const ended = endOf(child);
  const lines: WatchLine[] = [];
  let wake: () => void = () => {};
  let hasEnded = false;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(JSON.parse(line) as WatchLine);
    wake();
  });
  void ended.then(() => {
    hasEnded = true;
    wake();
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let from = 0;
  return {
    child,
    lines,
    async next(event) {
      for (;;) {
        const at = lines.findIndex((line, i) => i >= from && line.event === event);
        if (at >= 0) {
          from = at + 1;
          return lines[at]!;
        }
        if (hasEnded) throw new Error(`The watcher ended before it said "${event}": ${(await ended).err}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
