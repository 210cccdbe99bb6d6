import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteStringOf, byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';
import { openCliVault, type CliVault, type JsonRun } from '../support/cli-vault.ts';
import { manifestOf, type Manifest, type ManifestEntry } from '../support/manifest.ts';
import { buildOddVault, isLeftOut, oddNames } from '../support/odd-vault.ts';

let vault: CliVault;
let before: Manifest;
let outsideBefore: Manifest;
let taken: JsonRun;
let restored: JsonRun;

beforeAll(async () => {
  vault = openCliVault();
  await buildOddVault(vault);
  before = touchedBy(vault);
  outsideBefore = manifestOf(join(vault.folder, 'outside'));
  taken = await vault.json(['snapshot', 'everything odd']);
  restored = await vault.json(['restore', '--all', 'everything odd']);
});

afterAll(() => vault[Symbol.dispose]());

/** All that no command but a rollback may change: live files and git's own, with their times, modes and inodes. */
function touchedBy({ root }: CliVault): Manifest {
  return manifestOf(root, (path) => /^(?:state|_restore)$/.test(path));
}

/** Without the snapshot index, which is captured but goes on growing. */
function restoredEntries(): Manifest {
  return manifestOf(restored.last['directory'] as string, (path) => path === 'state');
}

/** What a restore promises: kind, bytes, permissions without the special bits, times, names. Not: inodes, hard links, owners. */
function promised(path: ByteString, entry: ManifestEntry): string {
  const permissions = entry.mode & 0o777;
  const mode = entry.kind === 'link' ? 0 : entry.kind === 'folder' ? permissions | 0o700 : permissions;
  return `${JSON.stringify(path)} ${entry.kind} ${mode.toString(8)} ${entry.content}`;
}

/** All that JSON names, as byte strings. */
function pathsOf(run: JsonRun, type: string): ByteString[] {
  return run.lines
    .filter((line) => line['type'] === type)
    .map(({ path, path_b64 }) =>
      typeof path_b64 === 'string' ? byteStringOf(Buffer.from(path_b64, 'base64')) : byteStringOfText(path as string),
    );
}

describe('F01 to F10, F18, F21, F22, F24, F25, F27 to F29, F34: a vault of everything odd', () => {
  test('is captured whole: exit 0, nothing named as missing', () => {
    expect(taken).toMatchObject({ code: 0, err: '' });
    expect(taken.last).toMatchObject({ outcome: 'taken', complete: true, problems: [] });
  });

  test('says once what is special: links outside, special files, special bits, nested repositories', () => {
    const notices = taken.last['notices'] as { code: string; count: number; message: string }[];
    expect(Object.fromEntries(notices.map(({ code, count }) => [code, count]))).toMatchObject({
      special_file: 3,
      link_outside: 3,
      special_mode_bits: 3,
      nested_repository: 3,
    });
  });

  test('comes back byte for byte: names, contents, links, permissions, empty folders', () => {
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(restored.last).toMatchObject({ complete: true, problems: [], damaged: 0 });
    const expected = [...before].filter(([path]) => !isLeftOut(path)).map(([path, entry]) => promised(path, entry));
    const found = [...restoredEntries()].map(([path, entry]) => promised(path, entry));
    expect(found.sort()).toEqual(expected.sort());
    expect(found.length).toBeGreaterThan(250);
  });

  test('times come back to the microsecond, of files, folders and links, in 1969 and in 2200', () => {
    for (const [path, { mtimeNs }] of restoredEntries()) {
      const lostNs = Number(before.get(path)!.mtimeNs - mtimeNs);
      expect([path, Math.abs(lostNs) <= 1500]).toEqual([path, true]);
    }
  });

  test('no restored file shares its inode with a live one, and none is set-id', () => {
    const live = new Set([...before.values()].map(({ inode }) => inode));
    for (const entry of restoredEntries().values()) {
      expect(entry.kind === 'folder' || entry.hardLinks === 1n).toBe(true);
      expect(live.has(entry.inode)).toBe(false);
      expect(entry.mode & 0o7000).toBe(0);
    }
  });

  test('what is left out is in the ledger', () => {
    const rows = taken.last['not_protected'] as { path: string; reason: string; files: number }[];
    const found = rows.map(({ path, reason }) => `${reason} ${path}`);
    expect(found).toEqual(
      expect.arrayContaining(['gitignore node_modules/', 'secret .env', 'special_file fifo', 'special_file socket']),
    );
    expect(found.filter((row) => row.startsWith('nested_repository')).sort()).toEqual([
      'nested_repository module/.git',
      'nested_repository nested/.git/',
      'nested_repository worktree/.git',
    ]);
  });

  test('F34: no filter, hook or other program of the repository ran', () => {
    expect(existsSync(join(vault.folder, 'command-ran'))).toBe(false);
    expect(readdirSync(vault.root)).not.toContain('pwned');
  });
});

