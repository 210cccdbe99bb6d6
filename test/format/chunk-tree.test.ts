import { describe, expect, test } from 'vitest';
import { ChunkTreeBuilder, readChunkTree } from '../../src/format/chunk-tree.ts';
import { decodeTree } from '../../src/format/git/tree-codec.ts';
import { objectIdOf, rawObjectId } from '../../src/format/git/object-id.ts';
import { fileModes, type TreeEntry } from '../../src/model/tree.ts';

const idOf = (number: number) => objectIdOf('blob', Buffer.from(`chunk ${number}`));

function build(count: number, options: { isExecutable: boolean; trueName?: boolean }): TreeEntry[] {
  const builder = new ChunkTreeBuilder(options);
  for (let i = 0; i < count; i++) builder.add(rawObjectId(idOf(i)));
  return decodeTree(builder.finish(options.trueName === true ? rawObjectId(idOf(-1)) : null));
}

describe('a chunk tree', () => {
  test('is a git tree of numbered blobs', () => {
    expect(build(2, { isExecutable: false })).toEqual([
      { name: '00000000', mode: fileModes.file, id: idOf(0) },
      { name: '00000001', mode: fileModes.file, id: idOf(1) },
    ]);
  });

  test.each([1, 64, 65, 5000])('of %i chunks reads back in order', (count) => {
    for (const isExecutable of [false, true]) {
      const read = readChunkTree(build(count, { isExecutable }));
      expect(read.chunks).toEqual(Array.from({ length: count }, (_, i) => idOf(i)));
      expect(read).toMatchObject({ isExecutable, trueName: null });
    }
  });

  test('holds the true name where its entry could not', () => {
    expect(readChunkTree(build(64, { isExecutable: true, trueName: true }))).toMatchObject({
      isExecutable: true,
      trueName: idOf(-1),
    });
  });

  test.each<[string, (entries: TreeEntry[]) => TreeEntry[]]>([
    ['no chunk', () => []],
    ['a missing chunk', (entries) => entries.toSpliced(1, 1)],
    ['another name', (entries) => entries.with(2, { ...entries[2]!, name: '2' })],
    ['mixed modes', (entries) => entries.with(1, { ...entries[1]!, mode: fileModes.executable })],
    ['a link', (entries) => entries.with(0, { ...entries[0]!, mode: fileModes.link })],
    ['a folder for a name', (entries) => [...entries, { name: 'name', mode: fileModes.tree, id: idOf(0) }]],
    ['only a name', () => [{ name: 'name', mode: fileModes.file, id: idOf(0) }]],
  ])('is refused with %s', (_, spoil) => {
    expect(() => readChunkTree(spoil(build(3, { isExecutable: false })))).toThrow(
      expect.objectContaining({ code: 'object_corrupt' }),
    );
  });
});
