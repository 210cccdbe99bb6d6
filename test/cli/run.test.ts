import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { commandTable, type CommandEntry } from '../../src/cli/command-table.ts';
import type { Command, CommandContext } from '../../src/cli/command.ts';
import { exitCodeMeanings, exitCodes, type EndingSignal } from '../../src/cli/exit-codes.ts';
import type { OutputStream } from '../../src/cli/io.ts';
import { runCommand } from '../../src/cli/run.ts';
import { stopReason } from '../../src/cli/stop-reason.ts';
import { HoldfastError, type ErrorCode } from '../../src/model/errors.ts';
import { fakeIo } from './fake-io.ts';

function commandsOf(run: (context: CommandContext) => Promise<number>): readonly CommandEntry[] {
  const command: Command = {
    name: 'work',
    summary: 'work',
    description: [],
    arguments: [{ name: '[what]', summary: 'what' }],
    options: [
      { flags: '--strict', summary: 'strict' },
      { flags: '-n, --limit <count>', summary: 'how many' },
      { flags: '--kind <kind>', summary: 'kind', choices: ['a', 'b'] },
      { flags: '--path <path...>', summary: 'paths' },
      { flags: '--no-gitignore', summary: 'not' },
    ],
    examples: [],
    run,
  };
  const entry = { name: 'work', summary: 'work', group: 'more' as const, load: async () => command };
  return [entry, ...commandTable.filter(({ name }) => name === 'help')];
}

const failWith = (code: ErrorCode) =>
  commandsOf(async () => {
    throw new HoldfastError(code, 'It did not work out.', { hint: 'Do it differently.' });
  });

describe('exit codes', () => {
  const rows: readonly (readonly [ErrorCode, number])[] = [
    ['not_applied', 1],
    ['flag_invalid', 2],
    ['config_invalid', 2],
    ['snapshot_unknown', 4],
    ['storage_unavailable', 5],
    ['access_denied', 6],
    ['object_corrupt', 7],
    ['disk_full', 9],
    ['vault_locked', 10],
    ['rollback_pending', 11],
  ];

  test.each(rows)('%s ends with %i', async (code, exitCode) => {
    const io = fakeIo();
    expect(await runCommand(['work'], io, { commands: failWith(code) })).toBe(exitCode);
    expect(io.printed()).toBe('');
    expect(io.complained()).toContain('It did not work out.\n  Do it differently.\n');
    expect(exitCodeMeanings.map((row) => row.code)).toContain(String(exitCode));
  });

  test.each([
    [0, exitCodes.ok],
    [3, exitCodes.incomplete],
  ])('%i is what the command returns', async (exitCode, returned) => {
    expect(await runCommand(['work'], fakeIo(), { commands: commandsOf(async () => returned) })).toBe(exitCode);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s', async (signal: EndingSignal) => {
    const io = fakeIo();
    const commands = commandsOf(async (context) => {
      io.abort(stopReason(signal));
      // What a cut connection looks like by the time it gets here.
      throw new HoldfastError('storage_unavailable', String(context.signal.aborted));
    });
    expect(await runCommand(['work'], io, { commands })).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    expect(io.complained()).toMatch(/^stopped: /);
  });
});

describe('with --json', () => {
  test('an error is the last line, with its code and the exit code', async () => {
    const io = fakeIo();
    const commands = commandsOf(async ({ out }) => {
      out.row('found', { path: 'a' });
      throw new HoldfastError('path_unknown', 'No such path.', { hint: 'Look.', data: { near: ['b'] } });
    });
    expect(await runCommand(['work', '--json'], io, { commands })).toBe(4);
    expect(io.json()).toEqual([
      { schema: 1, type: 'found', path: 'a' },
      {
        schema: 1,
        type: 'error',
        error: 'path_unknown',
        message: 'No such path.',
        hint: 'Look.',
        data: { near: ['b'] },
        exit_code: 4,
      },
    ]);
  });

  test('the result is the last line; nothing else is mixed in', async () => {
    const io = fakeIo();
    const commands = commandsOf(async ({ out, events }) => {
      out.print('for people');
      out.note('for people');
      events.emit({ type: 'progress', phase: 'scan', done: 1, total: null, unit: 'files' });
      out.result({ count: 2 });
      return 3;
    });
    expect(await runCommand(['work', '--json'], io, { commands })).toBe(3);
    expect(io.complained()).toBe('');
    expect(io.json()).toEqual([
      { schema: 1, type: 'progress', phase: 'scan', done: 1, total: null, unit: 'files' },
      { schema: 1, type: 'result', count: 2, exit_code: 3 },
    ]);
  });

  test('a command line that is not understood fails as JSON too', async () => {
    const io = fakeIo();
    expect(await runCommand(['work', '--json', '--stric'], io, { commands: commandsOf(async () => 0) })).toBe(2);
    expect(io.json()).toMatchObject([{ type: 'error', error: 'flag_invalid', exit_code: 2 }]);
  });
});

test('--quiet prints errors only', async () => {
  const io = fakeIo();
  const commands = commandsOf(async ({ out, events }) => {
    out.print('result');
    out.note('note');
    events.emit({ type: 'notice_given', notice: { code: 'cleaned_up', message: 'cleaned up' } });
    throw new HoldfastError('disk_full', 'The disk is full.');
  });
  expect(await runCommand(['work', '-q'], io, { commands })).toBe(9);
  expect(io.printed()).toBe('');
  expect(io.complained()).toBe('error: The disk is full.\n');
});

