import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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

async function isPending({ it }: Prepared): Promise<boolean> {
  return (await it.deps.rollbackJournal.load()) !== null;
}

const whens = ['before', 'after'] as const;

describe('a rollback killed at every step (P6, Q02)', () => {
  test.each(whens)('resumes to the target, %s each call', async (when) => {
    let deaths = 0;
    for (let call = 1; ; call++) {
      const made = await prepare();
      using it = made.it;
      if (!(await dieAt(made, { call, when }))) break;
      deaths++;
      if (await isPending(made)) {
        await expect(takeSnapshot(it.deps, { label: null, kind: 'manual' }), 'snapshot waits').rejects.toMatchObject({
          code: 'rollback_pending',
          kind: 'pending',
        });
        await expect(it.rollback(made.point)).rejects.toMatchObject({ code: 'rollback_pending' });
        expect(await resumeRollback(it.deps)).toMatchObject({ outcome: 'done', problems: [] });
        expect(linesOf(it.manifest()), `resumed from call ${call}`).toEqual(made.after);
        const { rows } = await it.deps.snapshotIndex.read();
        expect(rows.filter(({ event }) => event.event === 'rollback')).toHaveLength(1);
      } else {
        // Before the journal nothing has moved; after it everything has.
        expect([made.before, made.after], `call ${call}`).toContainEqual(linesOf(it.manifest()));
      }
      expect(await isPending(made)).toBe(false);
    }
    expect(deaths).toBeGreaterThan(20);
  });

  test('aborts to what was before', async () => {
    for (let call = 1; ; call++) {
      // The other half of the calls is taken by the test of resuming, where both moments leave the same states.
      const when = whens[call % 2]!;
      const made = await prepare();
      using it = made.it;
      if (!(await dieAt(made, { call, when }))) break;
      if (!(await isPending(made))) continue;
      expect(await abortRollback(it.deps)).toMatchObject({ outcome: 'aborted', problems: [] });
      expect(linesOf(it.manifest()), `aborted from call ${call}`).toEqual(made.before);
    }
  });

  test('an abort that is killed can be aborted again, or resumed', async () => {
    for (let call = 1; ; call++) {
      const made = await prepare();
      using it = made.it;
      // Dies in the last move, so that there is as much as possible to take back.
      expect(await dieAt(made, { call: lastMove, when: 'after' })).toBe(true);
      try {
        await abortRollback(crashingDeps(it.deps, { call, when: call % 2 === 0 ? 'before' : 'after' }));
        break;
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error;
      }
      if (!(await isPending(made))) continue;
      if (call % 3 === 0) {
        await resumeRollback(it.deps);
        expect(linesOf(it.manifest()), `resumed after abort ${call}`).toEqual(made.after);
      } else {
        await abortRollback(it.deps);
        expect(linesOf(it.manifest()), `aborted after abort ${call}`).toEqual(made.before);
      }
    }
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
