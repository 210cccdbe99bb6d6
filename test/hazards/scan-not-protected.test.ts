import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isSecretName } from '../../src/adapters/vault/secrets.ts';
import type { Scan } from '../../src/ports/working-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import {
  buildVault,
  cacheOf,
  filesIn,
  noIgnoreSources,
  pathsIn,
  scanOf,
  trackedPathsOf,
} from '../support/vault-builder.ts';

/** A minute later by the scanner's clock: nothing just written is racy. */
const later = { now: () => Date.now() + 60_000 };

function rows(scan: Scan): (string | number | boolean)[][] {
  return scan.ledger.map(({ path, reason, source, fileCount, sizeBytes }) => [
    path,
    reason,
    source,
    fileCount,
    sizeBytes,
  ]);
}

describe('the ledger', () => {
  test('F35: ignored folders are rows with files and bytes, ignored files are grouped by rule', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.gitignore': '# comment\n/node_modules/\n*.log\n',
      'node_modules/a/index.js': '12345',
      'node_modules/b': '1',
      'x.log': '12',
      'sub/y.log': '123',
      'sub/.gitignore': 'only.tmp\n',
      'sub/only.tmp': '1234',
    });
    const scan = await scanOf(root);
    expect(filesIn(scan.tree)).toEqual(['.gitignore', 'sub/.gitignore']);
    expect(rows(scan)).toEqual([
      ['*.log', 'gitignore', '.gitignore:3', 2, 5],
      ['node_modules/', 'gitignore', '.gitignore:2', 2, 6],
      ['sub/only.tmp', 'gitignore', 'sub/.gitignore:1', 1, 4],
    ]);
  });

  test('counts are remembered until the folder itself changes or a day has passed', async () => {
    const root = scratchFolder();
    buildVault(root, { '.gitignore': 'cache/\n', 'cache/deep/one': '1' });
    utimesSync(join(root, 'cache'), 1000, 1000);
    const first = await scanOf(root);
    writeFileSync(join(root, 'cache/deep/two'), '22');
    const sameDay = await scanOf(root, { base: cacheOf(first) });
    expect(rows(sameDay)).toEqual([['cache/', 'gitignore', '.gitignore:1', 1, 1]]);
    const nextDay = await scanOf(root, { base: cacheOf(sameDay), now: () => Date.now() + 25 * 3600 * 1000 });
    expect(rows(nextDay)).toEqual([['cache/', 'gitignore', '.gitignore:1', 2, 3]]);
    writeFileSync(join(root, 'cache/three'), '333');
    const touched = await scanOf(root, { base: cacheOf(nextDay) });
    expect(rows(touched)).toEqual([['cache/', 'gitignore', '.gitignore:1', 3, 6]]);
  });

  test('has at most 500 rows and one more a reason, and its totals stay true', async () => {
    const root = scratchFolder();
    buildVault(root, { '.gitignore': 'out/\n' });
    for (let i = 0; i < 520; i++) mkdirSync(join(root, `p${i}`, 'out'), { recursive: true });
    for (let i = 0; i < 30; i++) writeFileSync(join(root, `p${i}/out/file`), 'x'.repeat(i));
    const { ledger } = await scanOf(root);
    expect(ledger).toHaveLength(501);
    expect(ledger.at(-1)).toMatchObject({ path: '', reason: 'gitignore', fileCount: 0 });
    expect(ledger.reduce((sum, { fileCount }) => sum + fileCount, 0)).toBe(30);
    expect(ledger.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe((29 * 30) / 2);
  });

  test('F36: the repository, the holding directory and private state are neither captured nor listed', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.git/config': 'x',
      '_restore/old/file': 'x',
      'state/.holdfast/cache/stat': 'x',
      'state/log/snapshots.ndjson': 'x',
      '.gitignore': 'state/\n',
      '.syncignore': 'state\n*.ndjson\n!_restore\n!.git\n',
    });
    const scan = await scanOf(root);
    expect(filesIn(scan.tree)).toEqual(['.gitignore', '.syncignore', 'state/log/snapshots.ndjson']);
    expect(scan.ledger).toEqual([]);
  });

  test('F36: a change of the snapshot index alone is no change of the vault', async () => {
    const root = scratchFolder();
    buildVault(root, { file: 'x' });
    const first = await scanOf(root, later);
    buildVault(root, { 'state/log/snapshots.ndjson': 'one\n' });
    const created = await scanOf(root, { ...later, base: cacheOf(first) });
    expect([created.changed, created.dirty.length]).toEqual([false, 1]);
    writeFileSync(join(root, 'state/log/snapshots.ndjson'), 'one\ntwo\n');
    expect((await scanOf(root, { ...later, base: cacheOf(created) })).changed).toBe(false);
    writeFileSync(join(root, 'state/other'), 'x');
    expect((await scanOf(root, { ...later, base: cacheOf(created) })).changed).toBe(true);
  });

  test('F28 F29: nested repositories are plain files, their .git is left out and said', async () => {
    const root = scratchFolder();
    buildVault(root, {
      'inner/.git/HEAD': 'ref: refs/heads/main',
      'inner/.git/objects/pack/x.pack': '12345',
      'inner/code.ts': 'x',
      'module/.git': 'gitdir: ../.git/modules/module',
      'module/file': 'x',
    });
    const scan = await scanOf(root);
    expect(pathsIn(scan.tree)).toEqual(['inner/', 'inner/code.ts', 'module/', 'module/file']);
    expect(rows(scan)).toEqual([
      ['inner/.git/', 'nested_repository', '', 2, 25],
      ['module/.git', 'nested_repository', '', 1, 30],
    ]);
    expect(scan.notices).toEqual([expect.objectContaining({ code: 'nested_repository', count: 2 })]);
    const again = await scanOf(root, { base: cacheOf(scan) });
    expect([again.ledger, again.notices]).toEqual([scan.ledger, scan.notices]);
  });

  test('F30: works the same outside a repository', async () => {
    const root = scratchFolder();
    buildVault(root, { '.gitignore': '*.tmp\n', 'a.tmp': 'x', 'a.PNG': 'x', b: 'x' });
    expect(filesIn((await scanOf(root)).tree)).toEqual(['.gitignore', 'a.PNG', 'b']);
    expect(filesIn((await scanOf(root, { gitignore: false })).tree)).toEqual(['.gitignore', 'a.PNG', 'a.tmp', 'b']);
  });
});