describe('F01, F02, F03: every command shows odd names inert, and JSON carries the true ones', () => {
  test('text output holds nothing but text, line ends and colours', async () => {
    const first = (taken.last['id'] as string) ?? '';
    vault.write({ 'odd/\x1b[31mnew\u0007': 'x' });
    const commands = [
      ['ls', '-r'],
      ['ls', '-rl', '.', first],
      ['ls', 'odd/\u001b[31mred'],
      ['find', '*'],
      ['find', 'o', first],
      ['log', 'odd/\u202egnp.exe'],
      ['log', 'links'],
      ['cat', 'odd/line\nbreak'],
      ['diff'],
      ['diff', '--stat', first],
      ['status'],
      ['list'],
      ['verify'],
      ['restore', 'folders', first],
      ['restore', '--all', '--validate-only'],
      ['restore', 'odd', '--no-diff'],
    ];
    const runs = await Promise.all([
      vault.run(['snapshot', 'label with \u{1f600}'], { env: { FORCE_COLOR: '1' } }),
      ...commands.map((args) => vault.run(args, { env: { FORCE_COLOR: '1' } })),
    ]);
    for (const [index, { code, out, err }] of runs.entries()) {
      const command = commands[index - 1] ?? ['snapshot'];
      expect([command, code, err]).toEqual([command, 0, err]);
      // `cat` prints the bytes of the file, whatever they are.
      expect([command, controlsIn(command[0] === 'cat' ? err : out + err)]).toEqual([command, []]);
    }
    rmSync(join(vault.root, 'odd/\u001b[31mnew\u0007'));
  });

  test('ls --json names every path truly', async () => {
    const listed = await vault.json(['ls', '-r', '.', 'everything odd']);
    expect(listed.code).toBe(0);
    const expected = [...before.keys()].filter((path) => !isLeftOut(path));
    const found = pathsOf(listed, 'entry');
    expect(found.filter((path) => !/^state(?:$|\/)/.test(path)).sort()).toEqual(expected.sort());
  });

  test('find --json and ls of single odd names agree', async () => {
    const found = pathsOf(await vault.json(['find', 'odd/*', 'everything odd']), 'path');
    expect(found.sort()).toEqual(oddNames.map((name) => `odd/${name}`).sort());
  });
});

test('P4: no command changed a live file, nor anything of git’s, nor anything outside', async () => {
  await Promise.all(
    [['export'], ['reindex'], ['restore', '.gitattributes'], ['snapshot'], ['complete', '--', ''], ['help']].map(
      (args) => vault.run(args),
    ),
  );
  const after = touchedBy(vault);
  // The test itself put a file there and took it away.
  after.set('odd', before.get('odd')!);
  expect(after).toEqual(before);
  expect(manifestOf(join(vault.folder, 'outside'))).toEqual(outsideBefore);
  expect(vault.git('status', '--porcelain', '--', '_restore', 'state/.holdfast')).toBe('');
});

/** Whatever could act on a terminal: control and format characters, except line ends and colours. */
function controlsIn(text: string): string[] {
  const left = text.replaceAll(/\n|\u001b\[[0-9;]*m/g, '');
  return left.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]/gu) ?? [];
}
