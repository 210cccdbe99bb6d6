import { chmodSync, lstatSync, lutimesSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findUndo } from '../../../src/engine/rollback/find-undo.ts';
import { linesOf, openRollbackVault, type RollbackVault } from '../../support/rollback-vault.ts';

/** A tree as a list of paths of three short names: files, links and folders take each other's places all the time. */
interface Entry {
  readonly path: readonly string[];
  readonly what: 'file' | 'link' | 'folder';
  readonly content: string;
  readonly mode: number;
  /** Few values, so that equal times and sizes with other contents occur. */
  readonly time: number;
}

const entries = fc.array(
  fc.record({
    path: fc.array(fc.constantFrom('a', 'b', 'A', 'n\u00e9'), { minLength: 1, maxLength: 3 }),
    what: fc.constantFrom('file', 'file', 'link', 'folder'),
    content: fc.constantFrom('x', 'y', 'a longer text', ''),
    mode: fc.constantFrom(0o644, 0o600, 0o755, 0o400),
    time: fc.integer({ min: 1_600_000_000, max: 1_600_000_003 }),
  }) as fc.Arbitrary<Entry>,
  { maxLength: 12 },
);

/** Makes the vault hold these entries and nothing else; an entry that does not fit under those before it is left out. */
function build(it: RollbackVault, tree: readonly Entry[]): void {
  for (const name of readdirSync(it.root)) {
    if (name !== 'state' && name !== '_restore') rmSync(join(it.root, name), { recursive: true });
  }
  for (const { path, what, content, mode } of tree) {
    const target = join(it.root, ...path);
    try {
      mkdirSync(join(target, '..'), { recursive: true });
      if (what === 'folder') mkdirSync(target);
      else if (what === 'link') symlinkSync(content === '' ? 'nowhere' : content, target);
      else writeFileSync(target, content, { flag: 'wx', mode });
      if (what !== 'link') chmodSync(target, what === 'folder' ? mode | 0o700 : mode);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
  setTimes(it.root, tree);
}

function setTimes(root: string, tree: readonly Entry[]): void {
  let at = 0;
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder).toSorted()) {
      if (folder === root && (name === 'state' || name === '_restore')) continue;
      const path = join(folder, name);
      if (lstatSync(path).isDirectory()) visit(path);
      const time = tree[at++ % tree.length]?.time ?? 1_600_000_000;
      lutimesSync(path, time, time);
    }
  };
  visit(root);
}

test(
  'for any two trees: back to the first, then undo, is the second again, to the byte',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, async (first, second) => {
        using it = openRollbackVault();
        build(it, first);
        const target = linesOf(it.manifest());
        const point = await it.snapshot('first');
        build(it, second);
        const before = linesOf(it.manifest());
        const outcome = await it.rollback(point);
        expect(outcome.problems).toEqual([]);
        expect(linesOf(it.manifest())).toEqual(target);
        await it.rollback(await it.point(await findUndo(it.deps)));
        expect(linesOf(it.manifest())).toEqual(before);
      }),
      { numRuns: 25 },
    );
  },
);
