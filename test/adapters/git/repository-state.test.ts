import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { extraRootsMax } from '../../../src/adapters/git/read-extra-roots.ts';
import { TemporaryRepositories, treeDigest } from './temporary-repository.ts';

let temporary: TemporaryRepositories;
beforeEach(() => {
  temporary = new TemporaryRepositories();
});
afterEach(() => temporary[Symbol.dispose]());

/** Refs as git lists them. */
function refsOf(folder: string): { name: string; id: string }[] {
  const output = temporary.git(folder, ['for-each-ref', '--format=%(refname) %(objectname)']);
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => ({ name: line.slice(0, -41), id: line.slice(-40) }));
}

async function stateOf(folder: string) {
  const { state, notices } = await temporary.open(folder).readState();
  if (state === null) throw new Error(`left out: ${JSON.stringify(notices)}`);
  return { state, notices };
}

describe('refs', () => {
  test('loose, packed and both: as git lists them', async () => {
    const folder = temporary.create('vault');
    temporary.git(folder, ['branch', 'a/b/c']);
    temporary.git(folder, ['branch', 'z\u00e9']);
    temporary.git(folder, ['tag', '-a', '-m', 'x', 'v1']);
    temporary.git(folder, ['pack-refs', '--all']);
    temporary.commit(folder, { 'more.md': 'x' });
    temporary.git(folder, ['branch', 'loose']);
    temporary.git(folder, ['update-ref', 'refs/remotes/origin/main', 'HEAD']);
    temporary.git(folder, ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
    const { state, notices } = await stateOf(folder);
    expect(state.refs).toEqual(refsOf(folder));
    expect(state).toMatchObject({
      head: temporary.head(folder),
      branch: 'refs/heads/main',
      operations: [],
      shallow: [],
    });
    expect(notices).toEqual([]);
  });

  test('detached: no branch', async () => {
    const folder = temporary.create('vault');
    temporary.git(folder, ['checkout', '-q', '--detach']);
    expect((await stateOf(folder)).state).toMatchObject({ branch: null, head: temporary.head(folder) });
  });

  test('names and contents git would not take are left out and counted', async () => {
    const folder = temporary.create('vault');
    const id = temporary.head(folder);
    temporary.write(folder, {
      '.git/refs/heads/two..dots': `${id}\n`,
      '.git/refs/heads/empty': '',
      '.git/refs/heads/main.lock': '',
      '.git/refs/heads/circle': 'ref: refs/heads/circle\n',
      '.git/refs/.DS_Store': 'x',
      '.git/packed-refs': `# pack-refs with: peeled\n${id} refs/heads/../../evil\n${id} refs/heads/good\n`,
    });
    symlinkSync('/etc/passwd', join(folder, '.git/refs/heads/outside'));
    const { state, notices } = await stateOf(folder);
    expect(state.refs.map((ref) => ref.name)).toEqual(['refs/heads/good', 'refs/heads/main']);
    expect(notices).toEqual([
      { code: 'repository_state', count: 4, message: expect.stringContaining('4 refs are left out') as string },
    ]);
  });
});

describe('a repository that lies elsewhere', () => {
  test('.git as a link to a folder', async () => {
    const other = temporary.create('other');
    const folder = temporary.path('vault');
    mkdirSync(folder);
    symlinkSync(join(other, '.git'), join(folder, '.git'));
    const before = treeDigest(other);
    expect((await stateOf(folder)).state.head).toBe(temporary.head(other));
    expect(treeDigest(other)).toBe(before);
  });

  test('a bare one named by a .git file: history, but no index', async () => {
    const source = temporary.create('source');
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', '--bare', source, join(folder, '.bare')]);
    temporary.write(folder, { '.git': 'gitdir: ./.bare\n' });
    expect((await stateOf(folder)).state.head).toBe(temporary.head(source));
    expect(await temporary.open(folder).trackedPaths()).toBeNull();
    expect(await temporary.open(folder).ignoresFolder('_restore')).toBe(true);
  });

  test('a work tree named by core.worktree is the vault wherever .git lies', async () => {
    const above = temporary.create('above');
    temporary.git(above, ['config', 'core.worktree', '../sub']);
    const { state } = await stateOf(join(above, 'sub'));
    expect(state.head).toBe(temporary.head(above));
    expect((await temporary.open(join(above, 'sub')).ignoreSources()).vaultPrefix).toBe('');
  });

  test('core.worktree elsewhere: the history is captured, the index is not the vault\u2019s', async () => {
    const folder = temporary.create('vault');
    mkdirSync(temporary.path('elsewhere'));
    temporary.git(folder, ['config', 'core.worktree', temporary.path('elsewhere')]);
    const { state, notices } = await stateOf(folder);
    expect(state.branch).toBe('refs/heads/main');
    expect(notices.map(({ message }) => message).join()).toContain('core.worktree');
    expect(await temporary.open(folder).trackedPaths()).toBeNull();
  });

  test('a broken link or a folder inside a bare repository is none', async () => {
    const folder = temporary.path('vault');
    mkdirSync(folder);
    symlinkSync('/nowhere', join(folder, '.git'));
    expect(await temporary.open(folder).readState()).toEqual({ state: null, notices: [] });
    const bare = temporary.path('bare.git');
    temporary.git(temporary.root, ['init', '-q', '--bare', bare]);
    expect(await temporary.open(join(bare, 'hooks')).readState()).toEqual({ state: null, notices: [] });
  });

  test('git\u2019s own limits of the search count', async () => {
    const folder = join(temporary.create('above'), 'sub');
    expect((await temporary.open(folder).ignoreSources()).vaultPrefix).toBe('sub/');
    const limited = temporary.open(folder, { GIT_CEILING_DIRECTORIES: temporary.path('above') });
    expect((await limited.ignoreSources()).vaultPrefix).toBe('');
  });
});

test('locks that git holds are neither waited for nor touched', async () => {
  const folder = temporary.create('vault');
  temporary.write(folder, { '.git/index.lock': '', '.git/refs/heads/main.lock': '', '.git/packed-refs.lock': '' });
  const before = treeDigest(folder);
  expect((await stateOf(folder)).notices).toEqual([]);
  expect((await temporary.open(folder).trackedPaths())!.load().hasFile('a.txt')).toBe(true);
  expect(treeDigest(folder)).toBe(before);
});

describe('roots besides the refs', () => {
  test('every stash, and what was amended or reset away, but nothing that was built upon', async () => {
    const folder = temporary.create('vault');
    const built = temporary.commit(folder, { x: '1' });
    const amended = temporary.commit(folder, { x: '2' });
    temporary.git(folder, ['commit', '-q', '--amend', '-m', 'Other']);
    const reset = temporary.commit(folder, { x: '3' });
    temporary.git(folder, ['reset', '-q', '--hard', 'HEAD~1']);
    const stashes = ['4', '5'].map((x) => {
      temporary.write(folder, { x });
      temporary.git(folder, ['stash', '-q']);
      return temporary.git(folder, ['rev-parse', 'stash']).trim();
    });
    const { state } = await stateOf(folder);
    expect(state.extraRoots[0]).toBe(stashes[0]);
    expect(new Set(state.extraRoots)).toEqual(new Set([stashes[0], amended, reset]));
    expect(state.extraRoots).not.toContain(built);
    expect(state.refs.find((ref) => ref.name === 'refs/stash')?.id).toBe(stashes[1]);
  });

  test('more than the limit: the newest, and a notice', async () => {
    const folder = temporary.create('vault');
    const lines = Array.from({ length: extraRootsMax + 500 }, (_, i) => {
      const id = (i + 1).toString(16).padStart(40, '0');
      return `${'0'.repeat(40)} ${id} A <a> ${1_700_000_000 + i} +0000\tcheckout: moving\n`;
    });
    writeFileSync(join(folder, '.git/logs/HEAD'), lines.join(''));
    const { state, notices } = await stateOf(folder);
    expect(state.extraRoots).toHaveLength(extraRootsMax);
    expect(state.extraRoots[0]).toBe((extraRootsMax + 500).toString(16).padStart(40, '0'));
    expect(notices.map((notice) => notice.message).join()).toContain('reflogs');
  });
});

describe('an operation under way', () => {
  function conflicted(): string {
    const folder = temporary.create('vault');
    temporary.git(folder, ['checkout', '-q', '-b', 'other']);
    temporary.commit(folder, { 'a.txt': 'theirs\n' });
    temporary.git(folder, ['checkout', '-q', 'main']);
    temporary.commit(folder, { 'a.txt': 'ours\n' });
    return folder;
  }

  test.each([
    ['merge', ['merge', 'other']],
    ['rebase', ['rebase', 'other']],
    ['rebase', ['rebase', '--apply', 'other']],
    ['cherry-pick', ['cherry-pick', 'other']],
    ['revert', ['revert', '--no-edit', 'HEAD~1']],
  ])('%s is named, and its files are left as they were', async (operation, args) => {
    const folder = conflicted();
    if (operation === 'revert') temporary.commit(folder, { 'a.txt': 'again\n' });
    expect(temporary.tryGit(folder, args).status).not.toBe(0);
    const before = treeDigest(folder);
    const repository = temporary.open(folder);
    const { state, notices } = await repository.readState();
    expect(state?.operations).toEqual([operation]);
    expect(notices.map((notice) => notice.code)).toContain('repository_state');
    const tracked = (await repository.trackedPaths())?.load();
    expect(tracked?.hasFile('a.txt')).toBe(true);
    expect(treeDigest(folder)).toBe(before);
  });

  test('bisect is named', async () => {
    const folder = conflicted();
    temporary.git(folder, ['bisect', 'start', 'HEAD', 'HEAD~1']);
    expect((await stateOf(folder)).state.operations).toEqual(['bisect']);
  });

  test('where a rebase began stays a root', async () => {
    const folder = conflicted();
    const origin = temporary.head(folder);
    temporary.tryGit(folder, ['rebase', 'other']);
    temporary.git(folder, ['update-ref', '-d', 'refs/heads/main']);
    expect((await stateOf(folder)).state.extraRoots).toContain(origin);
  });
});

describe('what cannot be read rightly is left out whole, and said', () => {
  test.each([
    ['a SHA-256 repository', 'SHA-256', () => temporary.create('vault', ['--object-format=sha256'])],
    [
      'reftable',
      'reftable',
      () => withConfig('[core]\nrepositoryformatversion = 1\n[extensions]\nrefStorage = reftable\n'),
    ],
    [
      'an unknown extension',
      'futureThing',
      () => withConfig('[core]\nrepositoryformatversion = 1\n[extensions]\nfutureThing = 1\n'),
    ],
    ['a newer format', 'format', () => withConfig('[core]\nrepositoryformatversion = 7\n')],
    ['a broken configuration', 'line 2', () => withConfig('[core]\n!\n')],
    ['an unreadable HEAD', 'HEAD', () => withFile('.git/HEAD', 'nonsense\n')],
  ])('%s', async (_, word, make) => {
    const folder = make();
    temporary.write(folder, { '.git/info/exclude': '*.tmp\n' });
    const repository = temporary.open(folder);
    const { state, notices } = await repository.readState();
    expect(state).toBeNull();
    expect(notices.map(({ code }) => code)).toEqual(['repository_unread']);
    expect(notices[0]!.message.toLowerCase()).toContain(word.toLowerCase());
    expect(await repository.summary()).toBeNull();
    expect(await repository.historyBytes()).toBe(0);
    // The working tree is captured all the same, under the same rules.
    expect((await repository.ignoreSources()).infoExclude).toBe(join(folder, '.git/info/exclude'));
  });

  test('a .git file that leads nowhere', async () => {
    const folder = temporary.path('vault');
    temporary.write(folder, { '.git': 'gitdir: ../gone\n' });
    const { state, notices } = await temporary.open(folder).readState();
    expect({ state, codes: notices.map(({ code }) => code) }).toEqual({ state: null, codes: ['repository_unread'] });
  });

  function withConfig(text: string): string {
    return withFile('.git/config', text);
  }

  function withFile(name: string, text: string): string {
    const folder = temporary.create('vault');
    temporary.write(folder, { [name]: text });
    return folder;
  }
});

describe('where there is no repository of the vault\u2019s own', () => {
  test('outside one: nothing, and no repository is made', async () => {
    const folder = temporary.path('vault');
    mkdirSync(folder);
    const before = treeDigest(folder);
    const repository = temporary.open(folder);
    expect(await repository.readState()).toEqual({ state: null, notices: [] });
    expect(await repository.trackedPaths()).toBeNull();
    expect(await repository.summary()).toBeNull();
    expect(await repository.historyBytes()).toBe(0);
    expect(await repository.ignoresFolder('_restore')).toBe(true);
    expect(treeDigest(folder)).toBe(before);
  });

  test('an empty .git folder is none', async () => {
    const folder = temporary.path('vault');
    mkdirSync(join(folder, '.git'), { recursive: true });
    expect(await temporary.open(folder).readState()).toEqual({ state: null, notices: [] });
  });

  test('a repository above: its history is not the vault\u2019s', async () => {
    const folder = join(temporary.create('above'), 'sub');
    expect((await temporary.open(folder).readState()).state).toBeNull();
    expect(await temporary.open(folder).summary()).toBeNull();
  });
});

describe('a summary', () => {
  test('counts commits that no remote-tracking ref has', async () => {
    const source = temporary.create('source');
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', source, folder]);
    expect(await temporary.open(folder).summary()).toMatchObject({
      unpushedCommits: 0,
      hasRemote: true,
      operations: [],
    });
    for (let i = 0; i < 3; i++) temporary.commit(folder, { x: String(i) });
    temporary.git(folder, ['checkout', '-q', '-b', 'side', 'HEAD~1']);
    temporary.commit(folder, { y: 'side' });
    temporary.git(folder, ['merge', '-q', '--no-edit', 'main']);
    temporary.git(folder, ['gc', '-q']);
    const count = temporary.git(folder, ['rev-list', '--count', '--branches', '--not', '--remotes']).trim();
    expect(await temporary.open(folder).summary()).toEqual({
      branch: 'refs/heads/side',
      head: temporary.head(folder),
      operations: [],
      unpushedCommits: Number(count),
      hasRemote: true,
      upstream: null,
      ahead: null,
      behind: null,
    });
  });

  test('without a remote, every commit is unpushed', async () => {
    const folder = temporary.create('vault');
    temporary.commit(folder, { x: '1' });
    expect(await temporary.open(folder).summary()).toMatchObject({ unpushedCommits: 2, hasRemote: false });
  });

  test('of a long history is unknown rather than slow', async () => {
    const folder = temporary.create('vault');
    const stream = Array.from(
      { length: 2_100 },
      (_, i) => `commit refs/heads/long\ncommitter A <a> ${i} +0000\ndata 1\nx\n`,
    );
    temporary.git(folder, ['fast-import', '--quiet'], stream.join(''));
    expect(await temporary.open(folder).summary()).toMatchObject({ unpushedCommits: null });
  });
});

test('the bytes of the history are what packs and loose objects take', async () => {
  const folder = temporary.create('vault');
  const loose = await temporary.open(folder).historyBytes();
  expect(loose).toBeGreaterThan(100);
  temporary.git(folder, ['gc', '-q']);
  const packed = await temporary.open(folder).historyBytes();
  const file = readFileSync(join(folder, '.git/objects/info/packs'), 'latin1').slice(2).trim();
  expect(packed).toBe(readFileSync(join(folder, '.git/objects/pack', file)).length);
});
