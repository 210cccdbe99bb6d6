import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesOf, type ByteString } from '../../src/lib/bytes.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import type { GitState } from '../../src/model/snapshot.ts';
import { followGuide } from '../support/follow-guide.ts';
import { type GitOracle, openGitOracle } from '../support/git-oracle.ts';
import { asGitKeepsIt, manifestOf } from '../support/folder-manifest.ts';
import { PlumbingStore } from '../support/plumbing-store.ts';
import { scratchFolder } from '../support/scratch.ts';

const longName = `${'long '.repeat(48)}name.bin`;
const oddNames: readonly ByteString[] = [
  'plain.md',
  ' leading space',
  'trailing space ',
  'new\nline',
  'ends in a line feed\n',
  'tab\tand\x01control\x7f',
  '-rf',
  '--',
  `qu'o"te`,
  'back\\slash\\0101\\c',
  'glob*[a-z]?',
  '$(touch pwned)`touch pwned`;&|',
  '%s%n %b',
  'caf\xc3\xa9',
  'latin1 \xe9\xff',
  'folder',
  'name',
  '=equals',
  ':colon:',
  '#hash',
  '!bang',
  '~tilde~',
  '.hidden',
  '00000000',
  'mine.holdfast-chunks',
  'mine.holdfast-chunks~',
  'mine.holdfast-chunks~~',
  'x.holdfast-chunks~no',
];
const largeNames: readonly ByteString[] = [
  'film.mkv',
  '-film.mkv',
  'fi lm\n.mkv',
  'ends in a line feed.mkv\n',
  `it's "big" \\ $x`,
  'big \xff',
  'big.holdfast-chunks',
  longName,
  `looks shortened~${'a'.repeat(40)}`,
];

/** A folder with every trap in it, at its root and in folders of its own. Files of `largeNames` have at least `largeBytes`. */
function makeVault(root: string, largeBytes = 1500): void {
  const create = (path: ByteString, action: (path: Buffer) => void): void =>
    action(Buffer.concat([Buffer.from(`${root}/`), bytesOf(path)]));
  const folders = [
    '',
    'deep/er/',
    ' odd folder \n/',
    '-f/',
    'kept.holdfast-chunks/',
    'kept.holdfast-chunks~/in/',
    '=x/',
  ];
  for (const folder of folders) {
    if (folder !== '') create(folder, (path) => mkdirSync(path, { recursive: true }));
    oddNames.forEach((name, i) => {
      create(folder + name, (path) =>
        writeFileSync(path, `${name}\r\n$Id$ ${folder}`, { mode: i % 3 ? 0o644 : 0o755 }),
      );
    });
    const large = folder.startsWith('-f') ? largeNames.slice(0, 1) : largeNames;
    large.forEach((name, i) => {
      create(folder + name, (path) =>
        writeFileSync(path, Buffer.alloc(largeBytes + i * 1000, name), { mode: i % 2 ? 0o755 : 0o600 }),
      );
    });
    create(`${folder}link`, (path) => symlinkSync('plain.md', path));
    create(`${folder}link\n`, (path) => symlinkSync(Buffer.from('no where\xff\n', 'latin1'), path));
    create(`${folder}out`, (path) => symlinkSync('/etc/passwd', path));
    create(`${folder}up`, (path) => symlinkSync('..', path));
  }
  create('.gitattributes', (path) =>
    writeFileSync(path, '* text eol=crlf ident filter=rot working-tree-encoding=UTF-16\n'),
  );
  create('.gitignore', (path) => writeFileSync(path, '*.nothing\n'));
  create('empty/\n/deeper', (path) => mkdirSync(path, { recursive: true }));
  create('private', (path) => mkdirSync(path));
  create('private/key', (path) => writeFileSync(path, 'x'));
  create('private/key', (path) => chmodSync(path, 0o400));
  create('private', (path) => chmodSync(path, 0o2510));
  create('run', (path) => writeFileSync(path, '#!/bin/sh\n'));
  create('run', (path) => chmodSync(path, 0o4755));
  setTimes(root);
}

