import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../../src/lib/bytes.ts';
import { TemporaryRepositories } from './temporary-repository.ts';

let temporary: TemporaryRepositories;
beforeEach(() => {
  temporary = new TemporaryRepositories();
});
afterEach(() => temporary[Symbol.dispose]());

async function trackedOf(folder: string) {
  const tracked = await temporary.open(folder).trackedPaths();
  if (tracked === null) throw new Error('no index');
  return tracked.load();
}

describe('tracked paths', () => {
  test('answer for files and folders, whatever the rules say', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { '.gitignore': 'built/\n', 'built/kept.js': 'x', 'caf\u00e9/x': 'y' });
    temporary.git(folder, ['add', '-f', 'built/kept.js', 'caf\u00e9']);
    const tracked = await trackedOf(folder);
    expect(
      ['a.txt', 'built/kept.js', 'built', 'built/other', 'a.tx', 'a.txt2', 'sub', ''].map((path) =>
        tracked.hasFile(path),
      ),
    ).toEqual([true, true, false, false, false, false, false, false]);
    expect(['', 'sub', 'sub/', 'built', 'buil', 'a.txt', 'nothing'].map((path) => tracked.hasFolder(path))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(tracked.hasFile(byteStringOfText('caf\u00e9/x'))).toBe(true);
  });

  test('of a repository above count from the vault', async () => {
    const folder = join(temporary.create('above'), 'sub');
    const tracked = await trackedOf(folder);
    expect([
      tracked.hasFile('b.txt'),
      tracked.hasFile('a.txt'),
      tracked.hasFolder(''),
      tracked.hasFolder('sub'),
    ]).toEqual([true, false, true, false]);
  });

  test('a submodule counts as a folder with tracked content', async () => {
    const library = temporary.create('library');
    const folder = temporary.create('vault');
    temporary.git(folder, ['submodule', '--quiet', 'add', library, 'libs/module']);
    const tracked = await trackedOf(folder);
    expect([tracked.hasFolder('libs'), tracked.hasFolder('libs/module'), tracked.hasFolder('libs/other')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('a sparse index stands for everything below its folders', async () => {
    const folder = temporary.create('vault');
    temporary.commit(folder, { 'in/x': '1', 'out/deep/y': '2', 'out/z': '3' });
    temporary.git(folder, ['sparse-checkout', 'set', '--cone', '--sparse-index', 'in']);
    expect(temporary.git(folder, ['ls-files', '--sparse'])).toContain('out/\n');
    const tracked = await trackedOf(folder);
    expect([
      tracked.hasFile('out/deep/y'),
      tracked.hasFolder('out'),
      tracked.hasFolder('out/deep'),
      tracked.hasFile('outer'),
    ]).toEqual([true, true, true, false]);
  });

  test('an unborn repository tracks nothing yet', async () => {
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['init', '-q', folder]);
    expect((await trackedOf(folder)).hasFolder('')).toBe(false);
  });

  test('the signature follows the index', async () => {
    const folder = temporary.create('vault');
    const repository = temporary.open(folder);
    const first = (await repository.trackedPaths())!.signature;
    expect((await repository.trackedPaths())!.signature).toBe(first);
    temporary.write(folder, { new: 'x' });
    temporary.git(folder, ['add', 'new']);
    const second = (await repository.trackedPaths())!;
    expect(second.signature).not.toBe(first);
    expect(second.load().hasFile('new')).toBe(true);
  });

  test('an index that cannot be read is no index, and that is said', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { '.git/index': 'DIRC nonsense' });
    const repository = temporary.open(folder);
    expect(await repository.trackedPaths()).toBeNull();
    expect((await repository.readState()).notices.map(({ code }) => code)).toContain('repository_unread');
  });

  test('a split index whose other half is gone is no index', async () => {
    const folder = temporary.create('vault');
    temporary.git(folder, ['update-index', '--split-index']);
    const index = temporary.git(folder, ['ls-files']);
    expect(index).toContain('a.txt');
    expect((await trackedOf(folder)).hasFile('a.txt')).toBe(true);
    for (const name of temporary.list(folder, '.git')) {
      if (name.startsWith('sharedindex.')) temporary.remove(folder, `.git/${name}`);
    }
    expect(await temporary.open(folder).trackedPaths()).toBeNull();
  });
});

