import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { manifestOf } from '../support/manifest.ts';

function openVault(contents: Parameters<typeof openCliVault>[0] = { note: 'a note\n' }): CliVault {
  const vault = openCliVault(contents);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

/** Everything of git's, with times. */
const gitOf = (vault: CliVault) => manifestOf(join(vault.root, '.git'));

test('F12 F13: what cannot be read is named, 3; all else is stored, and a restore says what is missing', async () => {
  const vault = openVault({ note: 'x', 'locked file': 'x', 'locked folder/inside': 'x', '\x1b[31mlocked': 'x' });
  vault.giveToNobody();
  for (const path of ['locked file', 'locked folder', '\x1b[31mlocked']) chmodSync(join(vault.root, path), 0);
  const taken = await vault.json(['snapshot', 'partly'], { asNobody: true });
  expect(taken.code).toBe(3);
  expect(taken.last).toMatchObject({ complete: false });
  expect(taken.last['problems']).toEqual(
    expect.arrayContaining([
      { path: 'locked file', code: 'unreadable_file', message: 'permission denied' },
      { path: 'locked folder', code: 'unreadable_folder', message: 'permission denied' },
      { path: '\x1b[31mlocked', code: 'unreadable_file', message: 'permission denied' },
    ]),
  );
  const shown = await vault.run(['snapshot'], { asNobody: true });
  expect(shown.code).toBe(3);
  expect(shown.err).toContain('locked file: permission denied');
  expect(shown.err).toContain('\\x1b[31mlocked: permission denied');
  expect((await vault.run(['list'], { asNobody: true })).out).toContain('◐');
  const listed = await vault.json(['ls', '-r'], { asNobody: true });
  const paths = listed.lines.flatMap((line) => (line['type'] === 'entry' ? [line['path'] as string] : []));
  expect(paths.filter((path) => !path.startsWith('state'))).toEqual(['note']);
});

test('F11: special files are named; with --strict they make the snapshot partial', async () => {
  const vault = openVault();
  execFileSync('mkfifo', [join(vault.root, 'pipe')]);
  const relaxed = await vault.run(['snapshot', 'x']);
  expect(relaxed).toMatchObject({ code: 0 });
  expect(relaxed.err).toContain('1 fifo recorded, content not applicable');
  const strict = await vault.run(['snapshot', 'y', '--strict']);
  expect(strict.code).toBe(3);
  expect(strict.out).toContain('pipe (special file)');
});

test('F20: a file over the limit is named, 3, and never read; a sparse one without a limit takes no space', async () => {
  const vault = openVault({ note: 'x', 'holdfast.json': '{ "capture": { "maxFileSize": "1 GB" } }' });
  writeFileSync(join(vault.root, 'disk.img'), '');
  truncateSync(join(vault.root, 'disk.img'), 100 * 1024 ** 3);
  const taken = await vault.run(['snapshot', 'x']);
  expect(taken.code).toBe(3);
  expect(taken.err).toContain('disk.img');
  truncateSync(join(vault.root, 'disk.img'), 64 * 1024 ** 2);
  const all = await vault.json(['snapshot', 'y']);
  expect(all).toMatchObject({ code: 0, err: '' });
  expect(all.last['stored_bytes'] ?? 0).toBeLessThan(1_000_000);
});

test('F30 F36: no repository is needed and none is made; our own folders are not in a snapshot', async () => {
  const vault = openVault();
  expect(await vault.run(['snapshot', 'x'])).toMatchObject({ code: 0 });
  expect(await vault.run(['restore', '--all'])).toMatchObject({ code: 0 });
  expect(await vault.run(['snapshot'])).toMatchObject({ code: 0, out: expect.stringContaining('unchanged') as string });
  expect(existsSync(join(vault.root, '.git'))).toBe(false);
  const listed = await vault.json(['ls', '-r']);
  const paths = listed.lines.flatMap((line) => (line['type'] === 'entry' ? [line['path'] as string] : []));
  expect(paths.filter((path) => /_restore|\.holdfast/.test(path))).toEqual([]);
});

test('F31: a repository without a commit, with a detached head, or shallow is captured as it is', async () => {
  const vault = openVault();
  vault.git('init', '-q', '-b', 'main');
  expect(await vault.run(['snapshot', 'unborn'])).toMatchObject({ code: 0 });
  vault.git('add', 'note');
  vault.git('commit', '-qm', 'one');
  vault.git('commit', '-qm', 'two', '--allow-empty');
  vault.git('checkout', '-q', '--detach', 'HEAD~1');
  expect(await vault.run(['snapshot', 'detached'])).toMatchObject({ code: 0 });
  const shallow = join(vault.folder, 'shallow');
  execFileSync('git', ['clone', '-q', '--depth', '1', `file://${vault.root}`, shallow], { stdio: 'ignore' });
  expect(await vault.run(['snapshot', 'shallow', '--vault', shallow])).toMatchObject({ code: 0 });
  expect(await vault.run(['verify'])).toMatchObject({ code: 0 });
});

test('F32 F33: in the middle of a merge with conflicts, and with every lock of git held, nothing of git’s changes', async () => {
  const vault = openVault();
  vault.git('init', '-q', '-b', 'main');
  const commit = (content: string): void => {
    vault.write({ note: content });
    vault.git('add', 'note');
    vault.git('commit', '-qm', content);
  };
  commit('base\n');
  vault.git('checkout', '-qb', 'other');
  commit('theirs\n');
  vault.git('checkout', '-q', 'main');
  commit('ours\n');
  expect(() => vault.git('merge', '-q', 'other')).toThrow('Command failed');
  for (const lock of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock', 'packed-refs.lock']) {
    writeFileSync(join(vault.root, '.git', lock), '');
  }
  const before = gitOf(vault);
  const taken = await vault.json(['snapshot', 'in a merge']);
  expect(taken).toMatchObject({ code: 0 });
  expect(JSON.stringify(taken.last['notices'])).toContain('merge');
  expect(await vault.run(['restore', 'note'])).toMatchObject({ code: 0 });
  expect(gitOf(vault)).toEqual(before);
});

test('F35: what is left out is counted; .syncignore takes it in; secrets are named', async () => {
  const vault = openVault({
    note: 'x',
    '.gitignore': 'node_modules/\n*.sqlite\n',
    '.env': 'TOKEN=x',
    'node_modules/a/b.js': 'x'.repeat(1000),
    'data.sqlite': 'x'.repeat(500),
  });
  vault.git('init', '-q');
  const taken = await vault.json(['snapshot', 'x']);
  expect(taken.last['not_protected']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ path: 'node_modules/', reason: 'gitignore', source: '.gitignore:1', size_bytes: 1000 }),
      expect.objectContaining({ reason: 'gitignore', source: '.gitignore:2', size_bytes: 500 }),
      expect.objectContaining({ path: '.env', reason: 'secret' }),
    ]),
  );
  vault.write({ '.syncignore': '!data.sqlite\n!.env\n' });
  expect(await vault.run(['snapshot', 'y'])).toMatchObject({ code: 0 });
  const listed = await vault.json(['ls']);
  const paths = listed.lines.map((line) => line['path']);
  expect(paths).toContain('data.sqlite');
  expect(paths).toContain('.env');
  expect(paths).not.toContain('node_modules');
});

