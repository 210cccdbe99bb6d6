import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/run.ts';
import { fakeIo, type FakeIo, type FakeIoOptions } from './fake-io.ts';

let folder: string;
let vault: string;

// One vault with a first and a second restore point, and edits since; each test starts on a copy of it.
beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-look-')));
  vault = join(folder, 'vault');
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(vault, 'notes/empty'), { recursive: true });
  write('notes/plan.md', 'one\ntwo\nthree\n');
  write('notes/old name.md', 'a text that moves\n'.repeat(20));
  write('binary.bin', 'a\0b');
  write('run.sh', '#!/bin/sh\n');
  symlinkSync('notes/plan.md', join(vault, 'link'));
  await run(['snapshot', 'first']);
  write('notes/plan.md', 'one\n2\nthree\n');
  write('notes/gone.md', 'soon gone\n');
  await run(['snapshot', 'second']);
  rmSync(join(vault, 'notes/gone.md'));
  renameSync(join(vault, 'notes/old name.md'), join(vault, 'new name.md'));
  chmodSync(join(vault, 'run.sh'), 0o755);
  write('fresh.md', 'fresh\n');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, content: string): void {
  writeFileSync(join(vault, path), content);
}

async function run(argv: readonly string[], options: FakeIoOptions = {}): Promise<{ code: number; io: FakeIo }> {
  const io = fakeIo({ cwd: vault, home: join(folder, 'home'), ...options });
  return { code: await runCommand(argv, { ...io, now: () => new Date() }), io };
}

async function printed(...argv: string[]): Promise<string> {
  const { code, io } = await run(argv);
  expect([code, code === 0 ? '' : io.complained()]).toEqual([0, '']);
  return io.printed();
}

async function rowsOf(type: string, ...argv: string[]): Promise<Record<string, unknown>[]> {
  const { io } = await run([...argv, '--json']);
  return io.json().filter((row) => row['type'] === type);
}

/** Everything live: names, modes, contents. The index and the holding directory may change. */
function liveManifest(): string[] {
  return readdirSync(vault, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/^(?:state|_restore)(?:\/|$)/.test(path))
    .map((path) => {
      const stat = lstatSync(join(vault, path));
      return `${path} ${stat.mode} ${stat.mtimeMs} ${stat.isFile() ? readFileSync(join(vault, path), 'latin1') : ''}`;
    })
    .sort();
}

describe('diff', () => {
  test('compares the newest restore point with the vault as it is', async () => {
    expect(await printed('diff', '--name-status')).toBe(
      'A\tfresh.md\nR100\tnotes/old name.md\tnew name.md\nD\tnotes/gone.md\nM\trun.sh\n',
    );
    expect(await printed('diff', '--name-status', '--no-renames')).toContain('D\tnotes/old name.md\n');
  });

  test('compares one point with the vault, two points with each other, and one path', async () => {
    expect(await printed('diff', 'first', '--name-status')).toContain('M\tnotes/plan.md\n');
    expect(await printed('diff', 'first', 'second', '--name-status')).toBe('A\tnotes/gone.md\nM\tnotes/plan.md\n');
    expect(await printed('diff', 'first', 'second', 'notes/plan.md')).toBe(
      'diff --git a/notes/plan.md b/notes/plan.md\n--- a/notes/plan.md\n+++ b/notes/plan.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n',
    );
    expect(await printed('diff', 'notes', '--name-status')).toBe('D\tnotes/gone.md\nD\tnotes/old name.md\n');
    expect(await printed('diff', 'first', 'second', '-U0', '--path', 'notes/plan.md')).toContain(
      '@@ -2 +2 @@\n-two\n+2\n',
    );
  });

  test('writes a patch that takes an old state to the one of now', async () => {
    write('binary.bin', 'a\0b');
    const patch = await printed('diff', 'first');
    const old = join(folder, 'old');
    const { io } = await run(['restore', '--all', 'first', '--json']);
    cpSync(String(io.json().at(-1)!['directory']), old, { recursive: true, verbatimSymlinks: true });
    execFileSync('git', ['apply'], {
      cwd: old,
      input: patch,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: folder },
    });
    const filesOf = (root: string) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
        (path) => !/^(?:state|_restore)|empty$/.test(path) && lstatSync(join(root, path)).isFile(),
      );
    expect(filesOf(old).sort()).toEqual(filesOf(vault).sort());
    for (const path of filesOf(vault)) {
      expect(readFileSync(join(old, path), 'latin1')).toBe(readFileSync(join(vault, path), 'latin1'));
      expect(lstatSync(join(old, path)).mode).toBe(lstatSync(join(vault, path)).mode);
    }
  });

  test('counts lines', async () => {
    const text = await printed('diff', 'first', 'second', '--stat');
    expect(text).toBe(
      ' notes/gone.md | 1 +\n notes/plan.md | 2 +-\n 2 files changed, 2 insertions(+), 1 deletions(-)\n',
    );
    expect(await rowsOf('change', 'diff', 'first', 'second')).toMatchObject([
      { path: 'notes/gone.md', status: 'added', before: null, added_lines: 1 },
      { path: 'notes/plan.md', status: 'changed', before: { size_bytes: 14 }, after: { size_bytes: 12 } },
    ]);
  });

  test('says nothing of our own log unless asked', async () => {
    expect(await printed('diff', 'first', 'second')).not.toContain('state/log');
    expect(await printed('diff', 'first', 'second', '--name-status', '--path', 'state')).toContain(
      'state/log/snapshots.ndjson',
    );
  });

  test.each([
    [['diff', 'nonsense', 'more'], 4],
    [['diff', 'first', 'second', 'a', 'b'], 2],
    [['diff', 'first', 'none.md'], 4],
    [['diff', 'first', '../outside'], 2],
  ])('%j ends %i', async (argv, expected) => {
    const { code, io } = await run(argv);
    expect([code, io.printed()]).toEqual([expected, '']);
  });
});

