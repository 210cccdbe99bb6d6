import { chmodSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IgnoreBook } from '../../../src/adapters/vault/ignore-book.ts';
import { IgnoreContext } from '../../../src/adapters/vault/ignore-context.ts';
import { readIgnoreBook } from '../../../src/adapters/vault/ignore-sources.ts';
import { drawLedger } from '../../../src/adapters/vault/ledger.ts';
import { measureIgnored } from '../../../src/adapters/vault/ledger-measure.ts';
import { ScopeJudge } from '../../../src/adapters/vault/scan-judge.ts';
import { IgnoredNames } from '../../../src/adapters/vault/scan-memory.ts';
import { scanNotices } from '../../../src/adapters/vault/scan-notices.ts';
import { Pace } from '../../../src/adapters/vault/scan-pace.ts';
import { appendPart, folderData, scanPart, shareTree, transferable } from '../../../src/adapters/vault/scan-part.ts';
import { settleFolders } from '../../../src/adapters/vault/scan-settle.ts';
import { VaultWalk } from '../../../src/adapters/vault/scan-walk.ts';
import { byteStringOfText } from '../../../src/lib/bytes.ts';
import type { VaultTree } from '../../../src/model/vault-tree.ts';
import type { Scan, ScanOptions, StatCache } from '../../../src/ports/working-tree.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { buildVault, cacheOf, makeFifo, noIgnoreSources, scanOf, trackedPathsOf } from '../../support/vault-builder.ts';

/** Enough folders to be shared out, with everything in them that a thread has to hand back or count. */
function buildWideVault(root: string): void {
  const contents: Record<string, string | { link: string } | null> = { '.gitignore': '*.log\nbuild/\n', top: 'x' };
  for (let i = 0; i < 110; i++) {
    contents[`area${i % 7}/topic${i}/note.md`] = `note ${i}`;
    contents[`area${i % 7}/topic${i}/deep/er/file`] = `${i}`;
    if (i % 5 === 0) contents[`area${i % 7}/topic${i}/x.log`] = 'log';
    if (i % 6 === 0) contents[`area${i % 7}/topic${i}/build/out`] = 'built';
    if (i % 11 === 0) contents[`area${i % 7}/topic${i}/.gitignore`] = '*.md\n!deep\n';
    if (i % 13 === 0) contents[`area${i % 7}/topic${i}/out`] = { link: '/etc' };
    if (i % 17 === 0) contents[`area${i % 7}/topic${i}/.git/HEAD`] = 'ref: x';
    if (i % 19 === 0) contents[`area${i % 7}/topic${i}/empty`] = null;
    if (i % 23 === 0) contents[`area${i % 7}/topic${i}/lit**.d/.gitignore`] = 'a**b\n';
  }
  buildVault(root, contents);
  makeFifo(root, 'area3/topic3/pipe');
}

/** All that a scan says, whatever the order its rows and folders were found in. */
function essence({ tree, dirty, changed, ledger, problems, notices }: Scan) {
  const dirtyRows = new Set(dirty);
  const rows: unknown[] = [];
  const addFolder = (folder: number, path: string): void => {
    const start = tree.folderEntryStarts[folder]!;
    for (let row = start; row < start + tree.folderEntryCounts[folder]!; row++) {
      const own = `${path}/${tree.name(row)}`;
      const id = Buffer.from(tree.ids.subarray(row * 20, row * 20 + 20)).toString('hex');
      const stat = [tree.modes[row], tree.sizes[row], tree.mtimes[row], tree.ctimes[row], tree.inodes[row]];
      rows.push([own, tree.flags[row], ...stat, id, dirtyRows.has(row), tree.path(row)]);
      if (tree.isFolder(row)) addFolder(tree.childFolders[row]!, own);
    }
  };
  addFolder(0, '');
  return { rows, changed, ledger, problems, notices, dirtyCount: dirty.length };
}

function expectOrdered(tree: VaultTree, dirty: Uint32Array): void {
  for (let folder = 1; folder < tree.folderCount; folder++) {
    expect(tree.folderParents[folder]!).toBeLessThan(folder);
    expect(tree.folderEntryStarts[folder]!).toBeGreaterThanOrEqual(tree.folderEntryStarts[folder - 1]!);
    expect(tree.childFolders[tree.folderRows[folder]!]).toBe(folder);
  }
  expect([...dirty]).toEqual([...dirty].sort((a, b) => a - b));
}

