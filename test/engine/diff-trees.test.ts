import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { snapshotContents } from '../../src/engine/change-content.ts';
import { detectRenames } from '../../src/engine/detect-renames.ts';
import { diffTrees } from '../../src/engine/diff-trees.ts';
import { openTreeReader } from '../../src/engine/read-tree.ts';
import type { Change } from '../../src/model/change.ts';
import { openGitOracle } from '../support/git-oracle.ts';
import { createMemoryReader, type MemoryReader } from '../support/memory-reader.ts';
import { addSnapshot, type SampleEntry, type SampleFolder } from '../support/sample-snapshot.ts';

type Entries = Readonly<Record<string, SampleEntry>>;

async function diff(
  reader: MemoryReader,
  before: Entries,
  options: { after: Entries; path?: string; except?: string },
) {
  const trees = openTreeReader(reader);
  const [a, b] = [addSnapshot(reader, before), addSnapshot(reader, options.after)];
  reader.calls.reads = 0;
  reader.calls.ranges = 0;
  return diffTrees(
    { trees, root: a.record.tree },
    { trees, root: b.record.tree },
    { path: options.path ?? null, except: options.except },
  );
}

/** "M a", as `git diff-tree --name-status` writes it. */
function statusOf(change: Change): string {
  const letters = { added: 'A', removed: 'D', changed: 'M', mode: 'M', type: 'T', renamed: 'R' } as const;
  return `${letters[change.kind]} ${change.kind === 'renamed' ? `${change.before.path} ` : ''}${change.path}`;
}

test.each<[string, Entries, Entries, string[]]>([
  ['nothing', { a: 'x', d: { entries: { b: 'y' } } }, { a: 'x', d: { entries: { b: 'y' } } }, []],
  ['a new file', {}, { a: 'x' }, ['A a']],
  ['a removed folder', { d: { entries: { a: 'x', e: { entries: { b: 'y' } } } } }, {}, ['D d/a', 'D d/e/b']],
  ['a content', { a: 'x', b: 'y' }, { a: 'x2', b: 'y' }, ['M a']],
  ['an executable bit', { a: { content: 'x' } }, { a: { content: 'x', mode: 0o755 } }, ['M a']],
  ['a file that became a link', { a: 'x' }, { a: { link: 'x' } }, ['T a']],
  ['a file that became a folder', { a: 'x' }, { a: { entries: { b: 'x' } } }, ['D a', 'A a/b']],
  ['a folder that became a link', { a: { entries: { b: 'x' } } }, { a: { link: 'b' } }, ['A a', 'D a/b']],
  [
    'names around a folder',
    { 'a.b': 'x', a: { entries: { c: 'x' } } },
    { 'a.b': 'y', a: { entries: { c: 'y' } } },
    ['M a.b', 'M a/c'],
  ],
  ['a large file', { big: { content: 'aaaabbbb', chunks: 2 } }, { big: { content: 'aaaacccc', chunks: 2 } }, ['M big']],
  ['a file that grew large', { big: 'small' }, { big: { content: 'aaaabbbb', chunks: 2 } }, ['M big']],
])('finds %s', async (_, before, after, expected) => {
  const changes = await diff(createMemoryReader(), before, { after });
  expect(changes.map(statusOf)).toEqual(expected);
});

test('tells the executable bit of a large file from its content', async () => {
  const before = { big: { content: 'aaaabbbb', chunks: 2 } };
  const changes = await diff(createMemoryReader(), before, { after: { big: { ...before.big, mode: 0o755 } } });
  expect(changes).toMatchObject([{ kind: 'mode', before: { executable: false }, after: { executable: true } }]);
});

test('reads only folders that differ', async () => {
  const reader = createMemoryReader();
  const same = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`d${i}`, { entries: { f: `${i}` } } satisfies SampleFolder]),
  );
  await diff(reader, { ...same, x: { entries: { a: '1' } } }, { after: { ...same, x: { entries: { a: '2' } } } });
  expect(reader.calls.reads + reader.calls.ranges).toBeLessThanOrEqual(6);
});

test('looks at one path, and leaves out a folder that does not count', async () => {
  const reader = createMemoryReader();
  const before = {
    notes: { entries: { a: '1', b: '1' } },
    state: { entries: { log: { entries: { x: '1' } }, other: '1' } },
    z: '1',
  };
  const after = {
    notes: { entries: { a: '2', b: '1' } },
    state: { entries: { log: { entries: { x: '2' } }, other: '2' } },
    z: '2',
  };
  expect((await diff(reader, before, { after, path: 'notes' })).map(statusOf)).toEqual(['M notes/a']);
  expect((await diff(reader, before, { after, path: 'notes/a' })).map(statusOf)).toEqual(['M notes/a']);
  expect(await diff(reader, before, { after, path: 'notes/b' })).toEqual([]);
  expect((await diff(reader, before, { after, except: 'state/log' })).map(statusOf)).toEqual([
    'M notes/a',
    'M state/other',
    'M z',
  ]);
  await expect(diff(reader, before, { after, path: 'notes/none' })).rejects.toMatchObject({ code: 'path_unknown' });
});

