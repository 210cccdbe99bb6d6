import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = pathToFileURL(resolve(import.meta.dirname, '../../src/main.ts')).href;
const entry = [
  '--input-type=module',
  '--eval',
  `import { main } from ${JSON.stringify(main)}; await main();`,
  '--',
  'holdfast',
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-completion-'));
  mkdirSync(join(folder, 'vault'));
  writeFileSync(join(folder, 'vault', 'a.md'), 'a');
  run('snapshot', 'evil $(reboot) label');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(...args: string[]) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const done = spawnSync(process.execPath, [...entry, ...args], { cwd: join(folder, 'vault'), env });
  expect(done.stderr.toString()).toBe('');
  return done.stdout.toString();
}

const valuesFor = (...words: string[]) =>
  run('complete', '--', ...words)
    .trimEnd()
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0]);

test('commands, their flags and the values of flags are completed', () => {
  expect(valuesFor('sn')).toEqual(['snapshot']);
  expect(valuesFor('')).toContain('verify');
  expect(valuesFor('')).not.toContain('complete');
  expect(valuesFor('verify', '--s')).toEqual(['--sample', '--store']);
  expect(valuesFor('list', '--kind', '')).toEqual(['manual', 'auto', 'pre-rollback', 'run']);
  expect(valuesFor('help', 'exit')).toEqual(['exit-codes']);
  expect(valuesFor('completion', 'f')).toEqual(['fish']);
});

test('snapshots are completed by their ids, never by words a shell could act on', () => {
  expect(valuesFor('export', '')).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ-evil-reboot-label$/),
  ]);
});

test.each(['bash', 'zsh', 'fish', 'powershell'])('there is a script for %s', (shell) => {
  expect(run('completion', shell)).toMatch(/holdfast complete ['-]/);
});

test('the bash script parses', () => {
  expect(spawnSync('bash', ['-n'], { input: run('completion', 'bash') }).stderr.toString()).toBe('');
});
