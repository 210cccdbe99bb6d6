import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findUndo } from '../../../src/engine/rollback/find-undo.ts';
import { previewRollback } from '../../../src/engine/rollback/run-rollback.ts';
import { linesOf, openRollbackVault, settleTimes } from '../../support/rollback-vault.ts';

describe('a rollback', () => {
  test('brings contents, modes, times, links and empty folders back, and undo takes it back (P6)', async () => {
    using it = openRollbackVault();
    const at = (path: string): string => join(it.root, path);
    it.vault.write('notes/plan.md', 'the plan');
    it.vault.write('notes/old.md', 'old');
    it.vault.write('bin/run', '#!/bin/sh');
    chmodSync(at('bin/run'), 0o755);
    it.vault.write('swap-to-folder', 'a file');
    it.vault.write('swap-to-file/deep/x', 'in a folder');
    it.vault.write('Case.md', 'case');
    it.vault.write('same.md', 'same');
    mkdirSync(at('empty/inner'), { recursive: true });
    symlinkSync('notes/plan.md', at('link'));
    symlinkSync('gone', at('was-link'));
    settleTimes(it.root, 1_600_000_000_000);
    const target = linesOf(it.manifest());
    const point = await it.snapshot('before');

    writeFileSync(at('notes/plan.md'), 'another plan');
    rmSync(at('notes/old.md'));
    chmodSync(at('bin/run'), 0o644);
    rmSync(at('swap-to-folder'));
    it.vault.write('swap-to-folder/a/b', 'now a folder');
    rmSync(at('swap-to-file'), { recursive: true });
    it.vault.write('swap-to-file', 'now a file');
    renameSync(at('Case.md'), at('case.md'));
    rmSync(at('empty'), { recursive: true });
    rmSync(at('link'));
    it.vault.write('link', 'no link');
    rmSync(at('was-link'));
    symlinkSync('elsewhere', at('was-link'));
    it.vault.write('new/one', '1');
    mkdirSync(at('new/hollow'));
    settleTimes(it.root, 1_700_000_000_000);
    const before = linesOf(it.manifest());

    const outcome = await it.rollback(point);
    expect(outcome).toMatchObject({ outcome: 'done', problems: [] });
    expect(linesOf(it.manifest())).toEqual(target);
    expect(readFileSync(at(`_restore/${outcome.keptIn}/set-aside/new/one`), 'utf8')).toBe('1');
    expect(existsSync(at(`_restore/${outcome.keptIn}/staged`))).toBe(false);

    const safety = await it.point(await findUndo(it.deps));
    expect(safety.record).toMatchObject({ kind: 'pre-rollback', label: `pre-rollback-${point.record.id}` });
    await it.rollback(safety);
    expect(linesOf(it.manifest())).toEqual(before);
  });

  test('limited to paths touches nothing else', async () => {
    using it = openRollbackVault();
    it.vault.write('a/one', '1');
    it.vault.write('a/two', '2');
    it.vault.write('b/one', '1');
    const point = await it.snapshot('before');
    it.vault.write('a/one', 'changed');
    it.vault.write('a/three', 'new');
    it.vault.write('b/one', 'changed');
    await it.rollback(point, { paths: ['a/one', 'a/three'] });
    expect(readFileSync(join(it.root, 'a/one'), 'utf8')).toBe('1');
    expect(existsSync(join(it.root, 'a/three'))).toBe(false);
    expect(readFileSync(join(it.root, 'b/one'), 'utf8')).toBe('changed');
  });

  test('costs what changed: a plan over an unchanged vault reads no folder below the root', async () => {
    using it = openRollbackVault();
    for (let i = 0; i < 50; i++) it.vault.write(`d${i}/file`, String(i));
    const point = await it.snapshot('before');
    it.vault.write('d7/file', 'other');
    const plan = await previewRollback(it.deps, { point, paths: null, allowPartial: false });
    expect(plan).toMatchObject({ changed: 1, broughtBack: 0, setAside: 0, leftAlone: [] });
    expect(plan.paths).toEqual([{ path: 'd7/file', what: 'change' }]);
  });
});
