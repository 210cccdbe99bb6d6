import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { byteStringOf, type ByteString } from '../../lib/bytes.ts';
import type { LiveEntry, LiveTree } from '../../ports/live-tree.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { FileMover } from './file-mover.ts';
import { FolderReach, splitPath } from './folder-path.ts';
import { hashBlob } from './hash-blob.ts';

export interface LiveTreeOptions {
  /** Absolute path of the vault. */
  readonly root: string;
}

/** Opens the live files of a vault for `rollback`. Nothing is opened or looked at before it is asked for. */
export function openLiveTree({ root }: LiveTreeOptions): LiveTree {
  return {
    look(path) {
      using reach = new FolderReach(root);
      try {
        return lookAt(reach, path);
      } catch (error) {
        throw mapFsError(error, 'look at a live file');
      }
    },
    blobId(path) {
      using reach = new FolderReach(root);
      try {
        const { folder, name } = splitPath(path);
        const target = reach.reach(folder)?.pathOf(name);
        return target === undefined ? null : hashBlob(target);
      } catch (error) {
        throw mapFsError(error, 'read a live file');
      }
    },
    names(path) {
      using reach = new FolderReach(root);
      try {
        const target = reach.reach(path)?.pathOf('');
        return target === undefined ? [] : readdirSync(target, { encoding: 'buffer' }).map(byteStringOf);
      } catch (error) {
        throw mapFsError(error, 'list a folder of the vault');
      }
    },
    openMover: (workDirectory) => new FileMover(root, workDirectory),
  };
}

/** What is at a path, by lstat through real folders; null when nothing is. */
export function lookAt(reach: FolderReach, path: ByteString): LiveEntry | null {
  const { folder, name } = splitPath(path);
  const target = reach.reach(folder)?.pathOf(name);
  const stat = target === undefined ? undefined : lstatSync(target, { throwIfNoEntry: false });
  return stat === undefined ? null : entryOf(stat);
}

function entryOf(stat: Stats): LiveEntry {
  return {
    kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other',
    permissions: stat.mode & 0o7777,
    sizeBytes: stat.size,
    mtimeMs: stat.mtimeMs,
    ctimeMs: stat.ctimeMs,
    inode: stat.ino,
  };
}
