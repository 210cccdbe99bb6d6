import { availableParallelism } from 'node:os';
import type { IgnoreBook } from './ignore-book.ts';
import type { Pace } from './scan-pace.ts';
import { appendPart, claimTask, folderData, type PartSetup, shareTree } from './scan-part.ts';
import { ScanThreads } from './scan-threads.ts';
import type { VaultWalk } from './scan-walk.ts';

/** Below this many entries in the base a second thread costs more than it saves. */
const entriesForThread = 20_000;
const entriesForMoreThreads = 200_000;
/** Waiting folders at which the work is shared out: enough to keep threads busy to the end, few enough to be soon there. */
const foldersToShare = 96;
/** Above this a disk, not the processor, sets the pace, and more requests at a time pay even on one core. */
const coldEntryMs = 0.015;
/** Entries after which that can be told. */
const entriesToTell = 1500;
const threadsMax = 3;

export interface WalkAllOptions {
  readonly pace: Pace;
  readonly book: IgnoreBook;
  readonly setup: PartSetup;
  /** Threads besides this one; by default it depends on how much there is. */
  readonly threadCount: number | undefined;
}

/** Visits everything below the vault's own folder, with other threads where that pays. */
export async function walkAll(walk: VaultWalk, options: WalkAllOptions): Promise<void> {
  const entryCount = options.setup.base?.tree.entryCount ?? null;
  // A vault not seen before is taken for a large one as soon as it has many folders.
  const threadCount = options.threadCount ?? threadsFor(entryCount ?? entriesForThread);
  if (threadCount > 0)
    await walkTogether(walk, { ...options, firstThreads: threadCount, isLarge: entryCount !== null });
  await drain(walk, options.pace);
}

async function walkTogether(
  walk: VaultWalk,
  options: WalkAllOptions & { readonly firstThreads: number; readonly isLarge: boolean },
): Promise<void> {
  const { pace, firstThreads } = options;
  using threads = new ScanThreads(shared(options.setup));
  // They load their code while this thread reads the top of the vault.
  if (options.isLarge) threads.start(firstThreads);
  while (walk.pending.length < foldersToShare) {
    // The oldest first: folders near the top hold the most work.
    const folder = walk.pending.shift();
    if (folder === undefined) return;
    walk.visit(folder);
    if (pace.isDue) await pace.rest();
  }
  threads.start(firstThreads);
  await share(walk, threads, options);
}

function threadsFor(entries: number): number {
  if (entries < entriesForThread) return 0;
  return Math.min(availableParallelism() - 1, entries < entriesForMoreThreads ? 1 : threadsMax);
}

/** Hands the waiting folders to whoever is free, this thread included, and joins what the others found. */
async function share(
  walk: VaultWalk,
  threads: ScanThreads,
  { pace, book, threadCount }: WalkAllOptions,
): Promise<void> {
  const folders = walk.pending.splice(0);
  const tasks = { folders: folders.map(folderData), nextTask: new Int32Array(new SharedArrayBuffer(4)) };
  threads.run(tasks);
  const startedMs = performance.now();
  const entriesBefore = walk.tree.entryCount;
  for (let task = claimTask(tasks); task < folders.length; task = claimTask(tasks)) {
    walk.pending.push(folders[task]!);
    await drain(walk, pace);
    const entries = walk.tree.entryCount - entriesBefore;
    const isCold = entries >= entriesToTell && performance.now() - startedMs > entries * coldEntryMs;
    if (isCold && threadCount === undefined) threads.start(threadsMax);
  }
  for (const result of await threads.results()) appendPart(walk, result, book);
}

async function drain(walk: VaultWalk, pace: Pace): Promise<void> {
  for (let folder = walk.pending.pop(); folder !== undefined; folder = walk.pending.pop()) {
    walk.visit(folder);
    if (pace.isDue) await pace.rest();
  }
}

function shared(setup: PartSetup): PartSetup {
  return setup.base === null ? setup : { ...setup, base: { ...setup.base, tree: shareTree(setup.base.tree) } };
}