describe('ignore sources', () => {
  const none = { GIT_CONFIG_NOSYSTEM: '1' };

  test('of a repository: info/exclude of the shared folder, no outer folders', async () => {
    const main = temporary.create('main');
    const folder = temporary.path('vault');
    temporary.git(main, ['worktree', 'add', '-q', folder]);
    expect(await temporary.open(folder).ignoreSources()).toMatchObject({
      vaultPrefix: '',
      infoExclude: join(main, '.git', 'info', 'exclude'),
      outerFolders: [],
      ignoreCase: false,
    });
  });

  test('of a repository above: the prefix and every folder on the way', async () => {
    const above = temporary.create('above');
    const folder = join(above, 'sub', '\u00e9');
    mkdirSync(folder);
    expect(await temporary.open(folder).ignoreSources()).toMatchObject({
      vaultPrefix: byteStringOfText('sub/\u00e9/'),
      infoExclude: join(above, '.git', 'info', 'exclude'),
      outerFolders: [above, join(above, 'sub')],
    });
  });

  test('a repository above that ignores the vault itself has no say in it', async () => {
    const above = temporary.create('above');
    temporary.write(above, { '.gitignore': '*\n' });
    expect(await temporary.open(join(above, 'sub')).ignoreSources()).toMatchObject({
      vaultPrefix: '',
      infoExclude: null,
      outerFolders: [],
    });
  });

  test.each([
    ['unset', '', 'home', '.config/git/ignore'],
    ['set to a home path', '[core]\nexcludesFile = ~/mine\n', 'home', 'mine'],
    ['set in two places', '[core]\nexcludesFile = ~/one\n[core]\nexcludesfile = "~/two"\n', 'home', 'two'],
    ['relative', '[core]\nexcludesFile = rules/mine\n', 'vault', 'rules/mine'],
    ['included', '[include]\npath = more\n', 'home', 'from-include'],
    ['included for this folder', '[includeIf "gitdir:~/va*/"]\npath = more\n', 'home', 'from-include'],
    ['included for any such name', '[includeIf "gitdir/i:VAULT/.git"]\npath = more\n', 'home', 'from-include'],
    ['included for another folder', '[includeIf "gitdir:~/other/"]\npath = more\n', 'home', '.config/git/ignore'],
    ['included for this branch', '[includeIf "onbranch:ma*"]\npath = more\n', 'home', 'from-include'],
    ['in a circle of includes', '[include]\npath = .gitconfig\n[core]\nexcludesFile = ~/x\n', 'home', 'x'],
  ])('core.excludesFile %s: as git has it', async (_, config, base, expected) => {
    const folder = temporary.create('vault');
    temporary.write(temporary.root, { '.gitconfig': config, more: '[core]\nexcludesFile = ~/from-include\n' });
    const file = join(base === 'home' ? temporary.root : folder, expected);
    temporary.write('/', { [file]: '*.secret\n' });
    delete temporary.env['GIT_CONFIG_GLOBAL'];
    const sources = await temporary.open(folder, none).ignoreSources();
    expect(sources.excludesFile).toBe(file);
    if (config.includes('path = .gitconfig')) return;
    // The last word is git's own.
    expect(temporary.tryGit(folder, ['check-ignore', '-v', 'x.secret']).stdout).toContain(expected.split('/').at(-1));
  });

  test('core.excludesFile set to nothing, or to another person\u2019s home, is none', async () => {
    const folder = temporary.create('vault');
    for (const value of ['', '~someone/ignore']) {
      temporary.git(folder, ['config', 'core.excludesFile', value]);
      expect((await temporary.open(folder).ignoreSources()).excludesFile).toBeNull();
    }
  });

  test('XDG_CONFIG_HOME moves the default; core.ignoreCase is taken over', async () => {
    const folder = temporary.create('vault');
    temporary.git(folder, ['config', 'core.ignoreCase', 'true']);
    expect(await temporary.open(folder, { XDG_CONFIG_HOME: '/xdg' }).ignoreSources()).toMatchObject({
      excludesFile: '/xdg/git/ignore',
      ignoreCase: true,
    });
  });

  test('an include that is not followed is said', async () => {
    const folder = temporary.create('vault');
    temporary.git(folder, ['config', '--file', '.git/config', 'includeIf.hasconfig:remote.*.url:x.path', 'y']);
    const { notices } = await temporary.open(folder).readState();
    expect(notices.map(({ code }) => code)).toEqual(['ignore_rule_doubtful']);
  });
});

