import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
const gitAction = fc.oneof(
  { weight: 3, arbitrary: action },
  fc.record({ do: fc.constant('track' as const), folder, name }),
  fc.record({ do: fc.constant('untrack' as const), folder, name }),
  fc.record({ do: fc.constant('rewrite index' as const) }),
);
type Action = typeof gitAction extends fc.Arbitrary<infer T> ? T : never;

function git(root: string, ...args: string[]): void {
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  execFileSync('git', args, { cwd: root, env, stdio: 'ignore' });
}

/** Does one thing to the vault and returns the folders the system would name. */
function perform(root: string, act: Action): string[] {
  if (act.do === 'rewrite index') {
    git(root, 'update-index', '--force-write-index');
    return [];
  }
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
      // What git does to its index alone gives no hint.
      case 'track':
        git(root, 'add', '-f', '--', join(act.folder, act.name));
        return [];
      case 'untrack':
        git(root, 'rm', '-q', '--cached', '--', join(act.folder, act.name));
        return [];
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

test.each([
  ['', action],
  [' in a repository whose index changes', gitAction],
])(
  'Q07 W2: after any edits%s, a look at the marked folders alone gives what a look at everything gives',
  async (where, anyAction) => {
    const newRoot = rootsBelow(scratchFolder());
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array<Action>(anyAction, { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
        async (bursts) => {
          const vault = openWarm(newRoot());
          vault.write('a/b/kept', 'one');
          if (where !== '') {
            git(vault.root, 'init', '-q');
            vault.write('.gitignore', '*.log\nb/\n');
          }
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
        },
      ),
      { numRuns: 10 },
    );
  },
  60_000,
);

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

test('what came under a rule is listed as not protected by the next snapshot, whatever was looked at since', async () => {
  const vault = openWarm(join(scratchFolder(), 'vault'));
  vault.write('a/1', 'one');
  await vault.capture(null);
  const secretsIn = async (marked: ReadonlySet<string> | null): Promise<number | string> => {
    const outcome = await vault.capture(marked);
    if (outcome.kind !== 'taken') return outcome.kind;
    return outcome.record.ledger.reduce((sum, { reason, fileCount }) => sum + (reason === 'secret' ? fileCount : 0), 0);
  };
  for (const [n, look] of [new Set(['']), null].entries()) {
    vault.write(n === 0 ? '.env' : '.env.local', '');
    expect(await secretsIn(look)).toBe('unchanged');
    vault.write('a/1', `changed ${n}`);
    expect(await secretsIn(new Set(['a']))).toBe(n + 1);
  }
});

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

describe('what git does to its index', () => {
  function openRepository() {
    const vault = openWarm(join(scratchFolder(), 'vault'));
    git(vault.root, 'init', '-q');
    vault.write('.gitignore', 'build/\n');
    for (const path of ['a/1', 'b/1', 'build/1', 'build/deep/2']) vault.write(path, path);
    git(vault.root, 'add', 'a', '.gitignore');
    return vault;
  }

  test('W2: as an editor rewrites it in the background, no capture becomes a look at everything', async () => {
    const vault = openRepository();
    await vault.capture(null);
    let partial = 0;
    for (const round of [1, 2, 3]) {
      git(vault.root, 'update-index', '--force-write-index');
      vault.write('b/1', `changed ${round}`);
      expect((await vault.capture(new Set(['b']))).kind).toBe('taken');
      const { tree, part } = vault.state.scan!;
      const read = part?.readFolders
        .map((number) => tree.folderPath(number))
        .filter((path) => !path.startsWith('state'));
      if (read?.join() === 'b') partial++;
    }
    expect(partial).toBe(3);
  });

  test('a path it tracks anew, or no longer, under an ignored folder comes and goes; nothing else is looked at', async () => {
    const vault = openRepository();
    await vault.capture(null);
    const capture = async (): Promise<string[]> => {
      const fresh = await lookAfresh(vault.deps);
      const outcome = await vault.capture(new Set());
      expect(outcome).toMatchObject({ kind: 'taken', record: { tree: fresh.trees.rootTree } });
      const { tree, part } = vault.state.scan!;
      expect(part!.readFolders.map((number) => tree.folderPath(number))).not.toContain('a');
      return fresh.entries.split('\n').flatMap((line) => /^build\/\S*(?= \d+ \S)/.exec(line) ?? []);
    };
    git(vault.root, 'add', '-f', 'build/deep/2');
    expect(await capture()).toEqual(['build/deep/2']);
    git(vault.root, 'add', '-f', 'build/1');
    expect(await capture()).toEqual(['build/1', 'build/deep/2']);
    git(vault.root, 'rm', '-q', '--cached', 'build/deep/2');
    expect(await capture()).toEqual(['build/1']);
    git(vault.root, 'rm', '-q', '--cached', 'build/1');
    expect(await capture()).toEqual([]);
  });
});
