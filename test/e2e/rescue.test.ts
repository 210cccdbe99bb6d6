import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { manifestOf } from '../support/manifest.ts';

function openVault(): CliVault {
  const vault = openCliVault({
    'kept.md': 'kept\n',
    'edited.md': 'before\n',
    'projects/a/one.md': '1\n',
    'projects/a/two.md': '2\n',
    'projects/b.md': 'b\n',
    'inbox/x.md': 'x\n',
    'inbox/y.md': 'y\n',
  });
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

test('rescue brings back what vanished and nothing else, and touches nothing live', async () => {
  const vault = openVault();
  await vault.run(['snapshot', 'good']);
  rmSync(join(vault.root, 'projects/a'), { recursive: true });
  rmSync(join(vault.root, 'inbox/x.md'));
  writeFileSync(join(vault.root, 'edited.md'), 'after\n');
  const before = manifestOf(vault.root, (path) => /^(?:state|_restore)$/.test(path));

  const listed = await vault.json(['rescue', 'good', '--list']);
  expect(listed.last).toMatchObject({ vanished: 3, directory: null, exit_code: 0 });
  expect(listed.lines.flatMap((line) => (line['type'] === 'vanished' ? [line['path']] : []))).toEqual([
    'inbox/x.md',
    'projects/a/one.md',
    'projects/a/two.md',
  ]);

  const done = await vault.run(['rescue', 'good']);
  expect(done.code).toBe(0);
  expect(done.out).toContain('3 files vanished since then');
  const [folder] = readdirSync(join(vault.root, '_restore')).filter((name) => name !== '.gitignore');
  const restored = join(vault.root, '_restore', folder!);
  const there = readdirSync(restored, { recursive: true, encoding: 'utf8' }).join(' ').split(' ').toSorted();
  expect(there.join(' ')).toBe('inbox inbox/x.md projects projects/a projects/a/one.md projects/a/two.md');
  expect(manifestOf(vault.root, (path) => /^(?:state|_restore)$/.test(path))).toEqual(before);

  // The command it prints takes it, and writes over nothing that came back meanwhile.
  mkdirSync(join(vault.root, 'projects/a'));
  writeFileSync(join(vault.root, 'projects/a/one.md'), 'written anew\n');
  const take = /To take all of it: {2}(.+)\n/.exec(done.out)![1]!;
  execFileSync('sh', ['-c', `${take} || true`], { cwd: vault.root, stdio: 'ignore' });
  expect(readFileSync(join(vault.root, 'projects/a/one.md'), 'utf8')).toBe('written anew\n');
  expect(readFileSync(join(vault.root, 'projects/a/two.md'), 'utf8')).toBe('2\n');
  expect(readFileSync(join(vault.root, 'edited.md'), 'utf8')).toBe('after\n');
});

test('two restore points say what vanished between them; nothing vanished is said', async () => {
  const vault = openVault();
  await vault.run(['snapshot', 'good']);
  rmSync(join(vault.root, 'kept.md'));
  await vault.run(['snapshot', 'bad']);
  vault.write({ 'kept.md': 'back\n' });
  expect((await vault.json(['rescue', 'good', 'bad'])).last).toMatchObject({ vanished: 1, restored: 1 });
  const now = await vault.run(['rescue', 'good']);
  expect([now.code, now.out]).toEqual([0, expect.stringContaining('Nothing vanished.')]);
});

test('without a burst and without a restore point it asks for one; there is nothing to resolve', async () => {
  const vault = openVault();
  await vault.run(['snapshot', 'good']);
  const asked = await vault.run(['rescue']);
  expect(asked.code).toBe(2);
  expect(asked.err).toContain('say which restore point is the good one');
  expect((await vault.json(['rescue', '--resolve'])).last).toMatchObject({ resolved: false });
  expect(existsSync(join(vault.root, '_restore'))).toBe(false);
});

test('five thousand vanished files of a folder that lives on come back', async () => {
  const vault = openCliVault({ 'notes/stays': 'x' });
  onTestFinished(() => vault[Symbol.dispose]());
  const name = (i: number): string => join(vault.root, 'notes', `a-note-with-an-ordinary-name-${i}.md`);
  for (let i = 0; i < 5000; i++) writeFileSync(name(i), `${i}\n`);
  await vault.run(['snapshot', 'good']);
  for (let i = 0; i < 5000; i++) rmSync(name(i));
  expect((await vault.json(['rescue', 'good'])).last).toMatchObject({ vanished: 5000, restored: 5000, complete: true });
});
