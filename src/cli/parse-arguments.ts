import { HoldfastError } from '../model/errors.ts';
import { globalOptions, type ArgumentSpec, type Command } from './command.ts';

export interface ParsedArguments {
  readonly args: readonly string[];
  /** By long name without dashes: true for a flag that was given, its value or values otherwise. */
  readonly options: ReadonlyMap<string, string | boolean | readonly string[]>;
}

/**
 * Reads the words after a command's name.
 * @throws {HoldfastError} `flag_invalid` with the nearest flag, or what is missing
 */
export async function parseArguments(command: Command, words: readonly string[]): Promise<ParsedArguments> {
  const { Command: Parser, CommanderError, Option } = await import('commander');
  const parser = new Parser(command.name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .action(() => {});
  for (const argument of command.arguments) parser.argument(argument.name, argument.summary);
  for (const spec of [...command.options, ...globalOptions]) {
    const option = new Option(spec.flags, spec.summary);
    if (spec.choices !== undefined) option.choices([...spec.choices]);
    parser.addOption(option);
  }
  try {
    parser.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw usageError(command, error.message);
  }
  return { args: parser.args, options: readOptions(parser.options, parser.opts()) };
}

/** `holdfast restore [path] [when] [flags]` */
export function usageOf(command: { readonly name: string; readonly arguments: readonly ArgumentSpec[] }): string {
  return ['holdfast', command.name, ...command.arguments.map((argument) => argument.name), '[flags]'].join(' ');
}

interface DeclaredOption {
  readonly long?: string | undefined;
  readonly negate: boolean;
  attributeName(): string;
}

function readOptions(declared: readonly DeclaredOption[], values: Record<string, unknown>) {
  const options = new Map<string, string | boolean | readonly string[]>();
  for (const option of declared) {
    const value = values[option.attributeName()];
    const name = option.long!.replace(/^--/, '');
    if (option.negate) {
      if (value === false) options.set(name, true);
    } else if (typeof value === 'string' || value === true || Array.isArray(value)) options.set(name, value);
  }
  return options;
}

function usageError(command: Command, raw: string): HoldfastError {
  const [first = '', ...rest] = raw.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1];
  const message = first.charAt(0).toUpperCase() + first.slice(1).replace(/\.?$/, '.');
  const quotes = first.startsWith('too many arguments') ? 'Put words that belong together in quotes. ' : '';
  const see = `See: holdfast ${command.name} --help`;
  return new HoldfastError('flag_invalid', message, {
    hint: suggestion === undefined ? `${quotes}${see}` : `Did you mean ${suggestion}? ${see}`,
  });
}