describe('looking around', () => {
  test('ls lists a folder as it was', async () => {
    expect(await printed('ls')).toBe('binary.bin\nlink\nnotes/\nrun.sh\nstate/\n');
    expect(await printed('ls', 'notes', 'first')).toBe('notes/empty/\nnotes/old name.md\nnotes/plan.md\n');
    expect(await printed('ls', 'first')).toContain('notes/\n');
    expect(await printed('ls', '-l', 'notes/plan.md')).toMatch(
      /^-rw-r--r-- {6}12 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}notes\/plan\.md\n$/,
    );
    expect(await printed('ls', '-r', 'notes')).toContain('notes/gone.md\n');
  });

  test('cat prints the bytes and nothing else', async () => {
    expect(await printed('cat', 'notes/plan.md', 'first')).toBe('one\ntwo\nthree\n');
    expect(await printed('cat', 'binary.bin')).toBe('a\0b');
    expect(await printed('cat', 'link')).toBe('notes/plan.md');
    expect((await run(['cat', 'notes'])).code).toBe(2);
    expect((await run(['cat', 'notes/paln.md'])).io.complained()).toContain('Did you mean: notes/plan.md');
    const onTerminal = await run(['cat', 'binary.bin'], { columns: 80 });
    expect([onTerminal.code, onTerminal.io.printed()]).toEqual([2, '']);
    expect((await run(['cat', 'binary.bin', '--force'], { columns: 80 })).io.printed()).toBe('a\0b');
  });

  test('find finds what was deleted', async () => {
    expect(await printed('find', 'GONE')).toMatch(/^notes\/gone\.md {2}1 restore point, 1 version, newest /);
    await run(['snapshot', 'third']);
    expect(await printed('find', '*.md')).toMatch(/notes\/gone\.md .*, gone since: last in .*-second\n/);
    expect(await printed('find', '*.md', 'first')).toBe('notes/old name.md\nnotes/plan.md\n');
    expect((await run(['find', 'nothing like it'])).code).toBe(4);
  });

  test('log lists versions, the absence among them, and commits', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', vault, '-c', 'user.name=Ada', '-c', 'user.email=a@example.org', ...args]);
    git('init', '-q');
    git('add', 'run.sh', 'notes/plan.md');
    git('commit', '-q', '-m', 'Keep the \u001b[31mplan');
    await run(['snapshot', 'third']);
    expect(await rowsOf('version', 'log', 'notes/gone.md')).toMatchObject([
      { kind: 'absent' },
      { kind: 'file', size_bytes: 10, snapshots: 1 },
    ]);
    const rows = await rowsOf('commit', 'log', 'notes/plan.md');
    expect(rows).toMatchObject([{ author: 'Ada', subject: 'Keep the \\x1b[31mplan' }]);
    expect(await printed('log', 'notes/plan.md', '--no-commits')).not.toContain('commit');
    expect((await run(['log', 'never.md'])).code).toBe(4);
  });

  test('a path is read from the folder one is in', async () => {
    const { io } = await run(['cat', 'plan.md'], { cwd: join(vault, 'notes') });
    expect(io.printed()).toBe('one\n2\nthree\n');
  });
});

