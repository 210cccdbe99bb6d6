import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { abortRollback, resumeRollback } from '../../../src/engine/rollback/resume-rollback.ts';
import { findUndo } from '../../../src/engine/rollback/find-undo.ts';
import type { Label } from '../../../src/model/ids.ts';
import type { RestorePoint } from '../../../src/model/restore-point.ts';
import {
  crashingDeps,
  type CrashPoint,
  linesOf,
  openRollbackVault,
  type RollbackVault,
  settleTimes,
  SimulatedCrash,
} from '../../support/rollback-vault.ts';

interface Prepared {
  readonly it: RollbackVault;
  readonly point: RestorePoint;
  readonly before: string[];
  readonly after: string[];
}

/** Little of everything, because every step is killed: two swaps, a link, a read-only folder, a touched file, an empty folder. */
async function prepare(): Promise<Prepared> {
  const it = openRollbackVault();
  const at = (path: string): string => join(it.root, path);
  it.vault.write('changed', 'then');
  it.vault.write('gone', 'then');
  it.vault.write('touched', 'same');
  it.vault.write('locked/inside', 'then');
  it.vault.write('to-folder', 'file then');
  it.vault.write('to-file/x', 'folder then');
  symlinkSync('changed', at('link'));
  mkdirSync(at('empty'));
  settleTimes(it.root, 1_600_000_000_000);
  chmodSync(at('locked'), 0o555);
  const after = linesOf(it.manifest());
  const point = await it.snapshot('then');

  chmodSync(at('locked'), 0o755);
  writeFileSync(at('changed'), 'now');
  rmSync(at('gone'));
  chmodSync(at('touched'), 0o600);
  it.vault.write('locked/inside', 'now');
  rmSync(at('to-folder'));
  it.vault.write('to-folder/y', 'folder now');
  rmSync(at('to-file'), { recursive: true });
  it.vault.write('to-file', 'file now');
  rmSync(at('link'));
  symlinkSync('gone', at('link'));
  rmSync(at('empty'), { recursive: true });
  it.vault.write('new/file', 'now');
  settleTimes(it.root, 1_700_000_000_000);
  chmodSync(at('locked'), 0o555);
  return { it, point, before: linesOf(it.manifest()), after };
}

/** Runs the rollback until it dies at the n-th changing call; false when it came to its end first. */
async function dieAt({ it, point }: Prepared, at: CrashPoint): Promise<boolean> {
  try {
    await it.rollback(point, {}, crashingDeps(it.deps, at));
    return false;
  } catch (error) {
    if (error instanceof SimulatedCrash) return true;
    throw error;
  }
}

async function abortDiesAt({ it }: Prepared, at: CrashPoint): Promise<boolean> {
  try {
    await abortRollback(crashingDeps(it.deps, at));
    return false;
  } catch (error) {
    if (error instanceof SimulatedCrash) return true;
    throw error;
  }
}

async function isPending({ it }: Prepared): Promise<boolean> {
  return (await it.deps.rollbackJournal.load()) !== null;
}

/** Nothing else may start: what stands in the vault is neither side. */
async function assertHeld({ it, point }: Prepared): Promise<void> {
  const pending = { code: 'rollback_pending', kind: 'pending' };
  await expect(takeSnapshot(it.deps, { label: null, kind: 'manual' })).rejects.toMatchObject(pending);
  await expect(it.rollback(point)).rejects.toMatchObject(pending);
}

/** What an interrupted vault can be, by what is expected of it afterwards. */
async function finish(made: Prepared, by: 'resume' | 'abort'): Promise<string[]> {
  const { it } = made;
  const outcome = await (by === 'resume' ? resumeRollback : abortRollback)(it.deps);
  expect(outcome).toMatchObject({ outcome: by === 'resume' ? 'done' : 'aborted', problems: [] });
  return by === 'resume' ? made.after : made.before;
}

const whens = ['before', 'after'] as const;

describe('a rollback killed at every step (P6, Q02)', () => {
  test.each(whens)('resumes to the target, %s each call', async (when) => {
    let pendingDeaths = 0;
    for (let call = 1; ; call++) {
      const made = await prepare();
      using it = made.it;
      if (!(await dieAt(made, { call, when }))) break;
      // Before there is a journal nothing has moved; once there is none any more everything has.
      let allowed = [made.before, made.after];
      if (await isPending(made)) {
        pendingDeaths++;
        await assertHeld(made);
        allowed = [await finish(made, 'resume')];
      }
      expect(allowed, `call ${call}`).toContainEqual(linesOf(it.manifest()));
      expect(await isPending(made)).toBe(false);
      const { rows } = await it.deps.snapshotIndex.read();
      expect(rows.filter(({ event }) => event.event === 'rollback').length).toBeLessThanOrEqual(1);
    }
    expect(pendingDeaths).toBeGreaterThan(20);
  });

  test('aborts to what was before', async () => {
    for (let call = 1; ; call++) {
      // The other half of the calls is taken by the test of resuming, where both moments leave the same states.
      const made = await prepare();
      using it = made.it;
      if (!(await dieAt(made, { call, when: whens[call % 2]! }))) break;
      const allowed = (await isPending(made)) ? [await finish(made, 'abort')] : [made.before, made.after];
      expect(allowed, `call ${call}`).toContainEqual(linesOf(it.manifest()));
    }
  });

  test('an abort that is killed can be aborted again, or resumed', async () => {
    for (let call = 1; ; call++) {
      const made = await prepare();
      using it = made.it;
      // Dies in the last move, so that there is as much as possible to take back.
      expect(await dieAt(made, { call: lastMove, when: 'after' })).toBe(true);
      if (!(await abortDiesAt(made, { call, when: whens[call % 2]! }))) break;
      const isOpen = await isPending(made);
      const expected = isOpen ? await finish(made, call % 3 === 0 ? 'resume' : 'abort') : made.before;
      expect(linesOf(it.manifest()), `call ${call}`).toEqual(expected);
    }
  });

  test('without its holding folder it cannot be resumed, and aborting leaves no file missing', async () => {
    const made = await prepare();
    using it = made.it;
    await dieAt(made, { call: lastMove, when: 'after' });
    rmSync(join(it.root, '_restore'), { recursive: true });
    await expect(resumeRollback(it.deps)).rejects.toMatchObject({ kind: 'pending' });
    const { outcome, problems } = await abortRollback(it.deps);
    expect(outcome).toBe('aborted');
    expect(problems.length).toBeGreaterThan(0);
    const { points } = await listSnapshots(it.deps, { refresh: 'always' });
    const safety = points.find(({ record }) => record.kind === 'pre-rollback')!;
    await it.rollback(safety);
    expect(linesOf(it.manifest())).toEqual(made.before);
  });

  test('what was resumed can be undone', async () => {
    const made = await prepare();
    using it = made.it;
    await dieAt(made, { call: lastMove, when: 'before' });
    await resumeRollback(it.deps);
    await it.rollback(await it.point(await findUndo(it.deps)));
    expect(linesOf(it.manifest())).toEqual(made.before);
  });

  test('once resumed or aborted, nothing is pending', async () => {
    const made = await prepare();
    using it = made.it;
    await it.rollback(made.point);
    await expect(resumeRollback(it.deps)).rejects.toMatchObject({ code: 'rollback_none' });
    await expect(abortRollback(it.deps)).rejects.toMatchObject({ code: 'rollback_none' });
    it.clock.advance(1_000);
    await takeSnapshot(it.deps, { label: 'after' as Label, kind: 'manual' });
  });
});

/** A call near the end of moving; the test above shows that dying there leaves a journal. */
const lastMove = 24;
