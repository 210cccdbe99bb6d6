import type { ByteString } from '../lib/bytes.ts';
import type { Scan, StatCache } from '../ports/working-tree.ts';

/** What a process that stays keeps of the vault from one capture to the next, in place of the stat cache's file. */
export class WarmVault {
  /** Asked right before the scan: the folders to look at, or null for everything. */
  readonly #foldersToScan: () => ReadonlySet<ByteString> | null;
  readonly #onScan: (scan: Scan) => void;
  #cache: StatCache | null = null;
  /** The file's snapshot: the file is only written after whole scans, so that its cost is not that of every change. */
  #savedSnapshotId: string | null = null;

  constructor(options: {
    readonly foldersToScan: () => ReadonlySet<ByteString> | null;
    /** Told of every scan, before its files are read. */
    readonly onScan: (scan: Scan) => void;
  }) {
    this.#foldersToScan = options.foldersToScan;
    this.#onScan = options.onScan;
  }

  /** The last capture's tree when it became this snapshot of this store; null otherwise. */
  cacheOf(snapshotId: string, storeId: string): StatCache | null {
    const cache = this.#cache;
    return cache?.snapshotId === snapshotId && cache.storeId === storeId ? cache : null;
  }

  foldersToScan(): ReadonlySet<ByteString> | null {
    return this.#foldersToScan();
  }

  scanned(scan: Scan): void {
    this.#onScan(scan);
  }

  /** Keeps a capture's outcome; returns true when it should be saved to the file too. */
  keep(cache: StatCache, options: { readonly isWhole: boolean }): boolean {
    this.#cache = cache;
    if (!options.isWhole || this.#savedSnapshotId === cache.snapshotId) return false;
    this.#savedSnapshotId = cache.snapshotId;
    return true;
  }

  /** True when so much of the kept tree is rows of long ago that a whole scan should replace it even if nothing changed. */
  get isWorn(): boolean {
    return this.#cache !== null && this.#cache.tree.isWorn;
  }
}
