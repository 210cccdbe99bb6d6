import type { ByteString } from '../lib/bytes.ts';
import type { Scan, StatCache } from '../ports/working-tree.ts';

/** What a process that stays keeps of the vault from one capture to the next, in place of the stat cache's file. */
export class WarmVault {
  /** Asked right before the scan: the folders to look at, or null for everything. */
  readonly #foldersToScan: () => ReadonlySet<ByteString> | null;
  readonly #onScan: (scan: Scan) => void;
  #cache: StatCache | null = null;
  /** Looked at since that capture, and nothing to store in them; what was left out of the vault there may be other than it knows. */
  readonly #unkept = new Set<ByteString>();
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

  /** Those marked now, and those of looks whose outcome was not kept. */
  foldersToScan(): ReadonlySet<ByteString> | null {
    const marked = this.#foldersToScan();
    if (marked === null) return null;
    for (const folder of marked) this.#unkept.add(folder);
    return new Set(this.#unkept);
  }

  scanned(scan: Scan): void {
    this.#onScan(scan);
  }

  /** Keeps a capture's outcome; returns true when it should be saved to the file too. */
  keep(cache: StatCache, options: { readonly isWhole: boolean }): boolean {
    this.#cache = cache;
    this.#unkept.clear();
    if (!options.isWhole || this.#savedSnapshotId === cache.snapshotId) return false;
    this.#savedSnapshotId = cache.snapshotId;
    return true;
  }

  /** True when so much of the kept tree is of long ago that a whole scan should replace it even if nothing changed. */
  get isWorn(): boolean {
    return this.#cache !== null && (this.#cache.tree.isWorn || this.#unkept.size > unkeptMax);
  }
}

/** Looking at so many folders once more with each capture costs little; at more of them it would be felt. */
const unkeptMax = 200;