describe('whether git would ever pick up what is written into a folder', () => {
  /** Asks git itself, with a file in place. */
  function gitWould(folder: string, path: string): boolean {
    temporary.write(folder, { [`${path}/probe/file`]: 'x' });
    const listed = temporary.git(folder, ['ls-files', '-z', '-c', '-o', '--exclude-standard', '--', path]);
    return listed.includes('file') || listed.split('\0').some((name) => name.startsWith(`${path}/`));
  }

  test.each<[string, Record<string, string>]>([
    ['no rule', {}],
    ['a rule at the root', { '.gitignore': '_restore/\n' }],
    ['a rule undone by a later one', { '.gitignore': '_restore/\n!_restore/\n' }],
    ['a wildcard', { '.gitignore': '_*\n' }],
    ['an anchored rule for another place', { '.gitignore': '/x/_restore\n' }],
    ['a rule for files of it only', { '.gitignore': '_restore/*.txt\n' }],
    ['info/exclude', { '.git/info/exclude': '/_restore/\n' }],
    ['info/exclude undone by .gitignore', { '.git/info/exclude': '/_restore/\n', '.gitignore': '!_restore\n' }],
    ['its own rule', { '_restore/.gitignore': '*\n' }],
    ['its own rule, with a comment', { '_restore/.gitignore': '# holdfast\n*\n' }],
    ['its own rule, while the root undoes it', { '.gitignore': '!_restore/\n', '_restore/.gitignore': '*\n' }],
    ['its own rule with an exception', { '_restore/.gitignore': '*\n!probe\n!file\n' }],
    ['its own rule for some', { '_restore/.gitignore': '*.md\n' }],
    ['another case', { '.gitignore': '_RESTORE/\n' }],
  ])('%s', async (_, files) => {
    const folder = temporary.create('vault');
    temporary.write(folder, files);
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(!gitWould(folder, '_restore'));
  });

  test('a rule for what lies in it but not for itself: a careful yes, since a later rule may undo a part', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { '.gitignore': '_restore/*\n!_restore/file\n' });
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(false);
  });

  test('something in it is tracked: yes, whatever the rules say', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { '.gitignore': '_restore/\n', '_restore/.gitignore': '*\n', '_restore/kept': 'x' });
    temporary.git(folder, ['add', '-f', '_restore/kept']);
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(false);
  });

  test('rules between the root and a deeper folder count', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { 'x [1]/.gitignore': 'hold/\n', 'y/.gitignore': '/deeper/hold\n' });
    const repository = temporary.open(folder);
    for (const path of ['x [1]/hold', 'x [1]/z/hold', 'y/hold', 'y/deeper/hold', 'hold']) {
      const answer = await repository.ignoresFolder(path);
      expect({ path, answer }).toEqual({ path, answer: !gitWould(folder, path) });
    }
  });

  test('a repository above with the vault in it', async () => {
    const above = temporary.create('above');
    temporary.write(above, { '.gitignore': '/sub/_restore/\n' });
    const repository = temporary.open(join(above, 'sub'));
    expect([await repository.ignoresFolder('_restore'), await repository.ignoresFolder('other')]).toEqual([
      true,
      false,
    ]);
  });

  test('a .gitignore that is a link is not followed, as git does not', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { rules: '*\n', '_restore/x': '' });
    symlinkSync('../rules', join(folder, '_restore/.gitignore'));
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(false);
  });

  test('core.excludesFile and core.ignoreCase have their say', async () => {
    const folder = temporary.create('vault');
    temporary.write(folder, { rules: '_Restore/\n' });
    temporary.git(folder, ['config', 'core.excludesFile', 'rules']);
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(false);
    temporary.git(folder, ['config', 'core.ignoreCase', 'true']);
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(true);
  });
});
