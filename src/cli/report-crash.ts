import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../model/errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import { createRedactor, type Redactor } from '../format/redact.ts';

export interface CrashContext {
  readonly argv: readonly string[];
  readonly now: Date;
  readonly redact: Redactor;
  /** The vault's private folder for running state, when it is known; without it the log goes to the temporary folder. */
  readonly privateFolder: string | null;
}

/** Turns an unexpected error into one with an id, its details in a log file; never a bare stack trace on a screen. */
export function reportCrash(error: unknown, context: CrashContext): HoldfastError {
  const id = randomBytes(4).toString('hex');
  const details = [
    `holdfast error ${id}`,
    context.now.toISOString(),
    `node ${process.version} on ${process.platform} ${process.arch}`,
    `arguments: ${JSON.stringify(context.argv)}`,
    describe(error),
    '',
  ].join('\n');
  const path = writeLog(`error-${id}.log`, context.redact(details), context.privateFolder);
  return new HoldfastError('invariant_broken', `Something went wrong inside holdfast (error ${id}).`, {
    data: { error_id: id, log: path },
    hint:
      path === null
        ? 'The details could not be written to a log file. Nothing acknowledged was lost; please report the error id.'
        : `The details are in ${path}. Nothing acknowledged was lost; please report it with that file.`,
    cause: error,
  });
}

/** What to print, and the exit code, when there is no output to go through any more. */
export function describeCrash(
  error: unknown,
  context: Pick<CrashContext, 'argv' | 'now'> & { readonly env: Readonly<Record<string, string | undefined>> },
): { readonly text: string; readonly exitCode: number } {
  const redact = createRedactor(context.env);
  const crash = reportCrash(error, { ...context, redact, privateFolder: null });
  return { text: `error: ${crash.message}\n  ${crash.hint ?? ''}\n`, exitCode: exitCodeOf(crash) };
}

function writeLog(name: string, text: string, privateFolder: string | null): string | null {
  for (const folder of [privateFolder, tmpdir()]) {
    if (folder === null) continue;
    try {
      const path = join(folder, name);
      // 'wx': never through a link somebody laid in a shared temporary folder.
      writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
      return path;
    } catch {
      // The next folder is tried; with none left the caller says so.
    }
  }
  return null;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
