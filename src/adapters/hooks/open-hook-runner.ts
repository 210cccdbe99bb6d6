import { appendFileSync, statSync, truncateSync } from 'node:fs';
import type { HookName, HookProblem, HookRunner } from '../../ports/hook-runner.ts';
import type { ProgramEnd, ProgramRunner } from '../../ports/program-runner.ts';

/** One command of the settings. */
export interface HookCommand {
  readonly run: readonly string[];
  readonly timeout: number;
  /** No more often than this for automatic snapshots, in milliseconds. */
  readonly every: number;
}

export interface HookRunnerOptions {
  readonly hooks: Readonly<Record<HookName, readonly HookCommand[]>>;
  readonly vaultRoot: string;
  /** Private file that keeps what they printed. */
  readonly logFile: string;
  readonly programs: ProgramRunner;
  readonly isTrusted: (words: readonly string[], name: HookName) => boolean;
  readonly now: () => Date;
  readonly monotonicMs: () => number;
  /** True inside a hook: what a hook runs must not run hooks again. */
  readonly isInsideHook: boolean;
}

const logBytesMax = 1024 * 1024;

/** Runs the commands of the settings that were approved on this machine; the others are named and not run. */
export function openHookRunner(options: HookRunnerOptions): HookRunner {
  const lastRunMs = new Map<HookCommand, number>();
  return {
    async run(call) {
      const problems: HookProblem[] = [];
      if (options.isInsideHook) return problems;
      for (const command of options.hooks[call.name]) {
        const program = command.run[0]!;
        if (!options.isTrusted(command.run, call.name)) {
          problems.push({ program, kind: 'untrusted', message: 'is not approved on this machine' });
          continue;
        }
        const lastMs = lastRunMs.get(command);
        if (call.isAutomatic && lastMs !== undefined && options.monotonicMs() - lastMs < command.every) continue;
        lastRunMs.set(command, options.monotonicMs());
        const end = await options.programs.run({
          words: command.run,
          cwd: options.vaultRoot,
          env: environmentOf(options.vaultRoot, call.facts),
          input: call.input,
          timeoutMs: command.timeout,
          signal: call.signal,
        });
        writeLog(options, program, end);
        call.signal?.throwIfAborted();
        const problem = problemOf(program, command, end);
        if (problem !== null) problems.push(problem);
      }
      return problems;
    },
  };
}

function environmentOf(vaultRoot: string, facts: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(facts).map(([name, value]) => [
    `HOLDFAST_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
    // No environment can hold NUL.
    value.replaceAll('\0', ''),
  ]);
  return { ...(Object.fromEntries(named) as Record<string, string>), HOLDFAST_VAULT: vaultRoot, HOLDFAST_HOOK: '1' };
}

function problemOf(program: string, command: HookCommand, end: ProgramEnd): HookProblem | null {
  switch (end.kind) {
    case 'done':
    case 'stopped':
      return null;
    case 'timed_out':
      return { program, kind: 'timed_out', message: `was stopped after ${command.timeout / 1000} s` };
    case 'not_started':
      return { program, kind: 'not_started', message: `could not be started (${end.reason ?? 'unknown'})` };
    case 'failed': {
      const how =
        end.exitCode === null ? `was ended by ${end.reason ?? 'a signal'}` : `ended with code ${end.exitCode}`;
      return { program, kind: 'failed', message: how };
    }
  }
}

/** What hooks print may hold anything, so it stays on this machine. A log that cannot be written costs no snapshot. */
function writeLog({ logFile, now }: HookRunnerOptions, program: string, end: ProgramEnd): void {
  try {
    if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) truncateSync(logFile);
    const how = end.exitCode === null ? `${end.kind} ${end.reason ?? ''}` : `code ${end.exitCode}`;
    const head = `${now().toISOString()} ${JSON.stringify(program)}: ${how.trim()}, ${Math.round(end.durationMs)} ms`;
    const body = end.output === '' || end.output.endsWith('\n') ? end.output : `${end.output}\n`;
    appendFileSync(logFile, `${head}\n${body}`, { mode: 0o600 });
  } catch {
    // Nothing that matters: the problem itself is reported.
  }
}
