import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const main = pathToFileURL(resolve(import.meta.dirname, '../../src/main.ts')).href;
const entry = [
  '--input-type=module',
  '--eval',
  `import { main } from ${JSON.stringify(main)}; await main();`,
  '--',
  'holdfast',
];

let folder: string;
let vault: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-process-'));
  vault = join(folder, 'vault');
  mkdirSync(vault);
  writeFileSync(join(vault, 'note.md'), 'a note\n');
});

afterEach(() => {
  rmSync(folder, { recursive: true, maxRetries: 3 });
});

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_GLOBAL: '/dev/null', ...extra };
}

function run(args: readonly string[], flags: readonly string[] = []) {
  const done = spawnSync(process.execPath, [...flags, ...entry, ...args], { cwd: vault, env: environment() });
  return { code: done.status, out: done.stdout.toString(), err: done.stderr.toString() };
}

test('a snapshot and the list of it, from nothing', () => {
  expect(run(['snapshot', 'first steps'])).toMatchObject({ code: 0, err: '' });
  const lines = run(['list', '--json']).out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { schema: 1, type: 'snapshot', label: 'first steps', complete: true },
    { schema: 1, type: 'result', command: 'list', count: 1, exit_code: 0 },
  ]);
});

test('a common command loads neither the S3 client nor prompts nor the parser of natural times', () => {
  const watch = `import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
    process.on('exit', () => process.stderr.write(seen.join('\\n')));`;
  const hook = `data:text/javascript,${encodeURIComponent(watch)}`;
  for (const args of [['snapshot', 'x'], ['list'], ['status'], ['help']]) {
    const { code, err } = run(args, ['--import', hook]);
    expect(code).toBe(0);
    expect(err).toContain('src/cli/run.ts');
    expect(err).not.toMatch(/node_modules\/(?:@aws-sdk|@smithy|@clack|chrono-node|isomorphic-git|ndjson|diff)\//);
  }
});

test('a reader that goes away early is no failure', async () => {
  const child = spawn(process.execPath, [...entry, 'help', 'settings'], { cwd: vault, env: environment() });
  child.stdout.destroy();
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  expect(await ending(child)).toEqual({ code: 0, signal: null });
  expect(complaints).toBe('');
});

test('an error that nobody caught ends with 70 and a log file, not with a stack trace', () => {
  const stray = 'data:text/javascript,setTimeout(() => { throw new Error("stray") }, 1)';
  const env = environment({ TMPDIR: folder });
  const done = spawnSync(process.execPath, ['--import', stray, ...entry, 'snapshot'], { cwd: vault, env });
  expect([done.status, done.stdout.toString()]).toEqual([70, '']);
  const [, id, log] = /\(error (\w+)\)\.\n.*The details are in (\S+)\. /.exec(done.stderr.toString())!;
  expect(done.stderr.toString()).not.toContain('stray');
  expect(log).toBe(join(folder, `error-${id}.log`));
  expect(readFileSync(log!, 'utf8')).toContain('Error: stray');
});

describe('a store that never answers', () => {
  let server: Server;
  let isAsked: Promise<void>;

  beforeEach(async () => {
    server = createServer();
    isAsked = new Promise((asked) => {
      server.on('connection', (socket) => {
        socket.on('error', () => {});
        asked();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });

  afterEach(() => {
    server.close();
  });

  function snapshot(): ChildProcess {
    const { port } = server.address() as AddressInfo;
    const store = `s3://bucket/vault?endpoint=http://127.0.0.1:${port}&region=us-east-1`;
    const env = environment({ AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'a-secret-of-some-length' });
    return spawn(process.execPath, [...entry, 'snapshot', 'before lunch', '--store', store], { cwd: vault, env });
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the wait with %i', async (signal, code) => {
    const child = snapshot();
    let complaints = '';
    child.stderr!.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    await isAsked;
    child.kill(signal);
    expect(await ending(child)).toEqual({ code, signal: null });
    expect(complaints.includes('stopping safely, press again to quit now')).toBe(signal === 'SIGINT');
    expect(complaints).toContain('stopped: ');
  });

  test('a second Ctrl-C ends it at once', async () => {
    const child = snapshot();
    await isAsked;
    child.stderr!.once('data', () => child.kill('SIGINT'));
    child.kill('SIGINT');
    expect(await ending(child)).toEqual({ code: 130, signal: null });
  });
});

async function ending(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((done) => child.once('close', (code, signal) => done({ code, signal })));
}
