import type { ByteString } from '../../lib/bytes.ts';

/** More hints than this between two looks come near what the kernel's queue holds: some may have been dropped unseen. */
const hintsMax = 4096;

/** What must be looked at: some folders, or everything. */
export interface Marked {
  readonly folders: ReadonlySet<ByteString>;
  /** Everything must be looked at, for this reason; null: the folders will do. */
  readonly everything: string | null;
}

/** Collects hints between two looks at the vault. */
export class Marks {
  #folders = new Set<ByteString>();
  #everything: string | null = null;
  #hintCount = 0;

  get isEmpty(): boolean {
    return this.#everything === null && this.#folders.size === 0;
  }

  get folderCount(): number {
    return this.#folders.size;
  }

  get isEverything(): boolean {
    return this.#everything !== null;
  }

  mark(folder: ByteString): void {
    if (this.#everything !== null) return;
    this.#folders.add(folder);
    if (++this.#hintCount > hintsMax) this.markEverything('many changes at once');
  }

  /** The first reason stays: it is the one to tell. */
  markEverything(reason: string): void {
    this.#everything ??= reason;
    this.#folders.clear();
  }

  /** Hands over what is marked; from here on new hints are about the time after. */
  take(): Marked {
    const taken = { folders: this.#folders, everything: this.#everything };
    this.#folders = new Set();
    this.#everything = null;
    this.#hintCount = 0;
    return taken;
  }

  /** Marks again what was taken and could not be looked at. */
  putBack({ folders, everything }: Marked): void {
    if (everything !== null) this.markEverything(everything);
    else for (const folder of folders) this.mark(folder);
  }
}