/** Scans with every folder below the top handed to `scanPart`, as if another thread had been quicker each time. */
async function scanApart(root: string, options: { tracked: ScanOptions['tracked']; base: StatCache | null }) {
  const { dev: device, ino: inode } = statSync(root);
  const settings = {
    rootPath: `${byteStringOfText(root)}/`,
    rootDevice: device,
    denied: new Map([['', new Set(['.git'])]]),
    oneFileSystem: false,
    maxFileSize: null,
    racyFromMs: 4e12 - 2000,
  };
  const ignoring = { root, gitignore: true, allowSecrets: false, logFolder: 'state/log' };
  const book = new IgnoreBook(readIgnoreBook(ignoring, noIgnoreSources));
  const memory = options.base === null ? null : IgnoredNames.decode(options.base.memory, book);
  const isTrackingSame = memory?.signature === options.tracked!.signature;
  const base = memory === null ? null : { tree: options.base!.tree, ignored: memory.names, isTrackingSame };
  const walk = new VaultWalk(settings, { book, judge: new ScopeJudge(book, () => options.tracked!.load()), base });
  const above = { context: IgnoreContext.ofBook(book), isException: false, isOuter: false };
  const top = { path: '', parent: -1, row: -1, baseFolder: base === null ? -1 : 0 };
  walk.visit({ ...top, identity: { device, inode }, ...above });
  for (let i = 0; i < 4; i++) walk.visit(walk.pending.shift()!);

  const tasks = { folders: walk.pending.splice(0).map(folderData), nextTask: new Int32Array(new SharedArrayBuffer(4)) };
  const shared = base === null ? null : { tree: shareTree(base.tree), memory: options.base!.memory, isTrackingSame };
  const setup = structuredClone({ settings, book: book.data, base: shared, hasTracked: true });
  const result = scanPart(setup, structuredClone(tasks));
  appendPart(walk, structuredClone(result, { transfer: transferable(result) }), book);
  const deferredCount = walk.pending.length;
  for (let folder = walk.pending.pop(); folder !== undefined; folder = walk.pending.pop()) walk.visit(folder);
  const foldersChanged = settleFolders(walk, base?.tree ?? null);
  const pace = new Pace(undefined);
  await measureIgnored(walk.tree, walk.ignored, { rootPath: settings.rootPath, nowMs: 4e12, pace });
  const scan: Scan = {
    tree: walk.tree,
    dirty: Uint32Array.from(walk.dirty),
    changed: base === null || walk.changed || foldersChanged,
    ledger: drawLedger(walk.tree, walk.ignored, walk.ledger),
    problems: walk.problems,
    notices: scanNotices(walk.counts, book.doubtful),
    startedAtMs: 4e12,
    memory: walk.ignored.encode({ signature: options.tracked!.signature }),
  };
  return { scan, deferredCount };
}

function editWideVault(root: string): void {
  writeFileSync(join(root, 'area2/topic2/note.md'), 'changed');
  writeFileSync(join(root, 'area4/topic4/new'), 'new');
  chmodSync(join(root, 'area1/topic1/note.md'), 0o755);
  utimesSync(join(root, 'area6/topic6/note.md'), 1, 1);
}

const firstTracked = trackedPathsOf(['area0/topic0/x.log', 'area5/topic5/x.log']);
const laterTracked = trackedPathsOf(['area5/topic5/x.log', 'area6/topic90/x.log']);

describe('a vault scanned in parts', () => {
  test('is joined as if one thread had scanned it, folders that need the tracked paths handed back', async () => {
    const root = scratchFolder();
    buildWideVault(root);
    const settings = { now: () => 4e12, threadCount: 0 };
    const alone = await scanOf(root, { ...settings, tracked: firstTracked });
    const apart = await scanApart(root, { tracked: firstTracked, base: null });
    expect(essence(apart.scan)).toEqual(essence(alone));
    expect(apart.deferredCount).toBeGreaterThan(10);
    expectOrdered(apart.scan.tree, apart.scan.dirty);
    expectOrdered(alone.tree, alone.dirty);

    editWideVault(root);
    const base = cacheOf(alone);
    const again = await scanOf(root, { ...settings, tracked: laterTracked, base });
    const againApart = await scanApart(root, { tracked: laterTracked, base });
    expect(essence(againApart.scan)).toEqual(essence(again));
    expect(again.dirty.length).toBeGreaterThan(3);

    const third = await scanApart(root, { tracked: laterTracked, base: cacheOf(againApart.scan) });
    expect([third.scan.changed, third.scan.dirty.length, third.deferredCount]).toEqual([false, 0, 0]);
    expect(third.scan.ledger).toEqual(again.ledger);
  });

  test.each([1, 3])('by %i more threads is the same', async (threadCount) => {
    const root = scratchFolder();
    buildWideVault(root);
    const settings = { now: () => 4e12, tracked: firstTracked };
    const alone = await scanOf(root, { ...settings, threadCount: 0 });
    const together = await scanOf(root, { ...settings, threadCount });
    expect(essence(together)).toEqual(essence(alone));
    editWideVault(root);
    const base = cacheOf(alone);
    const again = await scanOf(root, { ...settings, threadCount, base });
    expect(essence(again)).toEqual(essence(await scanOf(root, { ...settings, threadCount: 0, base })));
  });

  test("that is aborted ends with the signal's reason", async () => {
    const root = scratchFolder();
    buildWideVault(root);
    const reason = new Error('stopped');
    await expect(scanOf(root, { threadCount: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