test('agrees with git on any two trees', async () => {
  using oracle = openGitOracle();
  const leaf = fc.oneof(
    fc.constantFrom('one', 'two', 'three'),
    fc.record({ content: fc.constantFrom('one', 'two'), mode: fc.constantFrom(0o644, 0o755) }),
    fc.record({ link: fc.constantFrom('one', 'elsewhere') }),
  );
  const name = fc.constantFrom('a', 'b', 'a.b', 'a-', 'B', 'caf\xc3\xa9');
  const { entries } = fc.letrec<{ entries: Entries; entry: SampleEntry }>((tie) => ({
    entries: fc.dictionary(name, tie('entry'), { maxKeys: 4, noNullPrototype: true }),
    entry: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      leaf,
      tie('entries').map((below) => ({ entries: below })),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(entries, entries, async (before, after) => {
      const ids = [before, after].map((tree) => writeWithGit(oracle, tree));
      const output = oracle
        .git(['diff-tree', '-r', '-z', '--no-renames', '--name-status', ids[0]!, ids[1]!])
        .toString('latin1');
      const fields = output.split('\0').slice(0, -1);
      const expected = fields.flatMap((field, i) => (i % 2 === 0 ? [`${field} ${fields[i + 1]!}`] : []));
      const changes = await diff(createMemoryReader(), before, { after });
      expect(changes.map(statusOf).sort()).toEqual(expected.sort());
    }),
    { numRuns: 60 },
  );
});

test('pairs what moved: equal files by content, the name that stayed first, and similar texts', async () => {
  const reader = createMemoryReader();
  const essay = Array.from({ length: 40 }, (_, i) => `line ${i} of an essay\n`);
  const edited = essay.with(3, 'another line\n').join('');
  const before = {
    'one.md': 'first',
    dup: 'same',
    d: { entries: { dup2: 'same', 'essay.md': essay.join('') } },
    gone: 'unlike anything',
    bin: 'a\0b',
  };
  const after = {
    'two.md': 'first',
    e: { entries: { dup2: 'same', 'text.md': edited } },
    dup3: 'same',
    fresh: 'something new\nand longer',
    bin2: 'a\0c',
  };
  const contents = snapshotContents(reader);
  const changes = await detectRenames(await diff(reader, before, { after }), { before: contents, after: contents });
  expect(changes.map(statusOf)).toEqual([
    'D bin',
    'A bin2',
    'R dup dup3',
    'R d/dup2 e/dup2',
    'R d/essay.md e/text.md',
    'A fresh',
    'D gone',
    'R one.md two.md',
  ]);
  const similarities = changes.flatMap((change) => (change.kind === 'renamed' ? [change.similarity] : []));
  expect(similarities).toEqual([100, 100, expect.closeTo(97, 0), 100]);
});

test('git finds the same renames', async () => {
  using oracle = openGitOracle();
  const text = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `this is line number ${from + i}\n`).join('');
  const before = { a: text(0, 100), b: text(200, 300), c: text(400, 500), d: text(600, 700) };
  const after = { a2: text(0, 100), b2: text(210, 300), c2: text(470, 600), d: text(600, 700) };
  const ids = [before, after].map((tree) => writeWithGit(oracle, tree));
  const output = oracle.git(['diff-tree', '-r', '-M50', '--name-status', ids[0]!, ids[1]!]).toString();
  const expected = output
    .trim()
    .split('\n')
    .map((line) => line.replace(/^R\d+/, 'R').replaceAll('\t', ' '));
  const reader = createMemoryReader();
  const contents = snapshotContents(reader);
  const changes = await detectRenames(await diff(reader, before, { after }), { before: contents, after: contents });
  expect(changes.map(statusOf).sort()).toEqual(expected.sort());
});

/** Writes a tree with git itself; returns its id. */
function writeWithGit(oracle: ReturnType<typeof openGitOracle>, entries: Entries): string {
  for (const name of readdirSync(oracle.directory))
    if (name !== '.git') rmSync(join(oracle.directory, name), { recursive: true });
  const write = (path: string, entry: SampleEntry): void => {
    const full = Buffer.from(`${oracle.directory}/${path}`, 'latin1');
    mkdirSync(Buffer.from(dirname(full.toString('latin1')), 'latin1'), { recursive: true });
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFileSync(full, entry);
    else if ('entries' in entry)
      for (const [name, below] of Object.entries(entry.entries)) write(`${path}/${name}`, below);
    else if ('link' in entry) symlinkSync(entry.link, full);
    else {
      writeFileSync(full, entry.content);
      chmodSync(full, entry.mode ?? 0o644);
    }
  };
  for (const [name, entry] of Object.entries(entries)) write(name, entry);
  oracle.git(['add', '-A', '-f', '.']);
  return oracle.git(['write-tree']).toString().trim();
}