/** Gives every entry a time of its own, deepest first; some before 1970, some far ahead, with microseconds. */
function setTimes(root: string): void {
  const paths = [...manifestOf(root).keys()].toReversed();
  paths.forEach((path, i) => {
    const seconds = [1_700_000_000.123456, -0.5, -86_400 * 365.25 * 20, 951_782_400, 4_102_444_799.999, 0][i % 6]! + i;
    const full = Buffer.concat([Buffer.from(`${root}/`), bytesOf(path.replace(/\/$/, ''))]);
    // Node takes a negative number for "now", but not a date before 1970.
    const time = seconds < 0 ? new Date(seconds * 1000) : seconds;
    if (lstatSync(full).isSymbolicLink()) lutimesSync(full, time, time);
    else utimesSync(full, time, time);
  });
}

function storeOf(vault: string, git: { oracle: GitOracle; state: GitState | null }): string {
  const store = new PlumbingStore(join(scratchFolder(), "a store's folder"), git.oracle);
  mkdirSync(store.directory);
  store.snapshot(Buffer.from(vault), git.state);
  return store.directory;
}

describe('RESTORE.md, followed with stock git and sh', () => {
  test('brings back every byte, link and executable bit of a store that git alone made', () => {
    using oracle = openGitOracle();
    const vault = scratchFolder();
    makeVault(vault);
    const { recovered, output } = followGuide(storeOf(vault, { oracle, state: null }), '4.');
    expect(asGitKeepsIt(manifestOf(recovered))).toEqual(asGitKeepsIt(manifestOf(vault)));
    expect(output).toContain('2026-04-16T12:00:00Z-pre-quorum-rewrite\n    pre-quorum rewrite\n');
  });

  test('brings back times, full modes, empty folders and branches too, of a store that holdfast made', () => {
    const [vault, home] = [scratchFolder(), scratchFolder()];
    makeVault(vault, 70_000);
    writeFileSync(join(vault, 'long film.mkv'), Buffer.alloc(5_000_000, 'several pieces '));
    writeFileSync(join(vault, 'holdfast.json'), '{ "capture": { "chunkAbove": "64KiB" } }');
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', vault, ...args], { env: gitEnvironment(home), encoding: 'utf8' });
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'the first');
    git('branch', 'other');
    setTimes(vault);
    const expected = manifestOf(vault);
    runHoldfast(['snapshot', 'before the flood'], { vault, home });

    const stores = join(home, '.local', 'share', 'holdfast', 'stores');
    const [store] = readdirSync(stores) as [string];
    const { recovered, output } = followGuide(join(stores, store), '6.');
    expect(output).toContain('before the flood');
    const found = manifestOf(recovered);
    // Its own index came to be after the files were looked at.
    for (const path of found.keys()) if (path.startsWith('state/')) found.delete(path);
    // The one thing left out on purpose: set-user-id of files.
    expect(expected.get('run')!.mode).toBe('4755');
    expected.set('run', { ...expected.get('run')!, mode: '755' });
    expect(found).toEqual(expected);
    const gitThere = (...args: string[]): string =>
      execFileSync('git', ['-C', recovered, ...args], { env: gitEnvironment(home), encoding: 'utf8' });
    expect(gitThere('log', '--all', '--format=%H %D')).toBe(git('log', '--all', '--format=%H %D'));
  });

  test('brings back branches, tags, stash, HEAD and the shallow list', () => {
    using oracle = openGitOracle();
    const vault = scratchFolder();
    writeFileSync(join(vault, 'notes.md'), 'changed since the commit');
    const commit = (message: string, parents: string[]): ObjectId => {
      const tree = oracle.git(['mktree'], '').toString().trim();
      const args = parents.flatMap((parent) => ['-p', parent]);
      return oracle
        .git(['commit-tree', '-m', message, ...args, tree])
        .toString()
        .trim() as ObjectId;
    };
    const gone = '1'.repeat(40) as ObjectId;
    const oldest = oracle
      .git(
        ['hash-object', '-t', 'commit', '-w', '--stdin'],
        oracle
          .git(['cat-file', 'commit', commit('x', [])])
          .toString()
          .replace('\n', `\nparent ${gone}\n`),
      )
      .toString()
      .trim() as ObjectId;
    const head = commit('newest', [oldest]);
    const stash = commit('stash', [head]);
    const state: GitState = {
      head,
      branch: 'refs/heads/caf\xc3\xa9 "x"'.replace(' ', '-'),
      refs: [
        { name: 'refs/heads/caf\xc3\xa9-"x"', id: head },
        { name: 'refs/heads/na\xefve', id: oldest },
        { name: 'refs/stash', id: stash },
        { name: 'refs/tags/v1', id: oldest },
      ],
      extraRoots: [],
      shallow: [oldest],
      operations: [],
      historyComplete: true,
    };
    const { recovered } = followGuide(storeOf(vault, { oracle, state }), '6.');
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', recovered, ...args], {
        env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
        encoding: 'latin1',
      });
    expect(git('for-each-ref', '--format=%(objectname) %(refname)').trim().split('\n')).toEqual(
      state.refs.map(({ id, name }) => `${id} ${name}`),
    );
    expect(git('symbolic-ref', 'HEAD').trim()).toBe(state.branch);
    expect(git('log', '--format=%s').trim().split('\n')).toEqual(['newest', 'x']);
    expect(git('stash', 'list').split('\n').length).toBe(2);
    expect(git('status', '--porcelain', '-z')).toBe('?? notes.md\0');
    expect(readFileSync(join(recovered, 'notes.md'), 'utf8')).toBe('changed since the commit');
  });

  test('of a detached HEAD, and of a repository without a commit', () => {
    using oracle = openGitOracle();
    const vault = scratchFolder();
    writeFileSync(join(vault, 'notes.md'), 'x');
    const head = oracle
      .git(['commit-tree', '-m', 'only', oracle.git(['mktree'], '').toString().trim()])
      .toString()
      .trim() as ObjectId;
    const none = { refs: [], extraRoots: [], shallow: [], operations: [], historyComplete: true };
    const detached = followGuide(
      storeOf(vault, { oracle, state: { ...none, head, branch: null, extraRoots: [head] } }),
      '6.',
    );
    expect(readFileSync(join(detached.recovered, '.git', 'HEAD'), 'utf8').trim()).toBe(head);
    const unborn = followGuide(
      storeOf(vault, { oracle, state: { ...none, head: null, branch: 'refs/heads/first' } }),
      '6.',
    );
    expect(existsIn(unborn.recovered)).toEqual(['.git', 'notes.md']);
  });

  test('writes nothing outside, whatever a hostile name blob says', () => {
    using oracle = openGitOracle();
    const vault = scratchFolder();
    writeFileSync(join(vault, 'notes.md'), 'x');
    const store = new PlumbingStore(scratchFolder(), oracle);
    const hostile = ['../escaped', '/tmp/escaped', '..', '.git', 'a/../../escaped', 'notes.md', ''];
    for (const [i, name] of hostile.entries()) {
      mkdirSync(join(vault, `${i}.holdfast-chunks`));
      writeFileSync(join(vault, `${i}.holdfast-chunks`, '00000000'), 'evil');
      writeFileSync(join(vault, `${i}.holdfast-chunks`, 'name'), name);
    }
    mkdirSync(join(vault, '.holdfast-chunks'));
    writeFileSync(join(vault, '.holdfast-chunks', '00000000'), 'evil');
    store.snapshot(Buffer.from(vault), null, { rawNames: true });
    const { recovered } = followGuide(store.directory, '5.');
    const folders = ['.holdfast-chunks', ...hostile.map((_, i) => `${i}.holdfast-chunks`)];
    expect(existsIn(recovered)).toEqual(['.git', ...folders, 'notes.md']);
    expect(readFileSync(join(recovered, 'notes.md'), 'utf8')).toBe('x');
    expect(existsIn(join(recovered, '..'))).toEqual(['.gitconfig', 'recovered']);
  });
});

function existsIn(folder: string): string[] {
  return readdirSync(folder).toSorted();
}

function gitEnvironment(home: string): NodeJS.ProcessEnv {
  const person = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@b' };
  return { PATH: process.env['PATH'], HOME: home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...person };
}

/** Runs the program from its source. */
function runHoldfast(args: readonly string[], { vault, home }: { vault: string; home: string }): void {
  const program = join(import.meta.dirname, '../../src/main.ts');
  const code = `import { main } from ${JSON.stringify(program)}; await main();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', code, 'holdfast', ...args], {
    cwd: vault,
    env: gitEnvironment(home),
    stdio: 'pipe',
  });
}
