import type { Session, SessionOptions } from '../app/compose.ts';
import type { Config } from '../app/config.ts';
import type { Host } from '../app/host.ts';
import { nearestOf } from '../lib/nearest.ts';
import { displayText } from '../format/display-name.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { commandTable, type CommandEntry } from './command-table.ts';
import type { Command } from './command.ts';
import { createContext } from './create-context.ts';
import { exitCodeOf } from './exit-codes.ts';
import type { Io } from './io.ts';
import { openOutput, type OutputControl } from './output.ts';
import { isLiveTerminal } from './paint.ts';
import { parseArguments, type ParsedArguments } from './parse-arguments.ts';
import { errorFields, renderError } from './render-error.ts';
import { reportCrash } from './report-crash.ts';

/** What tests replace. */
export interface Services {
  /** Opens the ports for a vault; `app/compose.ts` unless told otherwise. */
  readonly openSession: typeof openSession;
  /** `commandTable` unless told otherwise. */
  readonly commands: readonly CommandEntry[];
}

/**
 * Runs one command line (the words after the program's name) and returns its exit code. Never throws; everything a person
 * or script gets to see, failures included, goes through `io`.
 */
export async function runCommand(argv: readonly string[], io: Io, services: Partial<Services> = {}): Promise<number> {
  const commands = services.commands ?? commandTable;
  let control = await openOutput(io, guessOutputOptions(argv));
  let config: Config | null = null;
  try {
    const { command, parsed, isBare } = await readCommandLine(argv, { commands, io });
    control = await openOutput(io, outputOptionsOf(parsed));
    const context = await createContext({
      parsed,
      io,
      out: control.output,
      openSession: services.openSession ?? openSession,
      onConfig: (loaded) => {
        config = loaded;
      },
    });
    const exitCode = await command.run(context);
    if (isBare && io.stdout.isTTY === true)
      control.output.note(control.output.paintNote('dim', '  All commands: holdfast help'));
    control.finish({ type: 'result', exitCode, fields: {} });
    return exitCode;
  } catch (thrown) {
    const error = settleError(thrown, { argv, io, control, config });
    const exitCode = exitCodeOf(error);
    control.output.status(null);
    renderError(error, control.output);
    control.finish({ type: 'error', exitCode, fields: errorFields(error) });
    return exitCode;
  } finally {
    await control.close();
  }
}

interface CommandLine {
  readonly command: Command;
  readonly parsed: ParsedArguments;
  /** No command was named. */
  readonly isBare: boolean;
}

async function readCommandLine(
  argv: readonly string[],
  { commands, io }: { commands: readonly CommandEntry[]; io: Io },
): Promise<CommandLine> {
  const at = commandPosition(argv);
  const asksHelp = wordsBeforeDashes(argv).some((word) => word === '--help' || word === '-h');
  const name = at === -1 ? (asksHelp ? 'help' : bareCommand(argv, io)) : argv[at]!;
  const rest = at === -1 ? argv : argv.toSpliced(at, 1);
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry === undefined) throw unknownCommand(name, commands);
  if (asksHelp && at !== -1 && name !== 'help') {
    const help = await loadCommand('help', commands);
    const globals = rest.filter((word) => word === '--json' || word === '--no-color');
    return { command: help, parsed: await parseArguments(help, [name, ...globals]), isBare: false };
  }
  const command = await entry.load();
  const words = asksHelp ? rest.filter(isNotHelp) : rest;
  return { command, parsed: await parseArguments(command, words), isBare: at === -1 && !asksHelp && name === 'status' };
}

/** Without a command a person gets the terminal UI, and a pipe or a script the status. */
function bareCommand(argv: readonly string[], io: Io): 'tui' | 'status' {
  const { json, quiet } = guessOutputOptions(argv);
  const isPerson = io.stdin.isTTY === true && isLiveTerminal(io, io.stdout) && !json && !quiet;
  return isPerson ? 'tui' : 'status';
}

async function loadCommand(name: string, commands: readonly CommandEntry[]): Promise<Command> {
  return commands.find((candidate) => candidate.name === name)!.load();
}

const isNotHelp = (word: string): boolean => word !== '--help' && word !== '-h';

/** Where the command's name stands: the first word that is no flag and no value of a global flag. */
function commandPosition(argv: readonly string[]): number {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--') return -1;
    if (word === '--vault' || word === '--store') at++;
    else if (!word.startsWith('-')) return at;
  }
  return -1;
}

function wordsBeforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}

function unknownCommand(name: string, commands: readonly CommandEntry[]): HoldfastError {
  const nearest = nearestOf(
    name,
    commands.filter((entry) => entry.group !== 'hidden').map((entry) => entry.name),
  );
  const shown = displayText(name, { charsMax: 60 });
  return new HoldfastError('command_unknown', `There is no command "${shown}".`, {
    hint: nearest === null ? 'See all of them with: holdfast help' : `Did you mean: holdfast ${nearest}`,
    data: { command: name, nearest },
  });
}

/** Before the command line is understood (and when it never is): enough to fail in the form asked for. */
function guessOutputOptions(argv: readonly string[]) {
  const words = wordsBeforeDashes(argv);
  return {
    json: words.includes('--json'),
    quiet: words.includes('--quiet') || words.includes('-q'),
    color: !words.includes('--no-color'),
  };
}

function outputOptionsOf(parsed: ParsedArguments) {
  const { options } = parsed;
  return { json: options.has('json'), quiet: options.has('quiet'), color: !options.has('no-color') };
}

interface Failure {
  readonly argv: readonly string[];
  readonly io: Io;
  readonly control: OutputControl;
  readonly config: Config | null;
}

function settleError(thrown: unknown, failure: Failure): HoldfastError {
  // Whatever came of being stopped (a cut connection, an AbortError), being stopped is what happened.
  const reason: unknown = failure.io.signal.aborted ? failure.io.signal.reason : null;
  if (isHoldfastError(reason, 'canceled')) return reason;
  if (isHoldfastError(thrown) && thrown.kind !== 'internal') return thrown;
  const { config, argv, io, control } = failure;
  const privateFolder = config === null ? null : `${config.vaultRoot}/${config.stateDir}/.holdfast/run`;
  return reportCrash(thrown, { argv, now: io.now(), redact: control.redact, privateFolder });
}

async function openSession(
  config: Config,
  host: Host,
  options: SessionOptions & { events: EventSink },
): Promise<Session> {
  const compose = await import('../app/compose.ts');
  return compose.openSession(config, host, options);
}
