import type { ByteString } from '../../lib/bytes.ts';
import { isHoldfastError } from '../../model/errors.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { LiveEntry, LiveTree } from '../../ports/live-tree.ts';
import { foldersAbove } from './rollback-scope.ts';
import type { FileChange, FolderChange, StateChanges, TargetFile } from './state-changes.ts';

const obstacles: ReadonlyMap<string, string> = new Map([
  ['taken', 'something there is not captured by holdfast'],
  ['folder', 'a folder there holds what holdfast does not capture'],
]);

/**
 * Takes out of the changes what something uncaptured stands in the way of: ignored files, secrets, folders that could not be
 * read. What no snapshot holds is never touched, so such paths stay as they are and are named.
 */
export function leaveUncaptured(changes: StateChanges, vault: { live: VaultTree; files: LiveTree }): StateChanges {
  return new ObstacleSearch(changes, vault).remaining();
}

class ObstacleSearch {
  readonly #changes: StateChanges;
  readonly #live: VaultTree;
  readonly #files: LiveTree;
  /** Inodes that will be gone from their place: on a file system blind to case they answer to other names as well. */
  readonly #leavingInodes = new Set<number>();
  readonly #leavingPaths = new Set<ByteString>();
  readonly #madeFolders = new Set<ByteString>();
  readonly #blocked = new Map<ByteString, string>();

  constructor(changes: StateChanges, vault: { live: VaultTree; files: LiveTree }) {
    this.#changes = changes;
    this.#live = vault.live;
    this.#files = vault.files;
    for (const { path, row, target } of [...changes.files, ...changes.folders]) {
      if (row < 0 || target !== null) continue;
      this.#leavingPaths.add(path);
      this.#leavingInodes.add(this.#live.inodes[row]!);
    }
  }

  remaining(): StateChanges {
    const { files, folders, leftAlone, kept } = this.#changes;
    const keptFolders = folders.toSorted(byPath).filter((change) => this.#isFolderFree(change));
    const keptFiles = files.filter((change) => this.#isFileFree(change));
    const stopped = [...this.#blocked].map(([path, message]) => ({ path, code: 'left_alone' as const, message }));
    return { files: keptFiles, folders: keptFolders, leftAlone: [...leftAlone, ...stopped], kept };
  }

  #isFolderFree({ path, row, target }: FolderChange): boolean {
    if (row >= 0 || target === null) return true;
    if (this.#isBelowBlocked(path)) return false;
    const found = this.#lookFor(path);
    if (found === 'free') {
      this.#madeFolders.add(path);
      return true;
    }
    if (found === 'folder') return false;
    this.#blocked.set(path, obstacles.get(found) ?? found);
    return false;
  }

  #isFileFree({ path, row, target }: FileChange): boolean {
    if (row >= 0 || target === null) return true;
    if (this.#isBelowBlocked(path)) return false;
    const found = this.#lookFor(path);
    if (found === 'free') return true;
    // A folder that goes makes room only when nothing is in it that stays.
    const isLeaving = found === 'folder' && this.#leavingPaths.has(path);
    if (isLeaving && !this.#holdsUncaptured(path)) return true;
    // Ignored now and captured then, and still the same: there is nothing to bring back.
    if (found === 'taken' && this.#isSame(path, target)) return false;
    this.#blocked.set(path, obstacles.get(found) ?? found);
    return false;
  }

  #isSame(path: ByteString, { kind, id }: TargetFile): boolean {
    try {
      const isLink = this.#files.look(path)?.kind === 'link';
      return isLink === (kind === 'link') && this.#files.blobId(path) === id;
    } catch (error) {
      if (isHoldfastError(error)) return false;
      throw error;
    }
  }

  #isBelowBlocked(path: ByteString): boolean {
    return foldersAbove(path).some((folder) => this.#blocked.has(folder));
  }

  /** 'free', 'folder' for a real folder, 'taken' for what else is there, or why nothing can be put there. */
  #lookFor(path: ByteString): string {
    if (foldersAbove(path).some((folder) => this.#madeFolders.has(folder))) return 'free';
    let entry: LiveEntry | null;
    try {
      entry = this.#files.look(path);
    } catch (error) {
      if (isHoldfastError(error, 'live_changed')) {
        return foldersAbove(path).some((folder) => this.#leavingPaths.has(folder))
          ? 'free'
          : 'a folder on the way is none';
      }
      if (isHoldfastError(error, 'read_only')) return 'the folder cannot be read';
      throw error;
    }
    if (entry === null) return 'free';
    if (entry.kind === 'folder') return 'folder';
    return this.#leavingInodes.has(entry.inode) ? 'free' : 'taken';
  }

  #holdsUncaptured(path: ByteString): boolean {
    const row = this.#live.find(path);
    const folder = row < 0 ? -1 : this.#live.childFolders[row]!;
    for (const name of this.#files.names(path)) {
      const at = folder < 0 ? -1 : this.#live.findInFolder(folder, name);
      if (at < 0 || (this.#live.flags[at]! & entryFlags.absent) !== 0) return true;
      const below = `${path}/${name}`;
      if (!this.#leavingPaths.has(below)) return true;
      if (this.#live.isFolder(at) && this.#holdsUncaptured(below)) return true;
    }
    return false;
  }
}

function byPath(a: FolderChange, b: FolderChange): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
