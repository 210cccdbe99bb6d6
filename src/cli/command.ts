import type { Config } from '../app/config.ts';
import type { Session, SessionOptions } from '../app/compose.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

/** One positional argument: `<path>` is required, `[path]` optional, `[path...]` takes the rest. */
export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  /** What the shell can complete it with. */
  readonly completes?: 'snapshot' | 'shell' | 'topic';
}

/** One flag, as typed: `--stat`, `-n, --limit <count>`, `--path <glob...>`, `--no-gitignore`. */
export interface OptionSpec {
  readonly flags: string;
  readonly summary: string;
  /** The only values it takes. */
  readonly choices?: readonly string[];
}

export interface Example {
  readonly command: string;
  readonly means: string;
}

/**
 * A verb of the command line, in its own module that is loaded only when asked for. Modules under `commands/` export
 * it as `command` and import engine verbs statically; what is heavy and not always needed they import on use.
 */
export interface Command {
  readonly name: string;
  /** One line for the list of commands: lower case, no full stop. */
  readonly summary: string;
  /** Paragraphs for `--help`, plain text. */
  readonly description: readonly string[];
  readonly arguments: readonly ArgumentSpec[];
  /** Its own flags; the global ones (`globalOptions`) are added to every command. */
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** Does the work and returns the exit code (`exitCodes`). Failures are thrown as HoldfastError. */
  run(context: CommandContext): Promise<number>;
}

export interface OpenOptions extends Partial<SessionOptions> {
  /** Changes settings for this run, for flags that override one. */
  readonly adjust?: (config: Config) => Config;
  /** Where events go instead of to the command's own sink. */
  readonly events?: EventSink;
}

/** What a command gets: parsed words, where to print, and the way to the engine. */
export interface CommandContext {
  /** Positional arguments in order. */
  readonly args: readonly string[];
  /** True when the flag was given; `name` is the long name without dashes (`no-gitignore` for `--no-gitignore`). */
  readonly flag: (name: string) => boolean;
  /** The value of a flag that takes one; undefined when not given. */
  readonly value: (name: string) => string | undefined;
  /** The values of a flag that takes many, in order. */
  readonly values: (name: string) => readonly string[];
  /** The value of a flag as a whole number of at least `min` (1 unless told). */
  readonly count: (name: string, min?: number) => number | undefined;

  readonly io: Io;
  readonly out: Output;
  /** Where the engine's events go: progress, NDJSON or nothing. Already part of `openSession`'s deps. */
  readonly events: EventSink;
  /** Passed to every engine call. */
  readonly signal: AbortSignal;
  /** The settings of the vault at hand, read once. */
  readonly config: () => Promise<Config>;
  /** Opens the vault and its store for this command: `await using deps = await context.openSession()`. */
  readonly openSession: (options?: OpenOptions) => Promise<Session>;
}

/** The flags every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: '--vault <folder>', summary: 'the vault to work on (default: found from the current folder)' },
  { flags: '--store <url>', summary: 'the store to use instead of the configured one' },
  { flags: '--json', summary: 'print JSON, one object a line, the result last' },
  { flags: '-q, --quiet', summary: 'print errors only' },
  { flags: '--no-color', summary: 'print without colours' },
  { flags: '--key-file <path>', summary: 'the file with the key or passphrase of an encrypted store' },
  { flags: '--key-command <command>', summary: 'the program that prints it' },
  { flags: '--insecure', summary: 'allow a store over plain http' },
  { flags: '-h, --help', summary: 'show this help' },
];