describe('restore', () => {
  test('brings one file back, shows how it differs, and says how to take it', async () => {
    const before = liveManifest();
    const text = await printed('restore', 'notes/plan.md', 'first');
    expect(text).toMatch(/^ {2}from \S+Z-first \(.*\)\n {2}into _restore\/notes-plan\.md-\S+Z\/\n {2}1 file, 14 B, /);
    expect(text).toContain('\n-2\n+two\n');
    const command = /Nothing live was touched\. To take it: {2}(cp .*)\n/.exec(text)![1]!;
    expect(liveManifest()).toEqual(before);
    execFileSync('sh', ['-c', command], { cwd: vault });
    expect(readFileSync(join(vault, 'notes/plan.md'), 'utf8')).toBe('one\ntwo\nthree\n');
  });

  test('brings a folder back with a command that merges it', async () => {
    const text = await printed('restore', 'notes', 'second');
    const command = /To take it: {2}(cp .*)\n/.exec(text)![1]!;
    execFileSync('sh', ['-c', command], { cwd: vault });
    expect(readFileSync(join(vault, 'notes/gone.md'), 'utf8')).toBe('soon gone\n');
    expect(existsSync(join(vault, 'notes/notes'))).toBe(false);
  });

  test('brings everything back, and offers no command that would set our log back', async () => {
    const before = liveManifest();
    const { code, io } = await run(['restore', '--all', 'first']);
    expect(code).toBe(0);
    expect(liveManifest()).toEqual(before);
    const command = /To take it: {2}(cp .*)\n/.exec(io.printed())![1]!;
    expect(command).not.toContain('state');
    execFileSync('sh', ['-c', command], { cwd: vault });
    expect(await printed('diff', 'first', '--name-status', '--no-renames')).toBe('A\tfresh.md\nA\tnew name.md\n');
  });

  test('names a file like a flag so that the shell takes it, and makes the folder it was in', async () => {
    mkdirSync(join(vault, 'deep/er'), { recursive: true });
    write('-rf', 'dash');
    write('deep/er/file', 'deep');
    await run(['snapshot', 'third']);
    rmSync(join(vault, '-rf'));
    rmSync(join(vault, 'deep'), { recursive: true });
    for (const path of ['-rf', 'deep/er/file']) {
      const text = await printed('restore', '--', path);
      execFileSync('sh', ['-c', /To take it: {2}(.*)\n/.exec(text)![1]!], { cwd: vault });
    }
    expect([readFileSync(join(vault, '-rf'), 'utf8'), readFileSync(join(vault, 'deep/er/file'), 'utf8')]).toEqual([
      'dash',
      'deep',
    ]);
  });

  test('offers no command that would write through a link', async () => {
    rmSync(join(vault, 'notes/plan.md'));
    symlinkSync('../binary.bin', join(vault, 'notes/plan.md'));
    expect(await printed('restore', 'notes/plan.md', 'first')).toContain('Copy out what you want');
    rmSync(join(vault, 'link'));
    write('link', 'a file now');
    const text = await printed('restore', 'link', 'first');
    execFileSync('sh', ['-c', /To take it: {2}(.*)\n/.exec(text)![1]!], { cwd: vault });
    expect(lstatSync(join(vault, 'link')).isSymbolicLink()).toBe(true);
  });

  test('says when there is nothing to take', async () => {
    expect(await printed('restore', 'binary.bin')).toContain('it is the same as what is there now');
  });

  test('quotes names for the shell', async () => {
    write("it's $(odd) `name`", 'x');
    await run(['snapshot', 'odd']);
    write("it's $(odd) `name`", 'y');
    const text = await printed('restore', "it's $(odd) `name`", 'odd');
    execFileSync('sh', ['-c', /To take it: {2}(cp .*)\n/.exec(text)![1]!], { cwd: vault });
    expect(readFileSync(join(vault, "it's $(odd) `name`"), 'utf8')).toBe('x');
  });

  test('proves without writing', async () => {
    expect(await printed('restore', '--validate-only')).toContain('every byte is what it was');
    expect(existsSync(join(vault, '_restore'))).toBe(false);
  });

  test('has everything in its JSON', async () => {
    const { io } = await run(['restore', 'notes/plan.md', 'first', '--json']);
    expect(io.json().filter((row) => row['type'] === 'change')).toMatchObject([
      { path: 'notes/plan.md', status: 'changed' },
    ]);
    expect(io.json().at(-1)).toMatchObject({
      type: 'result',
      command: 'restore',
      path: 'notes/plan.md',
      files: 1,
      complete: true,
      problems: [],
      exit_code: 0,
    });
  });

  test('refuses where git would take the restore up, and writes nothing (G02)', async () => {
    execFileSync('git', ['-C', vault, 'init', '-q']);
    mkdirSync(join(vault, '_restore'));
    writeFileSync(join(vault, '_restore/.gitignore'), '!*\n');
    const { code, io } = await run(['restore', 'notes/plan.md']);
    expect(code).toBe(1);
    expect(io.complained()).toContain('/_restore/');
    expect(readdirSync(join(vault, '_restore'))).toEqual(['.gitignore']);
    writeFileSync(join(vault, '.gitignore'), '/_restore/\n');
    expect((await run(['restore', 'notes/plan.md'])).code).toBe(0);
  });

  test.each([
    [['restore', 'nothing.md'], 4],
    [['restore', 'notes/plan.md', 'no such point'], 4],
    [['restore', '../outside'], 2],
  ])('%j ends %i and writes nothing', async (argv, expected) => {
    const { code } = await run(argv);
    expect(code).toBe(expected);
    expect(existsSync(join(vault, '_restore'))).toBe(false);
  });
});
