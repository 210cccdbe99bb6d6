import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/lib/bytes.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault, cacheOf, filesIn, makeFifo, makeSocket, pathsIn, scanOf } from '../support/vault-builder.ts';

describe('names', () => {
  test('F01 F03 F04 F05 F06: every byte a name can hold comes back, in git order', async () => {
    const root = scratchFolder();
    const names = [
      'a\nb',
      'tab\there',
      '"quoted"',
      'a\\b',
      '-rf',
      ' lead',
      'trail ',
      'x:*?',
      '\u001b[31m',
      'invalid\u00ff\u00fe',
      'caf\u00c3\u00a9',
      'cafe\u00cc\u0081',
      'Case',
      'case',
      'CON',
      'a.',
      'x::$DATA',
      '\u00e2\u0080\u00ae.txt',
    ];
    buildVault(root, Object.fromEntries(names.map((name) => [name, 'x'])));
    expect(pathsIn((await scanOf(root)).tree)).toEqual([...names].sort());
  });

  test('a folder sorts as its name and a slash, as in a git tree', async () => {
    const root = scratchFolder();
    buildVault(root, { 'a/x': '', 'a-b': '', 'a.b': '', a0: '', 'a-/y': '' });
    const first = await scanOf(root);
    expect(pathsIn(first.tree)).toEqual(['a-/', 'a-/y', 'a-b', 'a.b', 'a/', 'a/x', 'a0']);
    const again = await scanOf(root, { base: cacheOf(first), now: () => Date.now() + 60_000 });
    expect(again.tree.find('a/x')).toBeGreaterThanOrEqual(0);
  });

  test('names git reads as .git are left out and listed as unsupported', async () => {
    const root = scratchFolder();
    buildVault(root, { '.GIT/config': 'xyz', 'notes/git~1': 'x', 'notes/.gitx': 'x', 'notes/plain': '' });
    const scan = await scanOf(root);
    expect(filesIn(scan.tree)).toEqual(['notes/.gitx', 'notes/plain']);
    expect(scan.ledger.map(({ path, reason, fileCount }) => [path, reason, fileCount])).toEqual([
      ['.GIT/', 'unsupported_name', 1],
      ['notes/git~1', 'unsupported_name', 1],
    ]);
  });

  test('F24: paths longer than the system can open are named, and all else is stored', async () => {
    const root = scratchFolder();
    const cwd = process.cwd();
    const part = 'd'.repeat(200);
    buildVault(root, { 'kept.md': 'x' });
    // Only relative steps can make a path this deep; the descriptor of each folder leads to the next.
    let at = root;
    try {
      process.chdir(root);
      for (let depth = 0; depth < 24; depth++) {
        mkdirSync(part);
        process.chdir(part);
        at = `${at}/${part}`;
      }
      writeFileSync('deep.md', 'x');
    } finally {
      process.chdir(cwd);
    }
    const scan = await scanOf(root);
    const named = scan.problems.filter(({ code }) => code === 'name_too_long');
    expect(named).toHaveLength(1);
    expect(`${root}/${named[0]!.path}`.length).toBeGreaterThanOrEqual(4096);
    expect(filesIn(scan.tree)).toEqual(['kept.md']);
    expect(scan.ledger.some(({ reason, atLeast }) => reason === 'unreadable' && atLeast)).toBe(true);
  });
});

describe('links', () => {
  test('F07 F08 F10: loops, dangling links and links to folders are links, and nothing is walked twice', async () => {
    const root = scratchFolder();
    const links = { self: 'self', up: '..', 'sub/back': '../sub', dangling: 'nowhere', inside: 'sub' };
    buildVault(root, { 'sub/file': 'x' });
    buildVault(root, Object.fromEntries(Object.entries(links).map(([path, link]) => [path, { link }])));
    const { tree, dirty } = await scanOf(root);
    expect(filesIn(tree)).toEqual(['dangling', 'inside', 'self', 'sub/back', 'sub/file', 'up']);
    for (const path of Object.keys(links)) expect(tree.isLink(tree.find(path))).toBe(true);
    expect(dirty).toHaveLength(6);
  });

  test('F09: links leaving the vault are counted, also when nothing changed since', async () => {
    const root = scratchFolder();
    const link = (target: string) => ({ link: byteStringOfText(target) });
    buildVault(root, {
      out1: link('/etc/passwd'),
      'sub/out2': link('../../x'),
      'sub/in1': link('../sub/../y'),
      in2: link(`${root}/sub`),
      'sub/out3': link(`${root}x`),
    });
    const first = await scanOf(root);
    const notice = { code: 'link_outside', count: 3 };
    expect(first.notices).toEqual([expect.objectContaining(notice)]);
    const again = await scanOf(root, { base: cacheOf(first), now: () => Date.now() + 60_000 });
    expect(again.notices).toEqual([expect.objectContaining(notice)]);
  });
});

