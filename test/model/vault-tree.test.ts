import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '../../src/lib/bytes.ts';
import { compareTreeEntries, fileModes } from '../../src/model/tree.ts';
import { modeBits, VaultTree } from '../../src/model/vault-tree.ts';

interface Node {
  readonly name: ByteString;
  /** Null for a file. */
  readonly children: readonly Node[] | null;
}

/** Puts nested nodes into a tree the way a scan does: a folder's rows together, parents before children. */
function treeOf(nodes: readonly Node[]): { readonly tree: VaultTree; readonly paths: ByteString[] } {
  const tree = new VaultTree({ entries: 1, folders: 1, nameBytes: 1 });
  const paths: ByteString[] = [];
  const waiting = [{ nodes, parent: -1, row: -1, prefix: '' }];
  for (const { nodes: siblings, parent, row, prefix } of waiting) {
    const folder = tree.addFolder(parent, row);
    if (row >= 0) tree.childFolders[row] = folder;
    const sorted = siblings
      .map((node) => ({ ...node, mode: node.children === null ? fileModes.file : fileModes.tree }))
      .sort(compareTreeEntries);
    tree.reserveEntries(sorted.length);
    for (const { name, children } of sorted) {
      const entry = tree.entryCount++;
      tree.writeName(entry, name);
      tree.modes[entry] = children === null ? modeBits.file : modeBits.folder;
      tree.childFolders[entry] = -1;
      paths[entry] = prefix + name;
      if (children !== null) waiting.push({ nodes: children, parent: folder, row: entry, prefix: `${prefix}${name}/` });
    }
    tree.folderEntryCounts[folder] = sorted.length;
  }
  return { tree, paths };
}

const name = fc.stringMatching(/^[a-c\-.0\u00e9]{1,3}$/);
const { nodes } = fc.letrec<{ nodes: Node[]; node: Node }>((tie) => ({
  nodes: fc.uniqueArray(tie('node'), { maxLength: 6, selector: (node) => node.name }),
  node: fc.record({
    name,
    children: fc.option(tie('nodes'), { nil: null, depthSize: 'small', maxDepth: 4 }),
  }),
}));

describe('a tree in columns', () => {
  test('finds every path it holds and spells the path of every row', () => {
    fc.assert(
      fc.property(nodes, (sample) => {
        const { tree, paths } = treeOf(sample);
        expect(Array.from(paths, (_, entry) => tree.path(entry))).toEqual(paths);
        expect(paths.map((path) => tree.find(path))).toEqual(paths.map((_, entry) => entry));
        expect(tree.find('no/such')).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });

  test('keeps rows of a folder in the order of git trees', () => {
    fc.assert(
      fc.property(nodes, (sample) => {
        const { tree } = treeOf(sample);
        for (let folder = 0; folder < tree.folderCount; folder++) {
          const start = tree.folderEntryStarts[folder]!;
          for (let row = start + 1; row < start + tree.folderEntryCounts[folder]!; row++) {
            expect(tree.compareName(row - 1, tree.name(row), tree.isFolder(row))).toBeLessThan(0);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
