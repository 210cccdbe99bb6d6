import { lstatSync, renameSync, rmSync, utimesSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Scan } from '../../src/ports/working-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault, cacheOf, pathsIn, scanOf } from '../support/vault-builder.ts';

/** A minute later by the scanner's clock: nothing just written is racy. */
const later = { now: () => Date.now() + 60_000 };

function dirtyNames({ tree, dirty }: Scan): string[] {
  return Array.from(dirty, (row) => tree.path(row));
}

describe('C05: an edit that hides from the clock', () => {
  test('same size and same mtime is found by ctime', async () => {
    const root = scratchFolder();
    buildVault(root, { note: 'before', other: 'x' });
    utimesSync(join(root, 'note'), 1000, 1000);
    const first = await scanOf(root, later);
    writeFileSync(join(root, 'note'), 'after!');
    utimesSync(join(root, 'note'), 1000, 1000);
    const again = await scanOf(root, { ...later, base: cacheOf(first) });
    expect(dirtyNames(again)).toEqual(['note']);
    expect(again.changed).toBe(true);
  });

  test('a file swapped for another of the same size and mtime is found by its inode', async () => {
    const root = scratchFolder();
    buildVault(root, { note: 'one', twin: 'two' });
    for (const name of ['note', 'twin']) utimesSync(join(root, name), 1000, 1000);
    const first = await scanOf(root, later);
    const { tree } = first;
    // Even a file system without ctime would not hide it.
    tree.ctimes.fill(lstatSync(join(root, 'twin')).ctimeMs);
    renameSync(join(root, 'twin'), join(root, 'note'));
    expect(dirtyNames(await scanOf(root, { ...later, base: cacheOf(first) }))).toEqual(['note']);
  });

  test('what changed within two seconds of the scan, or in the future, is read again until it is older', async () => {
    const root = scratchFolder();
    buildVault(root, { note: 'x' });
    const { ctimeMs } = lstatSync(join(root, 'note'));
    const at = (offsetMs: number) => ({ now: () => ctimeMs + offsetMs });
    const racy = await scanOf(root, at(1999));
    const again = await scanOf(root, { ...at(2001), base: cacheOf(racy) });
    expect(dirtyNames(again)).toEqual(['note']);
    expect(dirtyNames(await scanOf(root, { ...at(9000), base: cacheOf(again) }))).toEqual([]);
    const clockBack = await scanOf(root, at(-86_400_000));
    expect(dirtyNames(await scanOf(root, { ...at(9000), base: cacheOf(clockBack) }))).toEqual(['note']);
  });

  test('an mtime in 1970 or in the future is like any other', async () => {
    const root = scratchFolder();
    buildVault(root, { old: 'x', future: 'x' });
    utimesSync(join(root, 'old'), 0, 0);
    utimesSync(join(root, 'future'), 4e9, 4e9);
    const first = await scanOf(root, later);
    expect(dirtyNames(await scanOf(root, { ...later, base: cacheOf(first) }))).toEqual([]);
    writeFileSync(join(root, 'future'), 'y');
    utimesSync(join(root, 'future'), 4e9, 4e9);
    expect(dirtyNames(await scanOf(root, { ...later, base: cacheOf(first) }))).toEqual(['future']);
  });
});

describe('what counts as a change', () => {
  const contents = { 'a/one': '1', 'a/two': '2', 'b/three': '3', top: 't' };
  const edits: Record<string, (root: string) => void> = {
    'a file that is gone': (root) => rmSync(join(root, 'a/one')),
    'a folder that is gone': (root) => rmSync(join(root, 'b'), { recursive: true }),
    'a new folder': (root) => buildVault(root, { new: null }),
    'a new file': (root) => buildVault(root, { 'b/four': '' }),
    'a file that became a folder': (root) => {
      rmSync(join(root, 'top'));
      buildVault(root, { top: null });
    },
    'other permissions of a folder': (root) => chmodSync(join(root, 'a'), 0o711),
    'other permissions of a file': (root) => chmodSync(join(root, 'top'), 0o755),
    'a rule that takes a file out': (root) => buildVault(root, { '.gitignore': 'three' }),
  };

  test.each(Object.keys(edits))('%s', async (edit) => {
    const root = scratchFolder();
    buildVault(root, contents);
    const first = await scanOf(root, later);
    edits[edit]!(root);
    expect((await scanOf(root, { ...later, base: cacheOf(first) })).changed).toBe(true);
  });

  test('nothing: ids are kept, rows and ledger are equal, and a new ignored file is no change', async () => {
    const root = scratchFolder();
    buildVault(root, { ...contents, '.gitignore': '*.tmp\n', 'x.tmp': 'x' });
    const first = await scanOf(root, later);
    const cache = cacheOf(first);
    const again = await scanOf(root, { ...later, base: cache });
    expect([again.changed, again.dirty.length]).toEqual([false, 0]);
    expect(pathsIn(again.tree)).toEqual(pathsIn(first.tree));
    for (const path of ['a/one', 'top']) {
      expect(again.tree.id(again.tree.find(path))).toBe(first.tree.id(first.tree.find(path)));
    }
    expect(again.ledger).toEqual(first.ledger);
    buildVault(root, { 'a/y.tmp': 'x' });
    expect((await scanOf(root, { ...later, base: cacheOf(again) })).changed).toBe(false);
  });
});
