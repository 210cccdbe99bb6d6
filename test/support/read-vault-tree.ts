import { lstatSync, readdirSync } from 'node:fs';
import { modeBits, VaultTree } from '../../src/model/vault-tree.ts';

/**
 * Reads a folder into a tree with the simplest walk there is, ignoring nothing but `.git`: the tests of what happens after the
 * scan do not depend on the scanner. Special files are left out.
 */
export function readVaultTree(root: string): VaultTree {
  const tree = new VaultTree();
  const waiting = [{ path: Buffer.from(root), folder: tree.addFolder(-1, -1) }];
  for (const { path, folder } of waiting) {
    tree.folderEntryStarts[folder] = tree.entryCount;
    const entries = readdirSync(path, { encoding: 'buffer' })
      .filter((name) => name.toString() !== '.git')
      .map((name) => {
        const full = Buffer.concat([path, Buffer.from('/'), name]);
        const stat = lstatSync(full);
        return {
          name: name.toString('latin1'),
          full,
          stat,
          key: name.toString('latin1') + (stat.isDirectory() ? '/' : ''),
        };
      })
      .filter(({ stat }) => stat.isFile() || stat.isDirectory() || stat.isSymbolicLink())
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    tree.reserveEntries(entries.length);
    for (const { name, full, stat } of entries) {
      const row = tree.entryCount++;
      tree.writeName(row, name);
      tree.modes[row] = stat.mode;
      tree.sizes[row] = stat.size;
      tree.mtimes[row] = stat.mtimeMs;
      tree.ctimes[row] = stat.ctimeMs;
      tree.inodes[row] = stat.ino;
      tree.childFolders[row] = -1;
      if ((stat.mode & modeBits.kindMask) !== modeBits.folder) continue;
      tree.childFolders[row] = tree.folderCount;
      waiting.push({ path: full, folder: tree.addFolder(folder, row) });
    }
    tree.folderEntryCounts[folder] = entries.length;
  }
  return tree;
}

/** Rows of all files and links. */
export function filesAndLinks(tree: VaultTree): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row < tree.entryCount; row++) if (!tree.isFolder(row)) rows.push(row);
  return Uint32Array.from(rows);
}
