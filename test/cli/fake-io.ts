import { PassThrough, Writable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';

export interface FakeIo extends Io {
  /** Everything written so far. */
  readonly printed: () => string;
  readonly complained: () => string;
  /** The lines of stdout as JSON. */
  readonly json: () => Record<string, unknown>[];
  readonly abort: (reason: Error) => void;
}

export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly home?: string;
  /** Makes both outputs terminals of this width. */
  readonly columns?: number;
  readonly platform?: NodeJS.Platform;
}

/** Streams that remember, and a clock that stands. */
export function fakeIo(options: FakeIoOptions = {}): FakeIo {
  const controller = new AbortController();
  const stdout = new Recorder(options.columns);
  const stderr = new Recorder(options.columns);
  return {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: options.env ?? {},
    cwd: options.cwd ?? '/nowhere',
    home: options.home ?? '/home/somebody',
    platform: options.platform ?? 'linux',
    signal: controller.signal,
    divertSignals: () => ({ [Symbol.dispose]() {} }),
    now: () => new Date('2026-11-20T14:05:00Z'),
    printed: () => stdout.text(),
    complained: () => stderr.text(),
    json: () =>
      stdout
        .text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    abort: (reason) => controller.abort(reason),
  };
}

class Recorder extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #chunks: Buffer[] = [];

  constructor(columns: number | undefined) {
    super();
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
