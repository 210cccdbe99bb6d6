import { decodeRecord } from '../format/snapshot-record.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { LedgerEntry } from '../model/problem.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';

/** By how much the unprotected set grew. */
export interface LedgerGrowth {
  readonly files: number;
  readonly sizeBytes: number;
}

const filesMin = 100;
const sizeBytesMin = 50_000_000;
const factor = 2;

/**
 * Says when clearly more is left out than in the snapshot before: twice as much, and enough to matter. Null otherwise. Folders
 * that fill with what can be made anew (`node_modules/`) were named before, so their growth alone is none.
 */
export function ledgerGrowth(before: Uint8Array | SnapshotRecord, record: SnapshotRecord): LedgerGrowth | null {
  const base = before instanceof Uint8Array ? decodeBase(before, record) : before;
  if (base === null) return null;
  const known = new Set(base.ledger.map(keyOf));
  const fresh = record.ledger.filter((entry) => !known.has(keyOf(entry)));
  const files = sum(fresh, ({ fileCount }) => fileCount);
  const sizeBytes = sum(fresh, (entry) => entry.sizeBytes);
  const hadFiles = sum(base.ledger, ({ fileCount }) => fileCount);
  const hadBytes = sum(base.ledger, (entry) => entry.sizeBytes);
  const isMoreFiles = files >= filesMin && files >= hadFiles * (factor - 1);
  const isMoreBytes = sizeBytes >= sizeBytesMin && sizeBytes >= hadBytes * (factor - 1);
  return isMoreFiles || isMoreBytes ? { files, sizeBytes } : null;
}

function decodeBase(bytes: Uint8Array, record: SnapshotRecord): SnapshotRecord | null {
  try {
    return record.base === null ? null : decodeRecord(bytes, record.base);
  } catch (error) {
    if (isHoldfastError(error)) return null;
    throw error;
  }
}

function keyOf({ path, reason }: LedgerEntry): string {
  return `${reason} ${path}`;
}

function sum(entries: readonly LedgerEntry[], of: (entry: LedgerEntry) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0);
}
