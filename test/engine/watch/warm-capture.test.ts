import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildTrees } from '../../../src/engine/build-trees.ts';
import type { Deps } from '../../../src/engine/deps.ts';
import { loadStoreView, openPointReader } from '../../../src/engine/store-view.ts';
import { takeSnapshot } from '../../../src/engine/take-snapshot.ts';
import { WarmVault } from '../../../src/engine/warm-vault.ts';
import { decodeCommit } from '../../../src/format/git/commit-codec.ts';
import type { LedgerEntry } from '../../../src/model/problem.ts';
import type { SnapshotRecord } from '../../../src/model/snapshot.ts';
import type { Scan } from '../../../src/ports/working-tree.ts';
import { createMemoryObjectWriter, nothingKnown } from '../../support/memory-object-writer.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { openTestVault } from '../../support/test-vault.ts';

const folders = ['', 'a', 'a/b', 'a/b/c', 'd', 'd/a', 'e'];
const folder = fc.constantFrom(...folders);
const name = fc.constantFrom('x', 'y.log', 'z', '.env', 'a');

const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), folder, name, size: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), folder, name }) },
  fc.record({ do: fc.constant('rename' as const), folder, name, to: folder }),
  fc.record({ do: fc.constant('removeFolder' as const), folder }),
  fc.record({ do: fc.constant('chmod' as const), folder, mode: fc.constantFrom(0o755, 0o700) }),
  fc.record({ do: fc.constant('rules' as const), folder, rules: fc.constantFrom('*.log\n', 'b/\n', '', '!y.log\n') }),
  fc.record({ do: fc.constant('link' as const), folder, name }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Does one thing to the vault and returns the folders the system would name. */
function perform(root: string, act: Action): string[] {
  const inFolder = join(root, act.folder);
  const parents = [act.folder, dirname(act.folder) === '.' ? '' : dirname(act.folder)];
  try {
    switch (act.do) {
      case 'write':
      case 'rules': {
        const made = mkdirSync(inFolder, { recursive: true });
        writeFileSync(
          join(inFolder, act.do === 'rules' ? '.gitignore' : act.name),
          act.do === 'rules' ? act.rules : 'q'.repeat(act.size),
        );
        return made === undefined
          ? [act.folder]
          : folders.filter((one) => one === '' || `${act.folder}/`.startsWith(`${one}/`));
      }
      case 'remove':
        rmSync(join(inFolder, act.name));
        return [act.folder];
      case 'rename':
        renameSync(join(inFolder, act.name), join(root, act.to, `${act.name}-moved`));
        return [act.folder, act.to];
      case 'removeFolder':
        if (act.folder !== '') rmSync(inFolder, { recursive: true, force: true });
        return parents;
      case 'chmod':
        if (act.folder !== '') chmodSync(inFolder, act.mode);
        return parents;
      case 'link':
        symlinkSync('/etc/hosts', join(inFolder, act.name));
        return [act.folder];
    }
  } catch {
    return [];
  }
}

/** What a look at everything, with nothing known from before, makes of the vault. */
async function lookAfresh(deps: Deps) {
  const { repository, workingTree } = deps;
  const ignore = await repository.ignoreSources();
  const scan = await workingTree.scan({ base: null, ignore, tracked: await repository.trackedPaths() });
  const writer = createMemoryObjectWriter();
  await workingTree.ingest({ scan, writer, known: nothingKnown });
  const trees = buildTrees(scan.tree, writer, null);
  const entries: string[] = [];
  for (let row = 0; row < scan.tree.entryCount; row++) {
    const path = scan.tree.path(row);
    if (!path.startsWith('state'))
      entries.push(`${path} ${scan.tree.modes[row]} ${scan.tree.isFolder(row) ? '' : scan.tree.id(row)}`);
  }
  return { trees, entries: entries.join('\n'), ledger: scan.ledger, notices: scan.notices };
}

/** A rule with one file left is named by its pattern or by that file: both are right. */
function sizesOf(ledger: readonly LedgerEntry[]) {
  return ledger.map(({ reason, fileCount, sizeBytes }) => ({ reason, fileCount, sizeBytes }));
}

async function metadataOf(deps: Deps, record: SnapshotRecord): Promise<string> {
  const view = await loadStoreView(deps, { refresh: 'never' });
  const { reader } = await openPointReader(deps, view.points);
  return decodeCommit((await reader.read(record.metadata)).content).tree;
}

function rootsBelow(folder: string): () => string {
  let count = 0;
  return () => join(folder, `vault-${count++}`);
}

function openWarm(root: string) {
  const vault = openTestVault({ root, storage: createMemoryStorage(), scanNow: () => Date.now() + 60_000 });
  const state = { marked: null as ReadonlySet<string> | null, scan: null as Scan | null };
  const warm = new WarmVault({
    foldersToScan: () => state.marked,
    onScan: (scan) => {
      state.scan = scan;
    },
  });
  const capture = async (marked: ReadonlySet<string> | null) => {
    state.marked = marked;
    vault.clock.advance(1000);
    return takeSnapshot(vault.deps, { label: null, kind: 'auto', warm });
  };
  return { ...vault, state, capture };
}

test('Q07 W2: after any edits, a look at the marked folders alone gives what a look at everything gives', async () => {
  const newRoot = rootsBelow(scratchFolder());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(action, { maxLength: 6 }), { minLength: 1, maxLength: 5 }), async (bursts) => {
      const vault = openWarm(newRoot());
      vault.write('a/b/kept', 'one');
      await vault.capture(null);
      let before = (await lookAfresh(vault.deps)).entries;
      for (const burst of bursts) {
        const marked = new Set(burst.flatMap((act) => perform(vault.root, act)));
        const fresh = await lookAfresh(vault.deps);
        const outcome = await vault.capture(marked);
        expect(fresh.entries === before || outcome.kind === 'taken').toBe(true);
        before = fresh.entries;
        if (outcome.kind !== 'taken') continue;
        const { tree, counts, ledger, notices } = outcome.record;
        const metadata = await metadataOf(vault.deps, outcome.record);
        const found = {
          tree,
          metadata,
          counts,
          ledger: sizesOf(ledger),
          notices,
          isPart: vault.state.scan!.part !== undefined,
        };
        expect(found).toMatchObject({
          tree: fresh.trees.rootTree,
          metadata: fresh.trees.rootMetadata,
          counts: fresh.trees.counts,
          ledger: sizesOf(fresh.ledger),
          notices: fresh.notices,
          isPart: true,
        });
      }
    }),
    { numRuns: 10 },
  );
}, 60_000);