describe('.syncignore', () => {
  test('brings back what git ignores, also below an ignored folder, and only enters where it could lead', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.gitignore': 'data/\n*.db\ncache/\nkeep/\n',
      '.syncignore': '!data/local.db\n!/keep/\n!cache/deep/*.txt\nnotes/private\n',
      'data/local.db': '1',
      'data/other': '12',
      'data/sub/local.db': '123',
      'keep/file': 'x',
      'keep/x.db': 'x',
      'cache/deep/a.txt': 'x',
      'cache/deep/b.bin': 'x',
      'cache/shallow/c.txt': 'x',
      'notes/private/secret': 'x',
      'notes/public': 'x',
    });
    const first = await scanOf(root, later);
    const again = await scanOf(root, { ...later, base: cacheOf(first) });
    for (const scan of [first, again]) {
      expect(filesIn(scan.tree)).toEqual([
        '.gitignore',
        '.syncignore',
        'cache/deep/a.txt',
        'data/local.db',
        'keep/file',
        'notes/public',
      ]);
      expect(rows(scan).map(([path, reason, source]) => [path, reason, source])).toEqual([
        ['cache/deep/b.bin', 'gitignore', '.gitignore:3'],
        ['cache/shallow/', 'gitignore', '.gitignore:3'],
        ['data/other', 'gitignore', '.gitignore:1'],
        ['data/sub/', 'gitignore', '.gitignore:1'],
        ['keep/x.db', 'gitignore', '.gitignore:2'],
        ['notes/private/', 'syncignore', '.syncignore:4'],
      ]);
    }
    expect([again.changed, again.dirty.length]).toEqual([false, 0]);
  });

  test('a pattern without a slash reaches everywhere; folders it finds nothing in stay out', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.gitignore': 'build/\n',
      '.syncignore': '!*.db\n',
      'build/a/b/x.db': 'x',
      'build/c/nothing': 'x',
    });
    const first = await scanOf(root, later);
    expect(pathsIn(first.tree)).toEqual([
      '.gitignore',
      '.syncignore',
      'build/',
      'build/a/',
      'build/a/b/',
      'build/a/b/x.db',
    ]);
    expect((await scanOf(root, { ...later, base: cacheOf(first) })).changed).toBe(false);
    rmSync(join(root, 'build/a/b/x.db'));
    const gone = await scanOf(root, { ...later, base: cacheOf(first) });
    expect([gone.changed, pathsIn(gone.tree)]).toEqual([true, ['.gitignore', '.syncignore']]);
  });

  test('a folder brought back below an ignored one obeys its own .gitignore', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.gitignore': 'data/\n',
      '.syncignore': '!data/db/\n',
      'data/db/.gitignore': '*.tmp\n',
      'data/db/x.tmp': 'x',
      'data/db/sub/real': 'x',
    });
    expect(filesIn((await scanOf(root)).tree).slice(2)).toEqual(['data/db/.gitignore', 'data/db/sub/real']);
  });

  test('holds for tracked files, which git never ignores', async () => {
    const root = scratchFolder();
    buildVault(root, {
      '.gitignore': 'dist\n',
      '.syncignore': 'huge\n',
      'dist/kept': 'x',
      'dist/other': 'x',
      huge: 'x',
    });
    const scan = await scanOf(root, { tracked: trackedPathsOf(['dist/kept', 'huge']) });
    expect(filesIn(scan.tree).slice(2)).toEqual(['dist/kept']);
    expect(rows(scan).map(([path, reason]) => [path, reason])).toEqual([
      ['dist/other', 'gitignore'],
      ['huge', 'syncignore'],
    ]);
  });
});

