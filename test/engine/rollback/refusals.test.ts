import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeRollbackJournal } from '../../../src/format/rollback-journal.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { readStatus } from '../../../src/engine/read-status.ts';
import { findUndo } from '../../../src/engine/rollback/find-undo.ts';
import { abortRollback, resumeRollback } from '../../../src/engine/rollback/resume-rollback.ts';
import type { RollbackPlan } from '../../../src/engine/rollback/plan-rollback.ts';
import { previewRollback } from '../../../src/engine/rollback/run-rollback.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { Label } from '../../../src/model/ids.ts';
import type { LiveTree } from '../../../src/ports/live-tree.ts';
import { manifestOf } from '../../support/folder-manifest.ts';
import {
  contentOf,
  linesOf,
  openRollbackVault,
  type RollbackVault,
  settleTimes,
} from '../../support/rollback-vault.ts';

const gitEnv = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

function git(it: RollbackVault, ...args: string[]): void {
  const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];
  execFileSync('git', [...identity, ...args], { cwd: it.root, env: gitEnv, stdio: 'pipe' });
}

/** Everything in the vault and in `.git`, as bytes, modes and times. */
function everything(it: RollbackVault): string {
  const repository = join(it.root, '.git');
  return JSON.stringify(
    [...contentOf(it.root), ...(existsSync(repository) ? manifestOf(repository) : [])],
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}

async function changedVault(): Promise<{ it: RollbackVault; point: Awaited<ReturnType<RollbackVault['snapshot']>> }> {
  const it = openRollbackVault();
  it.vault.write('a', 'then');
  it.vault.write('b', 'then');
  const point = await it.snapshot('then');
  it.vault.write('a', 'now');
  it.vault.write('b', 'now');
  it.vault.write('c', 'now');
  return { it, point };
}

describe('a rollback refuses, and leaves everything as it is (P4)', () => {
  test.each(['Then', 'then ', 'th\u0435n', ''])('another label: %j', async (confirmLabel) => {
    const { it, point } = await changedVault();
    using _ = it;
    const before = everything(it);
    await expect(it.rollback(point, { confirmLabel })).rejects.toMatchObject({
      code: 'label_mismatch',
      message: `--confirm-label ${JSON.stringify(confirmLabel)} does not match snapshot label "then".`,
    });
    expect(everything(it)).toBe(before);
  });

  test.each([
    ['merge', 'MERGE_HEAD'],
    ['rebase', 'rebase-merge/done'],
    ['cherry-pick', 'CHERRY_PICK_HEAD'],
    ['bisect', 'BISECT_LOG'],
  ])('in the middle of a %s (F32)', async (operation, file) => {
    const { it, point } = await changedVault();
    using _ = it;
    git(it, 'init', '-q');
    mkdirSync(join(it.root, '.git', file, '..'), { recursive: true });
    writeFileSync(join(it.root, '.git', file), '');
    const before = everything(it);
    const expected = { code: 'git_under_way', kind: 'refused', data: { operation } };
    await expect(previewRollback(it.deps, { point, paths: null, allowPartial: false })).rejects.toMatchObject(expected);
    await expect(it.rollback(point)).rejects.toMatchObject(expected);
    expect(everything(it)).toBe(before);
  });

  test('an index with conflicts that no merge left (F32)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    git(it, 'init', '-q');
    git(it, 'add', 'a');
    git(it, 'commit', '-qm', 'a');
    it.vault.write('a', 'stashed');
    git(it, 'stash', '-q');
    it.vault.write('a', 'other');
    git(it, 'commit', '-qam', 'other');
    expect(() => git(it, 'stash', 'pop')).toThrow('stash pop');
    const before = everything(it);
    await expect(it.rollback(point)).rejects.toMatchObject({ code: 'git_under_way', data: { operation: 'conflict' } });
    expect(everything(it)).toBe(before);
  });

  test.each(['index.lock', 'HEAD.lock', 'packed-refs.lock', 'refs/heads/main.lock'])(
    'while git holds %s for more than 5 seconds (F33)',
    async (lock) => {
      const { it, point } = await changedVault();
      using _ = it;
      git(it, 'init', '-q');
      writeFileSync(join(it.root, '.git', lock), '');
      const before = everything(it);
      const startedMs = it.clock.monotonicMs();
      await expect(it.rollback(point)).rejects.toMatchObject({ code: 'git_locked', kind: 'busy' });
      expect(it.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(5_000);
      expect(everything(it)).toBe(before);
    },
  );

  test('and goes on when git lets go in time (F33)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    git(it, 'init', '-q');
    const lock = join(it.root, '.git/index.lock');
    writeFileSync(lock, '');
    let slept = 0;
    const clock = {
      ...it.deps.clock,
      sleep: async (durationMs: number) => {
        await it.clock.sleep(durationMs);
        if (++slept === 3) unlinkSync(lock);
      },
    };
    expect(await it.rollback(point, {}, { ...it.deps, clock })).toMatchObject({ outcome: 'done' });
  });

  test('to a partial snapshot, unless that is wanted', async () => {
    using it = openRollbackVault();
    it.vault.write('a', 'then');
    const whole = await it.snapshot('then');
    const point = {
      ...whole,
      record: {
        ...whole.record,
        complete: false,
        problems: [{ path: 'lost', code: 'unreadable_file' as const, message: 'permission denied' }],
      },
    };
    it.vault.write('a', 'now');
    it.vault.write('lost', 'unknown to the snapshot');
    await expect(it.rollback(point)).rejects.toMatchObject({ code: 'snapshot_partial', kind: 'refused' });
    const outcome = await it.rollback(point, { allowPartial: true });
    expect(outcome.problems).toEqual([{ path: 'lost', code: 'left_alone', message: 'permission denied' }]);
    expect(readFileSync(join(it.root, 'lost'), 'utf8')).toBe('unknown to the snapshot');
    expect(readFileSync(join(it.root, 'a'), 'utf8')).toBe('then');
  });

  test('when the safety snapshot does not reach the store, unless this machine will do (exit 5)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const before = everything(it);
    it.storage.hooks = {
      beforeCall(operation) {
        if (operation === 'putIfAbsent' || operation === 'put')
          throw new HoldfastError('storage_unavailable', 'The store cannot be reached.');
      },
    };
    await expect(it.rollback(point)).rejects.toMatchObject({ code: 'storage_unavailable', kind: 'storage' });
    expect(everything(it)).toBe(before);
    expect(await it.rollback(point, { localSafety: true })).toMatchObject({ outcome: 'done', changed: 2, setAside: 1 });
  });

  test('when the store has lost or damaged what it needs (S12, K05): nothing moves', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const before = everything(it);
    for (const { key } of point.record.packs) {
      const bytes = it.storage.peek(key)!;
      it.storage.poke(
        key,
        bytes.map((byte, i) => (i > 20 ? byte ^ 0x55 : byte)),
      );
    }
    rmSync(join(it.vault.privateFolder, 'cache/packs'), { recursive: true, force: true });
    await expect(it.rollback(point)).rejects.toMatchObject({ kind: 'integrity' });
    expect(everything(it)).toBe(before);
    expect(await it.deps.rollbackJournal.load()).toBeNull();
  });

  test('while another holdfast works on the vault (X09)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const before = everything(it);
    await using _lock = await it.deps.vaultLock.acquire('rollback');
    await expect(it.rollback(point)).rejects.toMatchObject({ code: 'vault_locked', kind: 'busy' });
    await expect(resumeRollback(it.deps)).rejects.toMatchObject({ code: 'vault_locked', kind: 'busy' });
    await expect(abortRollback(it.deps)).rejects.toMatchObject({ code: 'vault_locked', kind: 'busy' });
    expect(everything(it)).toBe(before);
  });

  test('when a staged file cannot be made durable (Q16)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const before = everything(it);
    const liveTree = withMover(it.deps.liveTree, (mover) => {
      mover.sync = () => Promise.reject(new HoldfastError('local_io', 'Cannot make moved files durable: EIO.'));
    });
    await expect(it.rollback(point, {}, { ...it.deps, liveTree })).rejects.toMatchObject({
      code: 'local_io',
      kind: 'local',
    });
    expect(everything(it)).toBe(before);
    expect(await it.deps.rollbackJournal.load()).toBeNull();
  });
});

