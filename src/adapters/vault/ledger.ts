import { compareByteStrings, type ByteString } from '../../lib/bytes.ts';
import type { LedgerEntry, LedgerReason } from '../../model/problem.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import type { RuleOrigin } from './ignore-book.ts';
import type { IgnoredNames } from './scan-memory.ts';

/** Rows of one record; beyond it the smallest are merged, so that totals stay true. */
export const ledgerRowsMax = 500;

/** Ignored files of one rule. */
export interface RuleTotal {
  fileCount: number;
  sizeBytes: number;
  /** Null once files were taken out: it may have been one of those. */
  firstPath: ByteString | null;
}

/** What a walk left out besides ignored folders. */
export class LedgerNotes {
  readonly rules = new Map<RuleOrigin, RuleTotal>();
  readonly rows: LedgerEntry[] = [];

  /** One file left out. Those of one rule share a row; what no written rule explains has a row of its own. */
  addFile(path: ByteString, origin: RuleOrigin, sizeBytes: number): void {
    if (origin.source === '') {
      this.addPath(path, origin.reason, { fileCount: 1, sizeBytes });
      return;
    }
    const total = this.rules.get(origin);
    if (total === undefined) {
      this.rules.set(origin, { fileCount: 1, sizeBytes, firstPath: path });
    } else {
      total.fileCount++;
      total.sizeBytes += sizeBytes;
    }
  }

  /** Takes a file out again that was left out by this rule. */
  subtractFile(origin: RuleOrigin, sizeBytes: number): void {
    const total = this.rules.get(origin);
    if (total === undefined) return;
    total.fileCount--;
    total.sizeBytes -= sizeBytes;
    total.firstPath = null;
    if (total.fileCount <= 0) this.rules.delete(origin);
  }

  addPath(
    path: ByteString,
    reason: LedgerReason,
    size: { readonly fileCount: number; readonly sizeBytes: number; readonly atLeast?: boolean },
  ): void {
    this.rows.push({ path, reason, source: '', atLeast: false, ...size });
  }

  /** Adds what another thread noted. */
  merge(other: {
    readonly rules: Iterable<readonly [RuleOrigin, RuleTotal]>;
    readonly rows: readonly LedgerEntry[];
  }): void {
    for (const [origin, total] of other.rules) {
      const mine = this.rules.get(origin);
      if (mine === undefined) {
        this.rules.set(origin, total);
      } else {
        mine.fileCount += total.fileCount;
        mine.sizeBytes += total.sizeBytes;
      }
    }
    this.rows.push(...other.rows);
  }
}

/** Draws up the ledger: the largest rows, in order of paths, then one row for each reason that had more. */
export function drawLedger(tree: VaultTree, ignored: IgnoredNames, notes: LedgerNotes): LedgerEntry[] {
  const rows = [...notes.rows];
  for (const [origin, total] of notes.rules) {
    const { fileCount, sizeBytes } = total;
    const path = fileCount === 1 ? (total.firstPath ?? origin.pattern) : origin.pattern;
    rows.push({ path, reason: origin.reason, source: origin.source, fileCount, sizeBytes, atLeast: false });
  }
  addFolders(rows, tree, ignored);
  return merged(rows);
}

function addFolders(rows: LedgerEntry[], tree: VaultTree, ignored: IgnoredNames): void {
  for (let folder = 0; folder < ignored.folderCount; folder++) {
    const end = ignored.endRow(folder);
    let prefix: ByteString | null = null;
    for (let row = ignored.firstRow(folder); row < end; row++) {
      if (!ignored.isFolder(row)) continue;
      prefix ??= folder === 0 ? '' : `${tree.folderPath(folder)}/`;
      const { reason, source } = ignored.origin(row);
      const measure = ignored.measure(row) ?? { fileCount: 0, sizeBytes: 0, atLeast: true };
      const { fileCount, sizeBytes, atLeast } = measure;
      rows.push({ path: `${prefix}${ignored.name(row)}/`, reason, source, fileCount, sizeBytes, atLeast });
    }
  }
}

function merged(rows: LedgerEntry[]): LedgerEntry[] {
  rows.sort((a, b) => b.sizeBytes - a.sizeBytes || b.fileCount - a.fileCount || compareByteStrings(a.path, b.path));
  const rest = new Map<LedgerReason, LedgerEntry>();
  for (const row of rows.splice(ledgerRowsMax)) {
    const sum = rest.get(row.reason) ?? { ...row, path: '', source: '', fileCount: 0, sizeBytes: 0, atLeast: false };
    rest.set(row.reason, {
      ...sum,
      fileCount: sum.fileCount + row.fileCount,
      sizeBytes: sum.sizeBytes + row.sizeBytes,
      atLeast: sum.atLeast || row.atLeast,
    });
  }
  rows.sort((a, b) => compareByteStrings(a.path, b.path) || compareByteStrings(a.source, b.source));
  return [...rows, ...rest.values()];
}