describe('the command line', () => {
  const refuse = async (...argv: string[]) => {
    const io = fakeIo();
    expect(await runCommand(argv, io, { commands: commandsOf(async () => 0) })).toBe(2);
    return io.complained();
  };

  test('a mistyped command, flag or value is named with what was meant', async () => {
    expect(await refuse('wrok')).toContain('Did you mean: holdfast work');
    expect(await refuse('zzz')).toContain('holdfast help');
    expect(await refuse('work', '--stric')).toContain('Did you mean --strict?');
    expect(await refuse('work', '--limit')).toContain('argument missing');
    expect(await refuse('work', '--kind', 'c')).toContain('Allowed choices are a, b');
    expect(await refuse('work', 'two', 'words')).toContain('quotes');
    expect(await refuse('wo\u001b[2Jrk')).toContain(String.raw`wo\x1b[2Jrk`);
  });

  test('flags stand before or after the command, values are found', async () => {
    const seen: unknown[] = [];
    const commands = commandsOf(async (context) => {
      seen.push(context.args, context.flag('strict'), context.count('limit'), context.value('kind'));
      seen.push(context.values('path'), context.flag('no-gitignore'), context.value('vault'));
      return 0;
    });
    const argv = ['--vault', 'work', '--strict', 'work', '--limit', '5', '--kind=b', '--path', 'x', 'y', '--', '-odd'];
    expect(await runCommand(argv, fakeIo(), { commands })).toBe(0);
    expect(seen).toEqual([['-odd'], true, 5, 'b', ['x', 'y'], false, 'work']);
  });

  test('a count is a whole number', async () => {
    const commands = commandsOf(async (context) => context.count('limit') ?? 0);
    for (const raw of ['0', '-1', '1.5', 'many']) {
      expect(await runCommand(['work', `--limit=${raw}`], fakeIo(), { commands })).toBe(2);
    }
  });
});

describe('a bug', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
    vi.stubEnv('TMPDIR', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test('ends with 70, an id and a log file, no stack trace and no secret', async () => {
    const io = fakeIo({ env: { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENG' } });
    const commands = commandsOf(async () => {
      throw new TypeError('undefined is not wJalrXUtnFEMIK7MDENG');
    });
    expect(await runCommand(['work'], io, { commands })).toBe(70);
    const id = /\(error ([0-9a-f]{8})\)/.exec(io.complained())?.[1];
    expect(io.complained()).not.toMatch(/\n\s+at |TypeError|wJalr/);
    expect(readdirSync(folder)).toEqual([`error-${id}.log`]);
    const log = readFileSync(join(folder, `error-${id}.log`), 'utf8');
    expect(log).toContain('TypeError: undefined is not [redacted]');
    expect(log).toMatch(/\n\s+at /);
    expect(log).not.toContain('wJalr');
  });
});

describe('a reader that has gone', () => {
  class Closed extends Writable {
    readonly isTTY = false;
    override _write(_chunk: Buffer, _encoding: string, done: (error: Error) => void): void {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    }
  }

  test.each(['stdout', 'stderr'] as const)('%s closed ends quietly, with the result of the work', async (name) => {
    const io = { ...fakeIo(), [name]: new Closed() as OutputStream };
    const commands = commandsOf(async ({ out }) => {
      for (let line = 0; line < 1000; line++) {
        out.print(`line ${line}`);
        out.complain(`line ${line}`);
        await out.ready();
      }
      await out.bytes(Buffer.alloc(100_000));
      return 0;
    });
    expect(await runCommand(['work'], io, { commands })).toBe(0);
    expect(await runCommand(['work', '--json'], io, { commands })).toBe(0);
  });
});

describe('secrets', () => {
  test('are taken out of every line, in text and JSON', async () => {
    const env = { AWS_SECRET_ACCESS_KEY: 'sk/+very=secret', HOLDFAST_KEY: 'correct horse', AWS_REGION: 'eu-central-1' };
    const leak =
      'sk/+very=secret sk%2F%2Bvery%3Dsecret correct horse https://me:pw@host/x?X-Amz-Signature=abc eu-central-1';
    const commands = commandsOf(async ({ out }) => {
      out.print(leak);
      out.note(leak);
      out.row('row', { nested: { list: [leak] } });
      throw new HoldfastError('access_denied', leak, { hint: leak, data: { leak } });
    });
    for (const argv of [['work'], ['work', '--json'], ['work', '--quiet']]) {
      const io = fakeIo({ env });
      await runCommand(argv, io, { commands });
      const all = io.printed() + io.complained();
      expect(all).toContain('eu-central-1');
      expect(all).not.toMatch(/very|correct horse|me:pw|Signature=abc/);
    }
  });
});

test('every command of the table explains itself the same way everywhere', async () => {
  const names = commandTable.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const entry of commandTable) {
    const command = await entry.load();
    expect([command.name, command.summary]).toEqual([entry.name, entry.summary]);
    expect(command.summary).toMatch(/^[a-z].*[^.]$/);
    for (const example of command.examples) expect(example.command).toContain(`holdfast ${entry.name}`);
  }
});

const visibleCommands = commandTable.filter(({ group }) => group !== 'hidden');

test.each(visibleCommands)('$name has a help page for every width', async (entry) => {
  const { name } = entry;
  expect((await entry.load()).examples.length).toBeGreaterThan(0);
  for (const columns of [20, 40, 80]) {
    const io = fakeIo({ columns, env: { NO_COLOR: '1' } });
    expect(await runCommand([name, '--help'], io)).toBe(0);
    expect(io.printed()).toContain(`holdfast ${name}`);
  }
});
