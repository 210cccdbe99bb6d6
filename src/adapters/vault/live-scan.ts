import type { Problem } from '../../model/problem.ts';
import type { ScanOptions } from '../../ports/working-tree.ts';
import type { LedgerNotes } from './ledger.ts';
import type { IgnoredNames } from './scan-memory.ts';
import type { ScanCounts } from './scan-notices.ts';

/** What a scan found besides its tree, as it is in memory: what the next scan of a few folders starts from. */
export interface LiveScan {
  /** Of the rules from outside the folders. */
  readonly bookHash: number;
  /** What git tracked then. */
  readonly tracked: ScanOptions['tracked'];
  readonly ignored: IgnoredNames;
  readonly ledger: LedgerNotes;
  readonly problems: readonly Problem[];
  readonly counts: ScanCounts;
  readonly doubtful: ReadonlySet<string>;
  /** Rows that were read after the scan: some may have come out without content, and must be looked at again. */
  readonly dirty: Uint32Array;
}

const liveScans = new WeakMap<Uint8Array, LiveScan>();

/** Remembers the scan a memory stands for, for as long as somebody has that memory. */
export function keepLiveScan(memory: Uint8Array, scan: LiveScan): void {
  liveScans.set(memory, scan);
}

/** The scan of a memory that never left this process; null for one that was read from a file. */
export function liveScanOf(memory: Uint8Array): LiveScan | null {
  return liveScans.get(memory) ?? null;
}
