import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';

/** Files and folders of a git directory that tell that HEAD, refs or an operation changed. Its locks and its index do not. */
const telling =
  /^(?:HEAD|packed-refs|ORIG_HEAD|MERGE_HEAD|CHERRY_PICK_HEAD|REVERT_HEAD|REBASE_HEAD|rebase-merge|rebase-apply|sequencer|refs|reftable)$/;

/** A repository with more folders of refs than this is looked at by the rescans alone. */
const foldersMax = 500;

/**
 * Watches the refs of a git directory: one watch for the directory, one for each folder below `refs`. Watching is all it
 * does: what cannot be watched is seen by the next full look.
 */
export class RepositoryWatch implements Disposable {
  readonly #onHint: () => void;
  readonly #watches = new Map<string, FSWatcher>();

  constructor(gitFolder: string, onHint: () => void) {
    this.#onHint = onHint;
    this.#watch(gitFolder, (name) => {
      if (telling.test(name)) this.#onHint();
    });
    this.#watchRefs(join(gitFolder, 'refs'));
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  #watchRefs(folder: string): void {
    if (this.#watches.has(folder) || this.#watches.size >= foldersMax) return;
    this.#watch(folder, (name, event) => {
      if (name.endsWith('.lock')) return;
      // It may be a folder of refs that came.
      if (event === 'rename') this.#watchRefs(join(folder, name));
      this.#onHint();
    });
    for (const name of foldersIn(folder)) this.#watchRefs(join(folder, name));
  }

  #watch(folder: string, onChange: (name: string, event: string) => void): void {
    try {
      const watcher = watch(folder, (event, name) => onChange(name ?? '', event));
      const forget = (): void => {
        watcher.close();
        this.#watches.delete(folder);
      };
      watcher.on('error', forget);
      this.#watches.set(folder, watcher);
    } catch {
      // Gone, no folder, or one watch too many: the rescans look at the refs as well.
    }
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