describe('secrets', () => {
  const contents = {
    '.env': 'x',
    '.env.example': 'x',
    'keys/id_ed25519': 'x',
    'keys/id_ed25519.pub': 'x',
    'a.pem': 'x',
  };

  test('are left out by name when untracked, one row each', async () => {
    const root = scratchFolder();
    buildVault(root, contents);
    const scan = await scanOf(root, { tracked: trackedPathsOf(['a.pem']) });
    expect(filesIn(scan.tree)).toEqual(['.env.example', 'a.pem', 'keys/id_ed25519.pub']);
    expect(rows(scan).map(([path, reason]) => [path, reason])).toEqual([
      ['.env', 'secret'],
      ['keys/id_ed25519', 'secret'],
    ]);
  });

  test('are captured when asked for: by setting, by pattern, or by a ! that names them', async () => {
    const root = scratchFolder();
    buildVault(root, contents);
    expect((await scanOf(root, { allowSecrets: true })).ledger).toEqual([]);
    expect(rows(await scanOf(root, { allowSecrets: ['keys/'] })).map(([path]) => path)).toEqual(['.env', 'a.pem']);
    writeFileSync(join(root, '.syncignore'), '!.env\n!keys/\n!*\n');
    expect(rows(await scanOf(root)).map(([path]) => path)).toEqual(['a.pem', 'keys/id_ed25519']);
  });

  test('harmless names are not taken for secrets', () => {
    const harmless = ['.env.sample', '.env.local.example', 'key.md', 'id_rsa.pub', 'environment', 'pem', 'credentials'];
    expect(harmless.filter(isSecretName)).toEqual([]);
    expect(['.ENV', 'prod.env', 'x/.aws/credentials', 'server.KEY'].every(isSecretName)).toBe(true);
  });
});

describe('rules from outside the vault', () => {
  test('a vault in a subfolder honours the rules of the repository above it', async () => {
    const home = scratchFolder();
    buildVault(home, {
      '.gitignore': '*.log\n/sub/vault/top-only\n',
      'sub/.gitignore': 'vault/*.tmp\n',
      'sub/vault/a.log': 'x',
      'sub/vault/a.tmp': 'x',
      'sub/vault/top-only': 'x',
      'sub/vault/deep/top-only': 'x',
    });
    const root = join(home, 'sub/vault');
    const ignore = { ...noIgnoreSources, vaultPrefix: 'sub/vault/', outerFolders: [home, join(home, 'sub')] };
    const scan = await scanOf(root, { ignore });
    expect(filesIn(scan.tree)).toEqual(['deep/top-only']);
    expect(rows(scan).map(([path, , source]) => [path, source])).toEqual([
      ['a.log', '../../.gitignore:1'],
      ['a.tmp', '../.gitignore:1'],
      ['top-only', '../../.gitignore:2'],
    ]);
  });

  test('a rule that git may read differently is said, also when no name had to be tested', async () => {
    const root = scratchFolder();
    buildVault(root, { 'sub/.gitignore': 'ok/**/x\nlit**/x\n' });
    const first = await scanOf(root);
    const notice = { code: 'ignore_rule_doubtful', count: 1, message: expect.stringContaining('sub/.gitignore:2') };
    expect(first.notices).toEqual([expect.objectContaining(notice)]);
    expect((await scanOf(root, { base: cacheOf(first) })).notices).toEqual(first.notices);
  });
});
