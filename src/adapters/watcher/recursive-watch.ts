import { relative, sep } from 'node:path';
import { watch } from 'chokidar';
import { byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import type { WatchedFolder, Watcher, WatchHint } from '../../ports/watcher.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { remedyFor } from './limit-remedy.ts';

export interface RecursiveWatchOptions {
  /** Absolute path of the vault. */
  readonly root: string;
  /** Folders whose changes are none of ours: git's own, the holding directory, the private state, our log. Absolute. */
  readonly never: readonly string[];
  readonly onHint: (hint: WatchHint) => void;
}

/** The whole tree by one watch of the system's, through chokidar. */
export class RecursiveWatch implements Watcher {
  readonly watchedCount = 0;
  readonly #options: RecursiveWatchOptions;
  #watcher: ReturnType<typeof watch> | null = null;

  constructor(options: RecursiveWatchOptions) {
    this.#options = options;
  }

  /** The first call starts the watch; new folders need no call, so only then is there something to look at again. */
  follow(_folders: Iterable<WatchedFolder>): readonly ByteString[] {
    if (this.#watcher !== null) return [];
    this.#watcher = this.#start();
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher?.close();
  }

  #start(): ReturnType<typeof watch> {
    const { root, never, onHint } = this.#options;
    const isOurs = (path: string): boolean => never.some((folder) => path === folder || path.startsWith(folder + sep));
    // `atomic` would swallow names that end in "~"; our own quiet period does its work.
    const options = { ignored: isOurs, ignoreInitial: true, atomic: false, followSymlinks: false } as const;
    return (
      watch(root, options)
        // What changed while it was starting gave no hint.
        .on('ready', () => onHint({ kind: 'unsure', reason: 'the watch has started' }))
        .on('all', (_event, path) => onHint({ kind: 'folder', path: folderOf(relative(root, path)) }))
        .on('error', (error) => onHint(hintOf(error)))
    );
  }
}

function folderOf(path: string): ByteString {
  const parts = path.split(sep);
  return byteStringOfText(parts.slice(0, -1).join('/'));
}

function hintOf(error: unknown): WatchHint {
  const code = systemCode(error) || 'EUNKNOWN';
  if (code !== 'ENOSPC' && code !== 'EMFILE') return { kind: 'unsure', reason: `the watch failed (${code})` };
  return { kind: 'limited', unwatched: 1, code, remedy: remedyFor(code, process.platform) };
}
