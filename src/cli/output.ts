import { displayText } from '../format/display-name.ts';
import type { Notice } from '../model/problem.ts';
import type { Io, OutputStream } from './io.ts';
import type { JsonLines } from './json-lines.ts';
import { createPaint, isLiveTerminal, type Paint } from './paint.ts';
import { createRedactor, redactDeeply, type Redactor } from '../format/redact.ts';
import { truncateToWidth } from '../format/text-width.ts';

/** Version of every object printed with `--json`. Fields may be added within a version, never changed or removed. */
export const jsonSchema = 1;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Everything a command prints. Results go to stdout, notes to stderr. Names, labels and whatever else came from outside
 * must have gone through `displayName` or `displayText` before they get here; in JSON they travel as they are.
 */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Columns to fit results in; Infinity where stdout is not a terminal, so that pipes get whole lines. */
  readonly columns: number;
  /** The same for notes. */
  readonly noteColumns: number;
  /** Colours for `print`. */
  readonly paint: Paint;
  /** Colours for `note`. */
  readonly paintNote: Paint;
  /** A line of the result for people; nothing with `--json` or `--quiet`. */
  print(line?: string): void;
  /** A line beside the result (progress, notices), on stderr; nothing with `--json` or `--quiet`. */
  note(line: string): void;
  /** Something worth knowing that the engine found, on stderr; each is told once. With `--json` events carry it. */
  notice(notice: Notice): void;
  /** A line about a failure, on stderr; always printed. */
  complain(line: string): void;
  /** With `--json`, one object on its own line, printed at once: `{"schema":1,"type":type,...fields}`. */
  row(type: string, fields: Fields): void;
  /** With `--json`, the last line. The exit code is added; calling again adds fields. */
  result(fields: Fields): void;
  /** File contents as they are, on stdout, whatever the mode. Resolves when more can be taken. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Resolves when stdout can take more; for commands that print without end. */
  ready(): Promise<void>;
  /** Rewrites the one live line on stderr (null removes it). Nothing where stderr is not a live terminal. */
  status(line: string | null): void;
  /** True where `status` shows anything. */
  readonly isLive: boolean;
}

/** The part of the output that `run.ts` keeps to itself. */
export interface OutputControl {
  readonly output: Output;
  readonly redact: Redactor;
  /** Prints the last JSON line, when `--json` asks for one. */
  finish(last: { readonly type: 'result' | 'error'; readonly exitCode: number; readonly fields: Fields }): void;
  /** Waits until all that was printed has been taken, or the reader has gone. */
  close(): Promise<void>;
}

// Colours and tabs are let through; any other control character that slipped past the sanitiser is dropped.
const strayControl = /\u001b(?!\[[0-9;]*m)|[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f]/g;
const clearLine = '\r\u001b[K';

/** Opens the output of one command. A reader that has gone (EPIPE) makes further printing a quiet no-op. */
export async function openOutput(io: Io, options: OutputOptions): Promise<OutputControl> {
  const redact = createRedactor(io.env);
  const stdout = openSink(io.stdout);
  const stderr = openSink(io.stderr);
  const jsonLines = options.json ? await loadJsonLines(stdout) : null;
  const isLive = isLiveTerminal(io, io.stderr) && !options.json && !options.quiet;
  const told = new Set<string>();
  let statusLine: string | null = null;
  let resultFields: Fields = {};

  const speaks = !options.json && !options.quiet;
  const clean = (line: string) => redact(line).replaceAll(strayControl, '');
  const writeAround = (sink: Sink, line: string) => {
    // The live line is taken away and put back, so that nothing is printed into its middle.
    if (statusLine !== null) stderr.write(clearLine);
    sink.write(`${clean(line)}\n`);
    if (statusLine !== null) stderr.write(statusLine);
  };

  const output: Output = {
    json: options.json,
    quiet: options.quiet,
    columns: columnsOf(io.stdout),
    noteColumns: columnsOf(io.stderr),
    paint: createPaint(io, io.stdout, options),
    paintNote: createPaint(io, io.stderr, options),
    isLive,
    print(line = '') {
      if (speaks) writeAround(stdout, line);
    },
    note(line) {
      if (speaks) writeAround(stderr, line);
    },
    notice(notice) {
      const text = displayText(notice.message);
      if (told.has(text)) return;
      told.add(text);
      output.note(`  ${output.paintNote('yellow', 'note:')} ${text}`);
    },
    complain(line) {
      writeAround(stderr, line);
    },
    row(type, fields) {
      jsonLines?.write(redactDeeply({ schema: jsonSchema, type, ...fields }, redact) as object);
    },
    result(fields) {
      resultFields = { ...resultFields, ...fields };
    },
    async bytes(chunk) {
      stdout.write(chunk);
      await stdout.ready();
    },
    ready: () => stdout.ready(),
    status(line) {
      if (!isLive || (line === null && statusLine === null)) return;
      statusLine = line === null ? null : truncateToWidth(clean(line), Math.max(1, columnsOf(io.stderr) - 1));
      stderr.write(clearLine + (statusLine ?? ''));
    },
  };
  return {
    output,
    redact,
    finish({ type, exitCode, fields }) {
      output.status(null);
      const last = { schema: jsonSchema, type, ...(type === 'result' ? resultFields : {}), ...fields };
      jsonLines?.write(redactDeeply({ ...last, exit_code: exitCode }, redact) as object);
    },
    async close() {
      await jsonLines?.end();
      await Promise.all([stdout.drained(), stderr.drained()]);
    },
  };
}

interface Sink {
  write(chunk: string | Uint8Array): void;
  ready(): Promise<void>;
  drained(): Promise<void>;
}

async function loadJsonLines(stdout: Sink): Promise<JsonLines> {
  const { openJsonLines } = await import('./json-lines.ts');
  return openJsonLines((line) => stdout.write(line));
}

function openSink(stream: OutputStream): Sink {
  let isGone = stream.destroyed;
  const gone = new Promise<void>((resolve) => {
    const leave = () => {
      isGone = true;
      resolve();
    };
    // EPIPE, EIO of a closed terminal, ENOSPC of a redirect: there is nobody left to tell.
    stream.on('error', leave);
    stream.once('close', leave);
  });
  const until = async (event: Promise<void>) => (isGone ? undefined : Promise.race([event, gone]));
  return {
    write(chunk) {
      if (!isGone) stream.write(chunk);
    },
    ready: () =>
      stream.writableNeedDrain ? until(new Promise((resolve) => stream.once('drain', resolve))) : Promise.resolve(),
    drained: () => until(new Promise((resolve) => stream.write('', () => resolve()))),
  };
}

function columnsOf(stream: OutputStream): number {
  if (stream.isTTY !== true) return Number.POSITIVE_INFINITY;
  // Some terminals say 0 before they know.
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}
