import type { Config } from '../app/config.ts';
import { HoldfastError } from '../model/errors.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { CommandContext } from './command.ts';
import { askPassphrase } from './ask-passphrase.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import type { Services } from './run.ts';

export interface ContextParts {
  readonly parsed: ParsedArguments;
  readonly io: Io;
  readonly out: Output;
  readonly openSession: Services['openSession'];
  readonly onConfig: (config: Config) => void;
}

/** Puts together what a command gets. */
export async function createContext(parts: ContextParts): Promise<CommandContext> {
  const { parsed, io, out } = parts;
  const events = await createReporter(out, io);
  const value = (name: string) => {
    const found = parsed.options.get(name);
    return typeof found === 'string' ? found : undefined;
  };
  let loaded: Promise<Config> | undefined;
  const config = () => {
    loaded ??= load();
    return loaded;
  };
  const load = async () => {
    const { loadConfig } = await import('../app/load-config.ts');
    const flags = {
      vault: value('vault'),
      store: value('store'),
      insecure: parsed.options.has('insecure'),
      keyFile: value('key-file'),
      keyCommand: value('key-command'),
    };
    const read = loadConfig(flags, io);
    parts.onConfig(read);
    return read;
  };
  return {
    args: parsed.args,
    flag: (name) => parsed.options.has(name),
    value,
    values: (name) => {
      const found = parsed.options.get(name);
      return typeof found === 'string' ? [found] : Array.isArray(found) ? (found as readonly string[]) : [];
    },
    count: (name, min = 1) => parseCount(name, value(name), min),
    io,
    out,
    events,
    signal: io.signal,
    config,
    openSession: async ({ adjust = (asIs: Config) => asIs, ...options } = {}) =>
      parts.openSession(adjust(await config()), io, {
        prepareVault: false,
        askPassphrase: () => askPassphrase(io, out),
        signal: io.signal,
        events,
        ...options,
      }),
  };
}

async function createReporter(out: Output, io: Io): Promise<EventSink> {
  if (out.quiet) return (await import('./reporters/silent.ts')).createSilentReporter();
  if (out.json) return (await import('./reporters/ndjson.ts')).createNdjsonReporter(out);
  return (await import('./reporters/text.ts')).createTextReporter(out, { now: () => io.now().getTime() });
}

function parseCount(name: string, raw: string | undefined, min: number): number | undefined {
  if (raw === undefined) return undefined;
  const count = /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
  if (count >= min) return count;
  throw new HoldfastError(
    'flag_invalid',
    `--${name} takes a whole number of at least ${min}, not ${JSON.stringify(raw)}.`,
  );
}
