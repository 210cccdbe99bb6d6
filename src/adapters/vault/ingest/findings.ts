import { idBytes } from '../../../format/git/object-id.ts';
import { assertNever } from '../../../lib/assert-never.ts';
import type { Notice, Problem } from '../../../model/problem.ts';
import { entryFlags, modeBits, type VaultTree } from '../../../model/vault-tree.ts';
import { type IngestResult, outcomes, statColumnCount, statColumns } from './ingest-job.ts';
import type { PlannedJob } from './plan-jobs.ts';

/** Flags that reading decides; the others belong to the scan. */
const decidedFlags =
  entryFlags.hasId | entryFlags.unstable | entryFlags.chunked | entryFlags.absent | entryFlags.foldedLog;

/** Writes results into the tree and collects what a person should know of them. */
export class Findings {
  readonly #tree: VaultTree;
  readonly #problems: Problem[] = [];
  #vanishedCount = 0;
  /** Rows of databases that were left to be captured through SQLite. */
  readonly databases: number[] = [];

  constructor(tree: VaultTree) {
    this.#tree = tree;
  }

  /** Returns the rows to try again. */
  apply(job: PlannedJob, result: IngestResult): number[] {
    const again: number[] = [];
    job.rows.forEach((row, i) => {
      if (result.outcomes[i] === outcomes.outOfDescriptors) again.push(row);
      else if (result.outcomes[i] === outcomes.database) this.databases.push(row);
      else if (result.outcomes[i] === outcomes.stored) this.#applyStored(row, i, result);
      else this.#applyMissing(row, i, result);
    });
    return again;
  }

  /** Marks a log whose database was captured with what it holds. */
  applyFolded(row: number): void {
    const tree = this.#tree;
    tree.ids.fill(0, row * idBytes, (row + 1) * idBytes);
    tree.flags[row] = (tree.flags[row]! & ~decidedFlags) | entryFlags.absent | entryFlags.foldedLog;
  }

  summary(): { readonly problems: readonly Problem[]; readonly notices: readonly Notice[] } {
    // Threads finish in any order; what a person reads is always the same.
    const problems = this.#problems.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    const count = this.#vanishedCount;
    if (count === 0) return { problems, notices: [] };
    const message =
      count === 1 ? '1 file went away before it was read' : `${count} files went away before they were read`;
    return { problems, notices: [{ code: 'vanished', message, count }] };
  }

  #applyStored(row: number, number: number, result: IngestResult): void {
    const tree = this.#tree;
    tree.ids.set(result.ids.subarray(number * idBytes, (number + 1) * idBytes), row * idBytes);
    const flags = result.flags[number]!;
    tree.flags[row] = (tree.flags[row]! & ~decidedFlags) | flags;
    if ((flags & entryFlags.unstable) !== 0) this.#addProblem(row, 'unstable', 'changed while it was read, twice');
    if ((tree.modes[row]! & modeBits.kindMask) === modeBits.file) this.#applyStat(row, number, result.stats);
  }

  /** The row must describe the file that was read, not the one that was scanned. */
  #applyStat(row: number, number: number, stats: Float64Array): void {
    const tree = this.#tree;
    const start = number * statColumnCount;
    const mtime = stats[start + statColumns.mtime]!;
    const ctime = stats[start + statColumns.ctime]!;
    // Touched after the scan began: its times alone must not vouch for it next time.
    if (mtime !== tree.mtimes[row] || ctime !== tree.ctimes[row]) tree.flags[row]! |= entryFlags.racy;
    tree.modes[row] = stats[start + statColumns.mode]!;
    tree.sizes[row] = stats[start + statColumns.size]!;
    tree.mtimes[row] = mtime;
    tree.ctimes[row] = ctime;
    tree.inodes[row] = stats[start + statColumns.inode]!;
  }

  #applyMissing(row: number, number: number, result: IngestResult): void {
    const tree = this.#tree;
    tree.ids.fill(0, row * idBytes, (row + 1) * idBytes);
    tree.flags[row] = (tree.flags[row]! & ~decidedFlags) | entryFlags.absent;
    const outcome = result.outcomes[number] as MissingOutcome;
    switch (outcome) {
      case outcomes.vanished:
        this.#vanishedCount++;
        return;
      case outcomes.replaced:
        this.#addProblem(row, 'replaced_while_read', 'replaced by something else before it was read');
        return;
      case outcomes.nameTooLong:
        this.#addProblem(row, 'name_too_long', 'its path is longer than the system allows');
        return;
      case outcomes.unreadable:
        this.#addProblem(row, 'unreadable_file', readableReason(result.errorCodes.get(number) ?? ''));
        return;
      default:
        assertNever(outcome);
    }
  }

  #addProblem(row: number, code: Problem['code'], message: string): void {
    this.#problems.push({ path: this.#tree.path(row), code, message });
  }
}

type MissingOutcome = Exclude<
  (typeof outcomes)[keyof typeof outcomes],
  typeof outcomes.stored | typeof outcomes.outOfDescriptors | typeof outcomes.database
>;

function readableReason(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return code === 'EIO' ? 'the disk could not read it (EIO)' : `cannot be read (${code})`;
}