describe('special files and modes', () => {
  test('F11: fifos and sockets are never opened, and named', async () => {
    const root = scratchFolder();
    makeFifo(root, 'pipe');
    await makeSocket(root, 'socket');
    buildVault(root, { file: 'x' });
    const scan = await scanOf(root);
    expect(filesIn(scan.tree)).toEqual(['file']);
    expect(scan.notices).toEqual([
      { code: 'special_file', count: 2, message: '1 fifo, 1 socket recorded, content not applicable' },
    ]);
    expect(scan.ledger.map(({ path, reason }) => [path, reason])).toEqual([
      ['pipe', 'special_file'],
      ['socket', 'special_file'],
    ]);
    expect(scan.problems).toEqual([]);
  });

  test('F22: set-id and sticky bits are said once, with their number', async () => {
    const root = scratchFolder();
    buildVault(root, { tool: 'x', plain: 'x', shared: null });
    chmodSync(join(root, 'tool'), 0o4755);
    chmodSync(join(root, 'shared'), 0o1777);
    const { notices } = await scanOf(root);
    expect(notices).toEqual([expect.objectContaining({ code: 'special_mode_bits', count: 2 })]);
  });

  test('F18 F27: empty files and empty folders are entries', async () => {
    const root = scratchFolder();
    buildVault(root, { empty: '', 'deep/folder': null });
    expect(pathsIn((await scanOf(root)).tree)).toEqual(['deep/', 'deep/folder/', 'empty']);
  });

  test('F20: a file over the limit is named and counted, and never read', async () => {
    const root = scratchFolder();
    buildVault(root, { 'big.bin': '12345', small: '1234' });
    const scan = await scanOf(root, { maxFileSize: 4 });
    expect(filesIn(scan.tree)).toEqual(['small']);
    expect(scan.problems).toEqual([expect.objectContaining({ path: 'big.bin', code: 'too_large' })]);
    expect(scan.ledger).toEqual([
      { path: 'big.bin', reason: 'too_large', source: '', fileCount: 1, sizeBytes: 5, atLeast: false },
    ]);
  });
});

test('F37: a mounted file system is noticed, and left out by name when asked', async () => {
  // The one place where every Linux system has mounts inside a folder, without asking for the right to mount.
  expect(statSync('/dev/shm').dev).not.toBe(statSync('/dev').dev);
  const with_ = await scanOf('/dev');
  expect(with_.notices.some(({ code }) => code === 'mount_point')).toBe(true);
  const without = await scanOf('/dev', { oneFileSystem: true });
  expect(without.ledger).toContainEqual(
    expect.objectContaining({ path: 'shm/', reason: 'other_filesystem', atLeast: true }),
  );
  expect(pathsIn(without.tree).some((path) => path.startsWith('shm/'))).toBe(false);
});

test('F26: a folder of 20,000 files is one run of rows, and comparing it finds the one that changed', async () => {
  const root = scratchFolder();
  for (let i = 0; i < 20_000; i++) writeFileSync(`${root}/note-${i}.md`, '');
  const first = await scanOf(root);
  expect(first.tree.entryCount).toBe(20_000);
  writeFileSync(`${root}/note-7777.md`, 'changed');
  const again = await scanOf(root, { base: cacheOf(first) });
  expect(again.changed).toBe(true);
  expect(Array.from(again.dirty, (row) => again.tree.name(row))).toContain('note-7777.md');
});