test('F37: a mount inside the vault is noticed; --one-file-system leaves it out by name', async () => {
  const vault = openVault();
  const at = join(vault.root, 'mounted');
  mkdirSync(at);
  // In a mount namespace of its own, so that nothing is left mounted whatever happens.
  const mounted = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs tmpfs "$0" && echo x >"$0/inside" && exec "$@"', at];
  const all = await vault.run(['snapshot', 'all'], { through: mounted });
  expect(all).toMatchObject({ code: 0 });
  expect(all.err).toContain('1 mount point inside the vault');
  const one = await vault.json(['snapshot', 'one', '--one-file-system'], { through: mounted });
  expect(one).toMatchObject({ code: 0 });
  expect(one.last['not_protected']).toEqual([
    expect.objectContaining({ path: 'mounted/', reason: 'other_filesystem' }),
  ]);
});

test('C05: an edit of the same size with the same time is found, whatever that time is', async () => {
  const vault = openVault({ note: 'aaaa', old: 'aaaa', future: 'aaaa' });
  const times = { note: new Date('2020-01-01T00:00:00Z'), old: new Date(0), future: new Date('2100-01-01T00:00:00Z') };
  const write = (content: string): void => {
    for (const [name, time] of Object.entries(times)) {
      writeFileSync(join(vault.root, name), content);
      utimesSync(join(vault.root, name), time, time);
    }
  };
  write('aaaa');
  expect(await vault.run(['snapshot', 'a'])).toMatchObject({ code: 0 });
  write('bbbb');
  const changed = await vault.json(['snapshot']);
  expect(changed.last).toMatchObject({ outcome: 'taken', changed: 3 });
  for (const name of Object.keys(times)) expect((await vault.run(['cat', name])).out).toBe('bbbb');
});

test('F09: a folder that becomes a link to elsewhere is a link, and is not read through', async () => {
  const vault = openVault({ 'notes/a': 'mine' });
  mkdirSync(join(vault.folder, 'elsewhere'));
  writeFileSync(join(vault.folder, 'elsewhere/a'), 'not mine');
  expect(await vault.run(['snapshot', 'x'])).toMatchObject({ code: 0 });
  rmSync(join(vault.root, 'notes'), { recursive: true });
  symlinkSync('../elsewhere', join(vault.root, 'notes'));
  const taken = await vault.run(['snapshot', 'y']);
  expect(taken.err).toContain('1 link to places outside the vault, stored as links only');
  expect(await vault.run(['cat', 'notes/a', 'y'])).toMatchObject({ code: 4 });
  expect(await vault.run(['cat', 'notes', 'y'])).toMatchObject({ code: 0, out: '../elsewhere' });
});
