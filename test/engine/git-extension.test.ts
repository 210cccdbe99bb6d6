import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openGitPusher } from '../../src/adapters/git/open-git-pusher.ts';
import { openProgramRunner } from '../../src/adapters/process/open-program-runner.ts';
import { assessRefs, type RefsReason } from '../../src/engine/assess-refs.ts';
import { createGitExtension } from '../../src/engine/git-extension.ts';
import { scanLive } from '../../src/engine/scan-live.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { nothingKnown } from '../support/memory-object-writer.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault } from '../support/test-vault.ts';

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

function repository() {
  const root = join(scratchFolder(), 'vault');
  mkdirSync(root);
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, env, stdio: 'pipe' }).toString();
  git('init', '-q', '-b', 'main');
  let number = 0;
  const commit = (): void => {
    writeFileSync(join(root, 'file'), `${number++}`);
    git('add', '.');
    git('commit', '-q', '-m', `${number}`);
  };
  commit();
  commit();
  commit();
  const { deps } = openTestVault({ root, storage: createMemoryStorage() });
  const state = async () => (await deps.repository.readState()).state;
  /** What a piece of work looks like to the watcher. */
  const reasonsOf = async (work: () => void): Promise<readonly RefsReason[]> => {
    const before = await state();
    work();
    return assessRefs(before, await state(), (older, newer) => deps.repository.isAncestor(older, newer));
  };
  return { root, git, commit, deps, state, reasonsOf };
}

describe('git awareness', () => {
  test('ordinary work asks for nothing at once', async () => {
    const { git, commit, reasonsOf } = repository();
    expect(await reasonsOf(commit)).toEqual([]);
    expect(await reasonsOf(() => git('switch', '-q', '-c', 'other', 'HEAD~2'))).toEqual([]);
    expect(await reasonsOf(() => git('tag', 'v1'))).toEqual([]);
    expect(await reasonsOf(() => git('switch', '-q', 'main'))).toEqual([]);
    expect(await reasonsOf(() => git('branch', '-f', 'other', 'main'))).toEqual([]);
    expect(await reasonsOf(() => git('gc', '-q'))).toEqual([]);
  });

  test('a HEAD that moves back, a ref that is forced or deleted, an operation that begins ask for a snapshot', async () => {
    const { root, git, commit, reasonsOf } = repository();
    expect(await reasonsOf(() => git('reset', '-q', '--hard', 'HEAD~1'))).toEqual(['head_moved_back', 'ref_forced']);
    expect(await reasonsOf(() => git('commit', '-q', '--amend', '-m', 'x'))).toEqual(['head_moved_back', 'ref_forced']);
    git('branch', 'side');
    git('tag', 'v1');
    commit();
    git('tag', 'v2', 'HEAD');
    expect(await reasonsOf(() => git('tag', '-f', 'v2', 'HEAD~1'))).toEqual(['ref_forced']);
    expect(await reasonsOf(() => git('branch', '-D', 'side'))).toEqual(['ref_deleted']);
    expect(await reasonsOf(() => git('tag', '-d', 'v1'))).toEqual(['ref_deleted']);
    writeFileSync(join(root, 'file'), 'edited');
    git('stash', '-q');
    expect(await reasonsOf(() => git('stash', 'drop', '-q'))).toEqual(['ref_deleted']);
    git('switch', '-q', '-c', 'conflict', 'HEAD~1');
    commit();
    const began = await reasonsOf(() => {
      try {
        git('merge', 'main');
      } catch {
        // It stops at a conflict, which is the point.
      }
    });
    expect(began).toContain('operation_started');
  });

  test('the watcher hears of it, and of nothing when nothing changed', async () => {
    const { git, commit, deps } = repository();
    const extension = createGitExtension(deps, { push: null });
    const { signal } = new AbortController();
    await extension.refsChanged!(signal);
    expect(await extension.refsChanged!(signal)).toBe('nothing');
    commit();
    expect(await extension.refsChanged!(signal)).toBe('snapshot_soon');
    git('reset', '-q', '--hard', 'HEAD~2');
    expect(await extension.refsChanged!(signal)).toBe('snapshot_now');
  });

  test('counts what the branch and its upstream have over each other', async () => {
    const { root, git, commit, deps } = repository();
    expect(await deps.repository.summary()).toMatchObject({ upstream: null, ahead: null, behind: null });
    git('init', '-q', '--bare', '../remote.git');
    git('remote', 'add', 'origin', join(root, '../remote.git'));
    git('push', '-q', '-u', 'origin', 'main');
    expect(await deps.repository.summary()).toMatchObject({ ahead: 0, behind: 0, unpushedCommits: 0 });
    git('reset', '-q', '--hard', 'HEAD~2');
    commit();
    expect(await deps.repository.summary()).toMatchObject({
      upstream: { remote: 'origin', branch: 'refs/heads/main', trackedBy: 'refs/remotes/origin/main' },
      ahead: 1,
      behind: 2,
    });
  });

  test('counts changed and untracked files as git does', async () => {
    const { root, git, deps } = repository();
    const counted = async () => {
      const { tree } = await scanLive(deps, { known: nothingKnown });
      return deps.repository.countWork({ tree, except: 'state/log' });
    };
    writeFileSync(join(root, 'second'), 'x');
    git('add', 'second');
    expect(await counted()).toEqual({ dirty: 0, untracked: 0 });
    writeFileSync(join(root, 'file'), 'other content');
    rmSync(join(root, 'second'));
    writeFileSync(join(root, 'new'), 'x');
    writeFileSync(join(root, '.gitignore'), 'ignored\n');
    writeFileSync(join(root, 'ignored'), 'x');
    expect(await counted()).toEqual({ dirty: 2, untracked: 2 });
    for (const format of ['3', '4']) {
      git('update-index', '--index-version', format);
      expect(await counted()).toEqual({ dirty: 2, untracked: 2 });
    }
    git('update-index', '--split-index');
    expect(await counted()).toBeNull();
  });
});

