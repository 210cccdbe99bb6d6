import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const checkout = resolve(import.meta.dirname, '../..');
const pretendOld = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
const oldNode = '/usr/bin/node';
const hasOldNode = existsSync(oldNode) && spawnSync(oldNode, ['-v']).stdout.toString().startsWith('v20.');

/** Stands in for the program: says what it was given, and ends as it is told. */
const program = `
export async function main() {
  const [how, value] = process.argv.slice(2);
  if (how === 'exit') process.exit(Number(value));
  if (how === 'kill') process.kill(process.pid, value);
  if (how === 'wait') {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {
      console.log('got ' + signal);
      process.exit(42);
    });
    console.log('waiting');
  }
  if (how === 'wait' || how === 'kill') return void setTimeout(() => process.exit(1), 30_000);
  console.log(JSON.stringify({ args: process.argv.slice(2), node: process.version, input: String(process.env.HOLDFAST_LAUNCHED) }));
}
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast launcher '));
  mkdirSync(join(folder, 'dist'));
  cpSync(join(checkout, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "holdfast", "version": "1.2.3", "type": "module" }');
  writeFileSync(join(folder, 'dist', 'main.js'), program);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: folder, ...extra };
}

function launch(
  args: readonly string[],
  options: { old?: boolean; env?: Readonly<Record<string, string>>; node?: string } = {},
) {
  const flags = options.old === true ? ['--import', pretendOld] : [];
  const node = options.node ?? process.execPath;
  const done = spawnSync(node, [...flags, join(folder, 'bin', 'holdfast.js'), ...args], {
    env: environment(options.env),
  });
  return { code: done.status, signal: done.signal, out: done.stdout.toString(), err: done.stderr.toString() };
}

describe('the launcher', () => {
  test('answers --version by itself, on any Node, without the program', () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    try {
      for (const old of [false, true]) {
        expect(launch(['--version'], { old })).toEqual({ code: 0, signal: null, out: '1.2.3\n', err: '' });
        expect(launch(['-V'], { old }).out).toBe('1.2.3\n');
      }
      const unbuilt = launch(['list']);
      expect([unbuilt.code, unbuilt.err]).toEqual([78, expect.stringContaining('holdfast is not built')]);
    } finally {
      mkdirSync(join(folder, 'dist'));
      writeFileSync(join(folder, 'dist', 'main.js'), program);
    }
  });

  test('on a new Node it runs the program in its own process', () => {
    const { code, out } = launch(['list', '--json', 'a b']);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { args: ['list', '--json', 'a b'], node: process.version, input: 'undefined' },
    ]);
  });

  test('on an old Node without a new one, it says in one line what to do', () => {
    const { code, out, err } = launch(['list'], { old: true });
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain('holdfast needs Node 24.15 or newer; this is 20.20.2.');
    expect(err).toContain(`npm install --prefix '${folder}/.local/share/holdfast/runtime'`);
    expect(err.trimEnd().split('\n')).toHaveLength(2);
  });

  test('a Node named by HOLDFAST_NODE that is too old as well ends the same way, not in a loop', () => {
    const wrapper = join(folder, 'old-node');
    writeFileSync(wrapper, `#!/bin/sh\nexec '${process.execPath}' --import "${pretendOld}" "$@"\n`, { mode: 0o755 });
    const { code, err } = launch(['list'], { old: true, env: { HOLDFAST_NODE: wrapper } });
    expect([code, err]).toEqual([78, expect.stringContaining('holdfast needs Node 24.15')]);
  });
});

describe.each([
  ['pretended', process.execPath, true, false],
  ['real', oldNode, false, !hasOldNode],
])('from an old Node (%s)', (_name, node, old, skip) => {
  const env = { HOLDFAST_NODE: process.execPath };

  test.skipIf(skip)('the program runs on the new one, with the same arguments', () => {
    const { code, out } = launch(['list', 'a b', ''], { node, old, env });
    expect([code, JSON.parse(out)]).toEqual([0, { args: ['list', 'a b', ''], node: process.version, input: '1' }]);
  });

  test.skipIf(skip)('a new Node beside it is found', () => {
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    try {
      expect(launch(['list'], { node, old }).code).toBe(0);
    } finally {
      rmSync(join(folder, 'node_modules'));
    }
  });

  test.skipIf(skip)('exit codes and signals are mirrored', () => {
    expect(launch(['exit', '3'], { node, old, env }).code).toBe(3);
    expect(launch(['kill', 'SIGKILL'], { node, old, env }).signal).toBe('SIGKILL');
    expect(launch(['kill', 'SIGTERM'], { node, old, env }).signal).toBe('SIGTERM');
  });

  test.skipIf(skip).each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches the program', async (signal) => {
    const flags = old ? ['--import', pretendOld] : [];
    const child = spawn(node, [...flags, join(folder, 'bin', 'holdfast.js'), 'wait'], {
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (out === '') child.kill(signal);
      out += chunk.toString();
    });
    const code = await new Promise((done) => child.once('exit', done));
    expect([code, out]).toEqual([42, `waiting\ngot ${signal}\n`]);
  });
});
