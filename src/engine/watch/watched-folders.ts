import type { ByteString } from '../../lib/bytes.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { Scan } from '../../ports/working-tree.ts';
import type { WatchedFolder } from '../../ports/watcher.ts';

/** The folders a scan read, for the watcher to follow. */
export function foldersRead({ tree, part }: Pick<Scan, 'tree' | 'part'>): WatchedFolder[] {
  if (part === undefined) return allFolders(tree);
  const folders: WatchedFolder[] = [];
  for (const folder of part.readFolders) {
    if (isThere(tree, folder)) folders.push({ path: tree.folderPath(folder), inode: inodeOf(tree, folder) });
  }
  return folders;
}

/** In a tree of a whole scan parents come before what is in them, so each path is one longer than a known one. */
function allFolders(tree: VaultTree): WatchedFolder[] {
  const paths: ByteString[] = [''];
  const folders: WatchedFolder[] = [{ path: '', inode: 0 }];
  for (let folder = 1; folder < tree.folderCount; folder++) {
    const parent = paths[tree.folderParents[folder]!]!;
    const name = tree.name(tree.folderRows[folder]!);
    const path = parent === '' ? name : `${parent}/${name}`;
    paths.push(path);
    if (isThere(tree, folder)) folders.push({ path, inode: inodeOf(tree, folder) });
  }
  return folders;
}

function isThere(tree: VaultTree, folder: number): boolean {
  return folder === 0 || (tree.flags[tree.folderRows[folder]!]! & entryFlags.absent) === 0;
}

function inodeOf(tree: VaultTree, folder: number): number {
  return folder === 0 ? 0 : tree.inodes[tree.folderRows[folder]!]!;
}