describe('git.autoPush', () => {
  const programs = openProgramRunner({ env, redact: (text) => text });

  test('pushes the current branch to its upstream, and nothing else', async () => {
    const { root, git, commit, deps } = repository();
    git('init', '-q', '--bare', '../remote.git');
    git('remote', 'add', 'origin', join(root, '../remote.git'));
    git('push', '-q', '-u', 'origin', 'main');
    git('branch', 'private');
    commit();
    const { signal } = new AbortController();
    await createGitExtension(deps, { push: openGitPusher({ root, programs }) }).tick!(signal);
    expect(git('ls-remote', '--heads', 'origin')).toMatch(/^[0-9a-f]+\trefs\/heads\/main\n$/);
    expect(git('rev-parse', 'origin/main')).toBe(git('rev-parse', 'main'));
  });

  test('Q11: never forces; a refusal is an alert, and no reason to try at every turn', async () => {
    const { root, git, commit, deps } = repository();
    git('init', '-q', '--bare', '../remote.git');
    git('remote', 'add', 'origin', join(root, '../remote.git'));
    git('push', '-q', '-u', 'origin', 'main');
    const theirs = git('rev-parse', 'main');
    git('reset', '-q', '--hard', 'HEAD~1');
    commit();
    let tries = 0;
    const push = openGitPusher({ root, programs });
    const counted: typeof push = async (...asked) => {
      tries++;
      return push(...asked);
    };
    const { signal } = new AbortController();
    const extension = createGitExtension(deps, { push: counted });
    await extension.tick!(signal);
    await extension.tick!(signal);
    expect(tries).toBe(1);
    expect(git('ls-remote', 'origin', 'main').split('\t')[0]).toBe(theirs.trim());
    const { rows } = await deps.snapshotIndex.read();
    expect(rows.at(-1)!.event).toMatchObject({ event: 'alert', kind: 'unpushed', text: 'an automatic push failed' });
    expect(
      await push({ remote: 'nowhere', branch: 'refs/heads/main', trackedBy: '' }, 'refs/heads/main', signal),
    ).toMatch(/^git ended with code/);
    const nobody = openGitPusher({
      root,
      programs: openProgramRunner({ env: { PATH: '/nothing' }, redact: (text) => text }),
    });
    expect(await nobody({ remote: 'origin', branch: 'x', trackedBy: '' }, 'x', signal)).toBe('there is no git program');
  });
});