test('Q07: whatever hints are lost, the next look at everything finds exactly the disk', async () => {
  const newRoot = rootsBelow(scratchFolder());
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.tuple(action, fc.boolean()), { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      async (bursts) => {
        const vault = openWarm(newRoot());
        vault.write('a/b/kept', 'one');
        await vault.capture(null);
        let before = (await lookAfresh(vault.deps)).entries;
        for (const burst of bursts) {
          const marked = new Set<string>();
          for (const [act, isSeen] of burst) for (const path of perform(vault.root, act)) if (isSeen) marked.add(path);
          const seen = await vault.capture(marked);
          if (seen.kind === 'taken') before = '';
        }
        const fresh = await lookAfresh(vault.deps);
        const outcome = await vault.capture(null);
        const isRight =
          outcome.kind === 'taken'
            ? outcome.record.tree === fresh.trees.rootTree
            : before === '' || before === fresh.entries;
        expect(isRight).toBe(true);
        const again = await vault.capture(null);
        expect(again.kind).toBe('unchanged');
      },
    ),
    { numRuns: 10 },
  );
}, 60_000);

test('a look at one folder reads no other', async () => {
  const newRoot = rootsBelow(scratchFolder());
  const vault = openWarm(newRoot());
  for (const one of ['a/1', 'a/2', 'b/1', 'b/c/2']) vault.write(one, one);
  await vault.capture(null);
  vault.write('b/c/2', 'changed');
  vault.write('a/1', 'not marked');
  const outcome = await vault.capture(new Set(['b/c']));
  expect(outcome).toMatchObject({ kind: 'taken', record: { counts: { files: 5, added: 0, changed: 1, removed: 0 } } });
  const { tree, part } = vault.state.scan!;
  const read = part!.readFolders.map((number) => tree.folderPath(number));
  expect(read).toContain('b/c');
  // Our own log is looked at every time.
  expect(read.filter((path) => path !== 'b/c' && !path.startsWith('state'))).toEqual([]);
});