describe('a rollback that is pending', () => {
  test('stops before a file that was changed after the safety snapshot, and can be aborted (P6)', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    settleTimes(it.root, 1_700_000_000_000);
    const onPlan = (): void => writeFileSync(join(it.root, 'b'), 'newer than any snapshot');
    const before = linesOf(it.manifest()).filter((line) => !line.startsWith('b '));
    await expect(it.rollback(point, { onPlan })).rejects.toMatchObject({
      code: 'live_changed',
      kind: 'pending',
      message: '"b" was changed after the safety snapshot, so the rollback stopped before it.',
      hint: 'Finish it with: holdfast rollback --resume   or take it back with: holdfast rollback --abort',
    });
    expect(readFileSync(join(it.root, 'b'), 'utf8')).toBe('newer than any snapshot');
    expect((await readStatus(it.deps)).reasons[0]).toMatchObject({
      colour: 'red',
      remedy: 'holdfast rollback --resume',
    });
    await expect(resumeRollback(it.deps)).rejects.toMatchObject({ code: 'live_changed' });
    const outcome = await abortRollback(it.deps);
    expect(outcome.problems).toEqual([{ path: 'b', code: 'left_alone', message: 'changed since, and left as it is' }]);
    expect(readFileSync(join(it.root, 'b'), 'utf8')).toBe('newer than any snapshot');
    expect(linesOf(it.manifest()).filter((line) => !line.startsWith('b '))).toEqual(before);
  });

  test('resumes once the changed file is out of the way', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const onPlan = (): void => writeFileSync(join(it.root, 'b'), 'newer than any snapshot');
    await expect(it.rollback(point, { onPlan })).rejects.toMatchObject({ code: 'live_changed' });
    rmSync(join(it.root, 'b'));
    expect(await resumeRollback(it.deps)).toMatchObject({ outcome: 'done' });
    expect(readFileSync(join(it.root, 'b'), 'utf8')).toBe('then');
  });

  test('keeps a file that appears where one is brought back', async () => {
    using it = openRollbackVault();
    it.vault.write('a', 'then');
    const point = await it.snapshot('then');
    rmSync(join(it.root, 'a'));
    const onPlan = (): void => writeFileSync(join(it.root, 'a'), 'made meanwhile');
    await expect(it.rollback(point, { onPlan })).rejects.toMatchObject({ code: 'live_changed' });
    expect(readFileSync(join(it.root, 'a'), 'utf8')).toBe('made meanwhile');
  });

  test('never follows a folder that became a link', async () => {
    using it = openRollbackVault();
    it.vault.write('folder/a', 'then');
    const point = await it.snapshot('then');
    it.vault.write('folder/a', 'now');
    const outside = join(it.root, '../outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'a'), 'not ours');
    const onPlan = (): void => {
      rmSync(join(it.root, 'folder'), { recursive: true });
      symlinkSync(outside, join(it.root, 'folder'));
    };
    await expect(it.rollback(point, { onPlan })).rejects.toMatchObject({ kind: 'pending' });
    expect(readFileSync(join(outside, 'a'), 'utf8')).toBe('not ours');
  });

  test('with a damaged journal says so, and moves nothing', async () => {
    const { it, point } = await changedVault();
    using _ = it;
    const onPlan = (): void => writeFileSync(join(it.root, 'b'), 'newer');
    await expect(it.rollback(point, { onPlan })).rejects.toMatchObject({ code: 'live_changed' });
    const bytes = (await it.deps.rollbackJournal.load())!;
    const before = everything(it);
    for (let at = 0; at < bytes.length; at += 97) {
      const bad = Uint8Array.from(bytes);
      bad[at]! ^= 1;
      await it.deps.rollbackJournal.save(bad);
      await expect(resumeRollback(it.deps), `byte ${at}`).rejects.toMatchObject({
        code: 'journal_invalid',
        kind: 'integrity',
      });
      await it.deps.rollbackJournal.save(bytes.subarray(0, at));
      await expect(abortRollback(it.deps), `cut at ${at}`).rejects.toMatchObject({ code: 'journal_invalid' });
    }
    expect(everything(it)).toBe(before);
  });

  test.each(['../outside', '/etc/passwd', '.git/config', 'a/../../b', ''])(
    'refuses a journal that names %j',
    async (path) => {
      const { it, point } = await changedVault();
      using _ = it;
      const bytes = encodeRollbackJournal({
        target: point.record.id,
        safety: point.record.id,
        startedAt: '2026-03-01T09:00:00.000Z',
        folder: 'rollback-x',
        paths: null,
        leftAlone: 0,
        folders: [{ path, before: null, after: null }],
        files: [],
      });
      await it.deps.rollbackJournal.save(bytes);
      await expect(resumeRollback(it.deps)).rejects.toMatchObject({ code: 'journal_invalid' });
      await expect(takeSnapshot(it.deps, { label: 'x' as Label, kind: 'manual' })).rejects.toMatchObject({
        code: 'journal_invalid',
      });
    },
  );
});

