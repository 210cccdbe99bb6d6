import { type FSWatcher, watch } from 'node:fs';
import { bytesOf, type ByteString } from '../../lib/bytes.ts';
import type { WatchedFolder, Watcher, WatchHint } from '../../ports/watcher.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { remedyFor } from './limit-remedy.ts';

interface FolderWatch {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

export interface FolderWatchesOptions {
  /** Absolute, a byte string, without a slash at the end. */
  readonly root: ByteString;
  /** Folders never watched although they are captured (our own log), relative to the vault. */
  readonly never: ReadonlySet<ByteString>;
  readonly onHint: (hint: WatchHint) => void;
  /** For tests: opens one watch in place of `fs.watch`. */
  readonly watch?: typeof watch | undefined;
}

/** One `fs.watch` a folder. */
export class FolderWatches implements Watcher {
  readonly #options: FolderWatchesOptions;
  readonly #watches = new Map<ByteString, FolderWatch>();
  #isClosed = false;

  constructor(options: FolderWatchesOptions) {
    this.#options = options;
  }

  get watchedCount(): number {
    return this.#watches.size;
  }

  follow(folders: Iterable<WatchedFolder>, { isWhole }: { readonly isWhole: boolean }): readonly ByteString[] {
    const added: ByteString[] = [];
    const kept = new Set<ByteString>();
    let refused = 0;
    let code = '';
    for (const folder of folders) {
      const { path, inode } = folder;
      if (this.#isClosed || this.#options.never.has(path)) continue;
      if (isWhole) kept.add(path);
      const known = this.#watches.get(path);
      if (known?.inode === inode) continue;
      // Once the system has refused, asking for thousands more only burns time; the next call asks again.
      const failure = refused > 0 ? code : this.#open(folder);
      if (failure === null) added.push(path);
      else if (isLimit(failure)) {
        refused++;
        code = failure;
      }
    }
    if (isWhole) for (const path of this.#watches.keys()) if (!kept.has(path)) this.#drop(path);
    if (refused > 0) {
      this.#options.onHint({ kind: 'limited', unwatched: refused, code, remedy: remedyFor(code, process.platform) });
    }
    return added;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const path of this.#watches.keys()) this.#drop(path);
  }

  /** Returns the system's code when the folder cannot be watched, or null. */
  #open({ path, inode }: WatchedFolder): string | null {
    const { root, onHint } = this.#options;
    const open = this.#options.watch ?? watch;
    const name = bytesOf(path === '' ? root.slice(root.lastIndexOf('/') + 1) : path.slice(path.lastIndexOf('/') + 1));
    let watcher: FSWatcher;
    try {
      watcher = open(bytesOf(path === '' ? root : `${root}/${path}`), { encoding: 'buffer' }, (event, changed) => {
        // The folder itself went away or moved: its watch is deaf from now on, or reports under a name that is another's.
        if (event === 'rename' && changed !== null && name.equals(changed)) this.#lose(path, watcher);
        if (!this.#isClosed) onHint({ kind: 'folder', path });
      }) as unknown as FSWatcher;
    } catch (error) {
      return systemCode(error) || 'EUNKNOWN';
    }
    watcher.on('error', () => {
      this.#lose(path, watcher);
      if (!this.#isClosed) onHint({ kind: 'unsure', reason: 'a folder can no longer be watched' });
    });
    // The old watch goes last, so that the new one is never without the inode both may share.
    this.#watches.get(path)?.watcher.close();
    this.#watches.set(path, { watcher, inode });
    return null;
  }

  #lose(path: ByteString, watcher: FSWatcher): void {
    if (this.#watches.get(path)?.watcher !== watcher) return;
    this.#drop(path);
    if (path === '' || this.#isClosed) return;
    this.#options.onHint({ kind: 'folder', path: path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '' });
  }

  #drop(path: ByteString): void {
    this.#watches.get(path)?.watcher.close();
    this.#watches.delete(path);
  }
}

/** What cannot be watched for another reason (gone, not ours to read) is none of the system's limits. */
function isLimit(code: string): boolean {
  return code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}
