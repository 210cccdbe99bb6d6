import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildTrees } from '../../src/engine/build-trees.ts';
import { countChanges } from '../../src/engine/compare-vault-trees.ts';
import { objectIdOf, rawObjectId } from '../../src/format/git/object-id.ts';
import { entryFlags, VaultTree } from '../../src/model/vault-tree.ts';
import { createMemoryObjectWriter } from '../support/memory-object-writer.ts';
import { readVaultTree } from '../support/read-vault-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault } from '../support/vault-builder.ts';

/** A built tree of what is on disk; contents are told apart by size alone. */
function treeOf(root: string, absent: readonly string[] = []): VaultTree {
  const tree = readVaultTree(root);
  for (let row = 0; row < tree.entryCount; row++) {
    if (tree.isFolder(row)) continue;
    tree.ids.set(rawObjectId(objectIdOf('blob', Buffer.alloc(tree.sizes[row]!))), row * 20);
    tree.flags[row] = entryFlags.hasId;
  }
  for (const path of absent) tree.flags[tree.find(path)] = entryFlags.absent;
  buildTrees(tree, createMemoryObjectWriter(), null);
  return tree;
}

function vault(): string {
  const root = scratchFolder();
  buildVault(root, {
    'a/x': '1',
    'a/y': '1',
    'b/c/d/x': '1',
    'b/link': { link: 'x' },
    'state/log/rows': '1',
    top: '1',
  });
  return root;
}

const none = { added: 0, changed: 0, removed: 0 };

test('equal trees have no changes, and everything is new against nothing', () => {
  const root = vault();
  expect(countChanges(treeOf(root), treeOf(root))).toEqual(none);
  expect(countChanges(null, treeOf(root))).toEqual({ ...none, added: 6 });
  expect(countChanges(treeOf(root), new VaultTree({ entries: 0, folders: 1, nameBytes: 0 }))).toEqual({
    ...none,
    removed: 6,
  });
});

test.each<[string, (root: string) => void, object]>([
  ['an edit', (root) => writeFileSync(join(root, 'b/c/d/x'), '22'), { changed: 1 }],
  ['a permission', (root) => chmodSync(join(root, 'a/x'), 0o600), { changed: 1 }],
  ['a time', (root) => utimesSync(join(root, 'a/x'), 1, 1), {}],
  ['a new folder', (root) => buildVault(root, { 'n/m/x': '1', 'n/y': '1', 'n/empty': null }), { added: 2 }],
  ['a folder gone', (root) => rmSync(join(root, 'b'), { recursive: true }), { removed: 2 }],
  ['a file that became a folder', (root) => becomeFolder(root, 'top'), { added: 1, removed: 1 }],
  ['a file that became a link', (root) => becomeLink(root, 'top'), { changed: 1 }],
  ['a removal', (root) => rmSync(join(root, 'a/x')), { removed: 1 }],
])('counts %s', (_, change, expected) => {
  const root = vault();
  const base = treeOf(root);
  change(root);
  expect(countChanges(base, treeOf(root))).toEqual({ ...none, ...expected });
});

test('what could not be read counts as gone, and as new when it can be read again', () => {
  const root = vault();
  expect(countChanges(treeOf(root), treeOf(root, ['a/x', 'b']))).toEqual({ ...none, removed: 3 });
  expect(countChanges(treeOf(root, ['a/x', 'b']), treeOf(root))).toEqual({ ...none, added: 3 });
});

test('the excepted folder does not count, nor does one that only begins like it', () => {
  const root = vault();
  const base = treeOf(root);
  buildVault(root, { 'state/log/rows': '22', 'state/log/more/x': '1', 'state/logs/x': '1', 'a/state/log/x': '1' });
  expect(countChanges(base, treeOf(root))).toEqual({ added: 3, changed: 1, removed: 0 });
  expect(countChanges(base, treeOf(root), { except: 'state/log' })).toEqual({ ...none, added: 2 });
  rmSync(join(root, 'state/log'), { recursive: true });
  expect(countChanges(base, treeOf(root), { except: 'state/log' })).toEqual({ ...none, added: 2 });
});

function becomeFolder(root: string, path: string): void {
  rmSync(join(root, path));
  buildVault(root, { [`${path}/inside`]: '1' });
}

function becomeLink(root: string, path: string): void {
  rmSync(join(root, path));
  buildVault(root, { [path]: { link: 'y' } });
}