describe('what is not captured stays (F35)', () => {
  test('ignored files, in a folder that goes and in the place of a file that comes', async () => {
    using it = openRollbackVault();
    const at = (path: string): string => join(it.root, path);
    it.vault.write('keep', 'then');
    it.vault.write('later-ignored', 'captured then');
    it.vault.write('later-ignored-folder/x', 'captured then');
    it.vault.write('later-folder', 'a file then');
    const point = await it.snapshot('then');
    it.vault.write('.gitignore', 'later-ignored\nlater-ignored-folder/\nsecret.bin\n');
    it.vault.write('later-ignored', 'precious, ignored now');
    it.vault.write('later-ignored-folder/x', 'precious, ignored now');
    rmSync(at('later-folder'));
    it.vault.write('later-folder/captured', 'now');
    it.vault.write('later-folder/secret.bin', 'precious');
    it.vault.write('made-later/captured', 'now');
    it.vault.write('made-later/.env', 'TOKEN=precious');
    const outcome = await it.rollback(point);
    expect(outcome.problems.map(({ path }) => path).toSorted()).toEqual([
      'later-folder',
      'later-ignored',
      'later-ignored-folder/x',
    ]);
    expect(readFileSync(at('later-ignored'), 'utf8')).toBe('precious, ignored now');
    expect(readFileSync(at('later-ignored-folder/x'), 'utf8')).toBe('precious, ignored now');
    expect(readFileSync(at('later-folder/secret.bin'), 'utf8')).toBe('precious');
    expect(readFileSync(at('made-later/.env'), 'utf8')).toBe('TOKEN=precious');
    expect(contentOf(it.root).has('made-later/captured')).toBe(false);
  });

  test('and stays when the ignore rules themselves go back and forth', async () => {
    using it = openRollbackVault();
    it.vault.write('notes.md', 'then');
    const point = await it.snapshot('then');
    it.vault.write('.gitignore', '*.log\n/cache/\n/one.tmp\n');
    it.vault.write('a.log', 'ignored');
    it.vault.write('deep/b.log', 'ignored');
    it.vault.write('cache/x', 'ignored');
    it.vault.write('one.tmp', 'ignored');
    it.vault.write('notes.md', 'now');
    // Later than anything the clock of this machine gave those files.
    it.clock.advance(Date.now() - it.clock.now().getTime() + 60_000);
    settleTimes(it.root, 1_700_000_000_000);
    const before = linesOf(it.manifest());
    await it.rollback(point);
    expect(readFileSync(join(it.root, 'notes.md'), 'utf8')).toBe('then');
    const kept: string[] = [];
    const onPlan = (plan: RollbackPlan): void => void kept.push(...plan.kept.map(({ path }) => path));
    const undone = await it.rollback(await it.point(await findUndo(it.deps)), { onPlan });
    expect(undone.problems).toEqual([]);
    expect(kept.toSorted()).toEqual(['a.log', 'cache', 'deep/b.log', 'one.tmp']);
    expect(linesOf(it.manifest())).toEqual(before);
  });

  test('a folder that cannot be read is left as unknown (F13)', async () => {
    using it = openRollbackVault();
    it.vault.write('shut/a', 'then');
    it.vault.write('open', 'then');
    const point = await it.snapshot('then');
    it.vault.write('shut/a', 'now');
    it.vault.write('open', 'now');
    const scan = it.deps.workingTree.scan.bind(it.deps.workingTree);
    // The superuser can read every folder, so the scan is told that it could not.
    const workingTree = {
      ...it.deps.workingTree,
      scan: async (options: Parameters<typeof scan>[0]) => {
        const found = await scan(options);
        const row = found.tree.find('shut');
        if (row >= 0) found.tree.flags[row]! |= 16;
        return {
          ...found,
          problems: [{ path: 'shut', code: 'unreadable_folder' as const, message: 'permission denied' }],
        };
      },
    };
    const outcome = await it.rollback(point, {}, { ...it.deps, workingTree });
    expect(outcome.problems).toEqual([{ path: 'shut', code: 'left_alone', message: 'permission denied' }]);
    expect(readFileSync(join(it.root, 'shut/a'), 'utf8')).toBe('now');
    expect(readFileSync(join(it.root, 'open'), 'utf8')).toBe('then');
  });

  test('what git has is not touched: index, refs, HEAD, a nested repository (F22, P4)', async () => {
    using it = openRollbackVault();
    git(it, 'init', '-q');
    it.vault.write('tracked', 'then');
    git(it, 'add', '.');
    git(it, 'commit', '-qm', 'then');
    it.vault.write('nested/file', 'then');
    execFileSync('git', ['init', '-q'], { cwd: join(it.root, 'nested'), env: gitEnv });
    const point = await it.snapshot('then');
    it.vault.write('tracked', 'now');
    it.vault.write('nested/file', 'now');
    git(it, 'add', 'tracked');
    git(it, 'commit', '-qm', 'now');
    git(it, 'branch', 'side');
    const repositories = ['.git', 'nested/.git'].map((path) => join(it.root, path));
    const before = repositories.map((path) => linesOf(manifestOf(path)));
    await it.rollback(point);
    expect(repositories.map((path) => linesOf(manifestOf(path)))).toEqual(before);
    expect(readFileSync(join(it.root, 'tracked'), 'utf8')).toBe('then');
    expect(readFileSync(join(it.root, 'nested/file'), 'utf8')).toBe('then');
  });

  test('the index of holdfast and its settings are never rolled back', async () => {
    using it = openRollbackVault();
    it.vault.write('a', 'then');
    const point = await it.snapshot('then');
    it.vault.write('holdfast.json', '{ "format": 1 }');
    it.vault.write('a', 'now');
    await it.rollback(point);
    const { rows, damage } = await it.deps.snapshotIndex.read();
    expect(damage).toEqual([]);
    expect(rows.map(({ event }) => event.event)).toEqual(['snapshot', 'snapshot', 'rollback']);
    expect(rows.at(-1)!.event).toMatchObject({
      outcome: 'done',
      id: point.record.id,
      changed: 1,
      undo: 'holdfast rollback --undo',
    });
    expect(readFileSync(join(it.root, 'holdfast.json'), 'utf8')).toBe('{ "format": 1 }');
  });

  test('odd permissions: files nobody may write, folders nobody may enter', async () => {
    using it = openRollbackVault();
    it.vault.write('folder/deep/a', 'then');
    chmodSync(join(it.root, 'folder/deep/a'), 0o400);
    chmodSync(join(it.root, 'folder/deep'), 0o500);
    chmodSync(join(it.root, 'folder'), 0o555);
    const after = linesOf(it.manifest());
    const point = await it.snapshot('then');
    chmodSync(join(it.root, 'folder'), 0o755);
    chmodSync(join(it.root, 'folder/deep'), 0o755);
    rmSync(join(it.root, 'folder/deep'), { recursive: true });
    it.vault.write('folder/other', 'now');
    chmodSync(join(it.root, 'folder'), 0o500);
    await it.rollback(point);
    expect(linesOf(it.manifest())).toEqual(after);
    chmodSync(join(it.root, 'folder'), 0o755);
    chmodSync(join(it.root, 'folder/deep'), 0o755);
  });
});

/** The live tree with every mover changed before it is given out. */
function withMover(tree: LiveTree, change: (mover: ReturnType<LiveTree['openMover']>) => void): LiveTree {
  return {
    ...tree,
    openMover(directory) {
      const mover = tree.openMover(directory);
      change(mover);
      return mover;
    },
  };
}
