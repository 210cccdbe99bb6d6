import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findInTree, wantedName } from '../../src/engine/find-in-tree.ts';
import { openTreeReader } from '../../src/engine/read-tree.ts';
import { createMemoryReader } from '../support/memory-reader.ts';
import { addSnapshot, type SampleEntry } from '../support/sample-snapshot.ts';

test('finds what decoding the whole tree finds, whatever the names', async () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'a.b', 'x', 'x~', 'caf\xc3\xa9', ' ');
  const entry: fc.Arbitrary<SampleEntry> = fc.constantFrom<SampleEntry>(
    'text',
    { content: 'text', mode: 0o755 },
    { link: 'a' },
    { content: 'abcd', chunks: 2 },
    { entries: { below: 'x' } },
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, entry, { noNullPrototype: true }), name, async (entries, wanted) => {
      const reader = createMemoryReader();
      const { tree } = addSnapshot(reader, entries).record;
      const decoded = await openTreeReader(reader).folder(tree);
      const found = findInTree((await reader.read(tree)).content, wantedName(wanted));
      expect(found).toEqual(decoded.find((candidate) => candidate.name === wanted) ?? null);
    }),
    { numRuns: 100 },
  );
});

test('refuses a tree that is cut short', async () => {
  const reader = createMemoryReader();
  const { tree } = addSnapshot(reader, { a: 'x', b: 'y' }).record;
  const { content } = await reader.read(tree);
  for (let length = 1; length < content.length; length++) {
    if (length === content.length / 2) continue;
    expect(() => findInTree(content.subarray(0, length), wantedName('missing'))).toThrow(/middle of an entry/);
  }
});
