import type { LedgerEntry, Problem } from '../../model/problem.ts';
import { VaultTree } from '../../model/vault-tree.ts';
import { IgnoreBook, type IgnoreBookData, type RuleOrigin } from './ignore-book.ts';
import { IgnoreContext, type ContextStep } from './ignore-context.ts';
import type { RuleTotal } from './ledger.ts';
import { appendTree } from './scan-append.ts';
import { ScopeJudge } from './scan-judge.ts';
import { IgnoredNames } from './scan-memory.ts';
import type { ScanCounts } from './scan-notices.ts';
import type { PendingFolder, WalkSettings } from './scan-plan.ts';
import { VaultWalk } from './scan-walk.ts';

/** What another thread needs to scan part of a vault; plain data, large columns in shared memory. */
export interface PartSetup {
  readonly settings: WalkSettings;
  readonly book: IgnoreBookData;
  readonly base: { readonly tree: VaultTree; readonly memory: Uint8Array; readonly isTrackingSame: boolean } | null;
  /** True in a repository: this thread cannot ask what is tracked, and hands such folders back. */
  readonly hasTracked: boolean;
}

/** Subtrees to scan, shared by all threads: whoever adds 1 to the counter takes the next. */
export interface PartTasks {
  readonly folders: readonly FolderData[];
  readonly nextTask: Int32Array;
}

/** A pending folder as plain data. */
export type FolderData = Omit<PendingFolder, 'context'> & { readonly steps: readonly ContextStep[] };

export interface PartResult {
  readonly tree: VaultTree;
  readonly ignored: Uint8Array;
  readonly rules: readonly (readonly [RuleOrigin, RuleTotal])[];
  readonly rows: readonly LedgerEntry[];
  readonly problems: readonly Problem[];
  readonly counts: Omit<ScanCounts, 'add' | 'addSpecial'>;
  readonly doubtful: readonly string[];
  readonly deferred: readonly FolderData[];
  readonly absentFolders: readonly number[];
  readonly outerFolders: readonly number[];
  readonly baseRows: readonly number[];
  readonly dirty: readonly number[];
  readonly changed: boolean;
}

/** Claims the next task; returns its number, which is beyond the last when all are taken. */
export function claimTask(tasks: PartTasks): number {
  return Atomics.add(tasks.nextTask, 0, 1);
}

export function folderData({ context, ...folder }: PendingFolder): FolderData {
  return { ...folder, steps: context.steps };
}

/** Scans subtrees until none is left. */
export function scanPart(setup: PartSetup, tasks: PartTasks): PartResult {
  const book = new IgnoreBook(setup.book);
  const judge = new ScopeJudge(book, setup.hasTracked ? 'elsewhere' : null);
  const walk = new VaultWalk(setup.settings, { book, judge, base: baseOf(setup, book) });
  const contexts = new Map<string, IgnoreContext>();
  for (let task = claimTask(tasks); task < tasks.folders.length; task = claimTask(tasks)) {
    const { steps, ...folder } = tasks.folders[task]!;
    const key = JSON.stringify(steps);
    const context = contexts.get(key) ?? IgnoreContext.ofSteps(book, steps);
    contexts.set(key, context);
    walk.visit({ ...folder, context, isOuter: true });
    for (let next = walk.pending.pop(); next !== undefined; next = walk.pending.pop()) walk.visit(next);
  }
  const { tree, problems, absentFolders, outerFolders, baseRows, dirty, changed } = walk;
  return {
    tree,
    problems,
    absentFolders,
    outerFolders,
    baseRows,
    dirty,
    changed,
    ignored: walk.ignored.encode({ signature: null }),
    rules: [...walk.ledger.rules],
    rows: walk.ledger.rows,
    counts: walk.counts,
    doubtful: [...book.doubtful],
    deferred: walk.deferred.map(folderData),
  };
}

/** Joins what another thread scanned to the walk; folders it handed back go on the walk's `pending`. */
export function appendPart(walk: VaultWalk, part: PartResult, book: IgnoreBook): void {
  const tree = treeOf(part.tree);
  const { entries, folders } = appendTree(walk.tree, tree, part.outerFolders);
  const ignored = IgnoredNames.decode(part.ignored, book);
  if (ignored !== null) walk.ignored.append(ignored.names);
  walk.ledger.merge({
    rules: part.rules.map(([origin, total]) => [book.origin(origin.reason, origin.source, origin.pattern), total]),
    rows: part.rows,
  });
  walk.problems.push(...part.problems);
  walk.counts.add(part.counts);
  for (const source of part.doubtful) book.doubtful.add(source);
  for (const folder of part.absentFolders) walk.absentFolders.push(folder + folders);
  for (const row of part.baseRows) walk.baseRows.push(row);
  for (const row of part.dirty) walk.dirty.push(row + entries);
  walk.changed ||= part.changed;
  for (const { steps, ...folder } of part.deferred) {
    const parent = folder.isOuter ? folder.parent : folder.parent + folders;
    const row = folder.isOuter ? folder.row : folder.row + entries;
    walk.pending.push({ ...folder, parent, row, isOuter: false, context: IgnoreContext.ofSteps(book, steps) });
  }
}

/** The buffers of a result that can change hands instead of being copied. */
export function transferable(result: PartResult): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const column of [...Object.values(result.tree), result.ignored]) {
    if (ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer) buffers.add(column.buffer);
  }
  return [...buffers];
}

/** A tree whose columns other threads can look at; columns that are not shared yet are copied. */
export function shareTree(tree: VaultTree): VaultTree {
  const shared = new VaultTree({ entries: 0, folders: 0, nameBytes: 0 });
  Object.assign(shared, tree);
  for (const [key, column] of Object.entries(tree)) {
    if (!isColumn(column) || column.buffer instanceof SharedArrayBuffer) continue;
    const copy = new (column.constructor as new (buffer: SharedArrayBuffer) => Uint8Array)(
      new SharedArrayBuffer(column.byteLength),
    );
    copy.set(column);
    Object.assign(shared, { [key]: copy });
  }
  return shared;
}

function isColumn(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value);
}

function baseOf({ base }: PartSetup, book: IgnoreBook) {
  if (base === null) return null;
  const memory = IgnoredNames.decode(base.memory, book);
  if (memory === null) return null;
  return { tree: treeOf(base.tree), ignored: memory.names, isTrackingSame: base.isTrackingSame };
}

/** Gives the columns their methods back, which do not travel between threads. */
function treeOf(data: VaultTree): VaultTree {
  return Object.assign(new VaultTree({ entries: 0, folders: 0, nameBytes: 0 }), data);
}
