import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { TuiServices } from '../../tui/services.ts';
import type { Deps } from '../../engine/deps.ts';
import type { KeySecret } from '../../model/store-keys.ts';
import { isHoldfastError } from '../../model/errors.ts';
import { askPassphrase } from '../ask-passphrase.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { isLiveTerminal } from '../paint.ts';
import { parseWhenText } from '../parse-when.ts';
import { shellQuote } from '../shell-quote.ts';
import { takeCommand } from '../take-command.ts';
import { diffTexts } from '../unified-diff.ts';
import { command as status } from './status.ts';

export const command: Command = {
  name: 'tui',
  summary: 'see health and restore points, and get files back, in the terminal',
  description: [
    'Opens the terminal UI, as holdfast alone does in a terminal: the state of the vault on top, the restore points by day, what ' +
      'each changed, every file as it was. Nothing live is touched but by a rollback, for which the label must be typed.',
    'Keys: arrows and Enter, / filters or goes to a time, f finds a file in all restore points, r restores what is marked, ? ' +
      'shows all of them, q leaves. Where there is no terminal the status is printed.',
    'For screen readers set INK_SCREEN_READER=true; NO_COLOR is honoured.',
  ],
  arguments: [],
  options: [],
  examples: [{ command: 'holdfast tui', means: 'the same as holdfast alone, in a terminal' }],
  async run(context) {
    const { io } = context;
    const isScreen =
      io.stdin.isTTY === true && isLiveTerminal(io, io.stdout) && !context.out.json && !context.out.quiet;
    if (!isScreen) return status.run({ ...context, flag: () => false });
    // Frames leave much that dies young: in the small nursery of a one-shot command collecting it takes most of the time.
    setFlagsFromString('--semi-space-growth-factor=4');
    const { createRelaySink, startTui } = await import('../../tui/start-tui.tsx');
    const { colourLevelOf } = await import('../../tui/palette.ts');
    const config = await context.config();
    const events = createRelaySink();
    const secrets = rememberAnswer(context);
    await using deps = await context.openSession({ events, askPassphrase: secrets.ask });
    // Asked for now, where a person can still be asked: later the screen is taken.
    await unlock(deps, context.signal);
    secrets.close();
    const withWriter: TuiServices['withWriter'] = async (act) => {
      await using writer = await context.openSession({ prepareVault: true, events, askPassphrase: secrets.ask });
      return await act(writer);
    };
    await startTui({
      deps,
      events,
      services: createServices(context, deps, {
        withWriter,
        targets: { rtoMs: config.targets.rto, rpoMs: config.targets.rpo },
      }),
      streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
      colourLevel: context.flag('no-color') ? 0 : colourLevelOf(io.env),
      signal: context.signal,
    });
    // Ended by a signal: the terminal is back, and the exit code says why.
    context.signal.throwIfAborted();
    return exitCodes.ok;
  },
};

/** A store that is away can still be looked at from what this machine knows. */
async function unlock({ encryption }: Deps, signal: AbortSignal): Promise<void> {
  if (encryption.isSealed === false) return;
  try {
    await encryption.unlock({ signal });
  } catch (error) {
    if (!isHoldfastError(error) || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
  }
}

/** One passphrase for both sessions, asked for at most once and never over the screen of the UI. */
function rememberAnswer({ io, out }: CommandContext): {
  readonly ask: () => Promise<KeySecret | null>;
  readonly close: () => void;
} {
  let answer: Promise<KeySecret | null> | null = null;
  let isClosed = false;
  return {
    ask() {
      if (answer === null && !isClosed) answer = askPassphrase(io, out);
      return answer ?? Promise.resolve(null);
    },
    close() {
      isClosed = true;
    },
  };
}

function createServices(
  { io }: CommandContext,
  deps: Deps,
  given: Pick<TuiServices, 'withWriter' | 'targets'>,
): TuiServices {
  const { platform, cwd } = io;
  return {
    ...given,
    async parseWhen(text) {
      try {
        return (await parseWhenText(text, { now: io.now() })).time;
      } catch (error) {
        // Half a time typed, or one in the future.
        if (isHoldfastError(error)) return null;
        throw error;
      }
    },
    diffTexts,
    takeCommand: ({ directory, path, changes }) =>
      takeCommand({
        from: directory,
        vaultRoot: deps.identity.vault.root,
        logFolder: deps.settings.logFolder,
        path,
        changes,
        cwd,
        platform,
      }),
    quotePath: (path) => shellQuote(path, platform),
    shownPath: (path) => {
      const short = relative(cwd, path);
      return short === '' || short.startsWith('..') ? path : short;
    },
    openFolder(directory) {
      const program = platform === 'win32' ? 'explorer' : platform === 'darwin' ? 'open' : 'xdg-open';
      const child = spawn(program, [directory], { stdio: 'ignore', detached: true });
      // No desktop here: the path is on the screen.
      child.on('error', () => {});
      child.unref();
    },
  };
}
