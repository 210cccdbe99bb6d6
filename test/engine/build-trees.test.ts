import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildTrees } from '../../src/engine/build-trees.ts';
import { storedChunkedName } from '../../src/format/chunked-name.ts';
import { objectIdOf, rawObjectId } from '../../src/format/git/object-id.ts';
import { decodeMetadataLines, readMetadataTree } from '../../src/format/metadata-node.ts';
import { bytesOf, type ByteString } from '../../src/lib/bytes.ts';
import { fileModes } from '../../src/model/tree.ts';
import { entryFlags, VaultTree } from '../../src/model/vault-tree.ts';
import { openGitOracle } from '../support/git-oracle.ts';
import { createMemoryObjectWriter, knownObjects, type MemoryObjectWriter } from '../support/memory-object-writer.ts';
import { readVaultTree } from '../support/read-vault-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault, onDisk, type VaultContent } from '../support/vault-builder.ts';

const emptyTreeId = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const emptyBlobId = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

/** Gives every file and link a made-up object, decided by its name. */
function fillIds(tree: VaultTree): VaultTree {
  for (let row = 0; row < tree.entryCount; row++) {
    if (tree.isFolder(row)) continue;
    tree.ids.set(rawObjectId(objectIdOf('blob', Buffer.from(tree.name(row), 'latin1'))), row * 20);
    tree.flags[row]! |= entryFlags.hasId;
  }
  return tree;
}

function vaultOf(contents: Readonly<Record<ByteString, VaultContent>>): string {
  const root = scratchFolder();
  buildVault(root, contents);
  return root;
}

const read = (root: string): VaultTree => fillIds(readVaultTree(root));

describe('the snapshot tree', () => {
  test('is the tree git makes of the same files, whatever their names and kinds', () => {
    using oracle = openGitOracle();
    writeFileSync(
      join(oracle.directory, '.git/info/attributes'),
      '* -text -eol -filter -ident -working-tree-encoding\n',
    );
    fc.assert(
      fc.property(randomFolder(3), (contents) => {
        const root = join(oracle.directory, '../vault');
        makeFolder(Buffer.from(root), contents);
        try {
          oracle.git(['--work-tree', root, 'add', '-A', '-f', '.']);
          const expected = oracle.git(['write-tree']).toString().trim();
          const tree = fillFromDisk(readVaultTree(root), root);
          expect(buildTrees(tree, createMemoryObjectWriter(), null).rootTree).toBe(expected);
        } finally {
          rmSync(root, { recursive: true });
          oracle.git(['read-tree', '--empty']);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('of a vault without files is the empty tree, though the metadata names its folders', () => {
    const tree = read(vaultOf({ 'a/b': null, c: null }));
    const writer = createMemoryObjectWriter();
    const built = buildTrees(tree, writer, null);
    expect(built.rootTree).toBe(emptyTreeId);
    expect(built.counts).toEqual({ files: 0, folders: 3, links: 0, sizeBytes: 0 });
    const root = readMetadataTree(writer.tree(built.rootMetadata));
    expect(decodeMetadataLines(writer.content(root.lines)).map(({ name, kind }) => [name, kind])).toEqual([
      ['a', 'folder'],
      ['c', 'folder'],
    ]);
    expect(root.subfolders.get('c')).toEqual({ id: emptyBlobId, isLeaf: true });
    const inner = readMetadataTree(writer.tree(root.subfolders.get('a')!.id));
    expect([...inner.subfolders.keys()]).toEqual(['b']);
  });

  test('holds chunked files as marked folders, in the order their new names ask for', () => {
    const long = 'n'.repeat(250);
    const tree = read(
      vaultOf({ film: 'x', 'film-2': 'x', 'film.a': 'x', 'film.holdfast-chunks': 'x', [long]: 'x', z: 'x' }),
    );
    for (const name of ['film', long]) tree.flags[tree.find(name)]! |= entryFlags.chunked;
    const writer = createMemoryObjectWriter();
    const entries = writer.tree(buildTrees(tree, writer, null).rootTree);
    expect(entries.map(({ name, mode }) => [name, mode])).toEqual([
      ['film-2', fileModes.file],
      ['film.a', fileModes.file],
      ['film.holdfast-chunks', fileModes.tree],
      ['film.holdfast-chunks~', fileModes.file],
      [storedChunkedName(long), fileModes.tree],
      ['z', fileModes.file],
    ]);
  });

  test('leaves out what is absent, and folders in which nothing else is', () => {
    const tree = read(vaultOf({ 'gone/a': 'x', 'kept/a': 'x', 'kept/b': 'x', unreadable: null }));
    for (const path of ['gone/a', 'kept/b', 'unreadable']) {
      tree.flags[tree.find(path)] = entryFlags.absent;
    }
    const writer = createMemoryObjectWriter();
    const built = buildTrees(tree, writer, null);
    expect(writer.tree(built.rootTree).map(({ name }) => name)).toEqual(['kept']);
    expect(built.counts).toMatchObject({ files: 1, folders: 2, sizeBytes: 1 });
    const metadata = readMetadataTree(writer.tree(built.rootMetadata));
    expect([...metadata.subfolders.keys()]).toEqual(['gone', 'kept']);
  });

  test('is refused while a file was neither read nor found missing', () => {
    const tree = readVaultTree(vaultOf({ a: 'x' }));
    expect(() => buildTrees(tree, createMemoryObjectWriter(), null)).toThrow(
      expect.objectContaining({ code: 'invariant_broken' }),
    );
  });

  test('survives folders nested deeper than any stack', () => {
    const depth = 20_000;
    const tree = new VaultTree();
    let folder = tree.addFolder(-1, -1);
    for (let i = 0; i < depth; i++) {
      tree.reserveEntries(1);
      const row = tree.entryCount++;
      tree.writeName(row, 'd');
      tree.modes[row] = 0o040755;
      tree.folderEntryCounts[folder] = 1;
      tree.childFolders[row] = tree.folderCount;
      folder = tree.addFolder(folder, row);
    }
    expect(buildTrees(tree, createMemoryObjectWriter(), null).counts.folders).toBe(depth);
  });
});

describe('against a base', () => {
  const contents = { 'a/deep/x': '1', 'a/y': '2', 'b/x': '3', 'b/link': { link: 'x' }, 'b/empty': null, 'c/film': 'x' };
  let root: string;
  let base: VaultTree;
  let stored: MemoryObjectWriter;

  /** Builds the folder as it is now, and says how many objects were encoded for it. */
  function rebuild(change: (tree: VaultTree) => void = () => {}): { tree: VaultTree; adds: number } {
    const tree = read(root);
    change(tree);
    const writer = createMemoryObjectWriter(knownObjects(stored.objects.keys()));
    const built = buildTrees(tree, writer, base);
    const again = createMemoryObjectWriter();
    const fresh = read(root);
    change(fresh);
    expect(built).toEqual(buildTrees(fresh, again, null));
    expect(tree.ids).toEqual(fresh.ids);
    expect(tree.flags).toEqual(fresh.flags);
    expect(tree.metadataIds).toEqual(fresh.metadataIds);
    expect(tree.metadataIsLeaf).toEqual(fresh.metadataIsLeaf);
    return { tree, adds: writer.calls.adds };
  }

  const start = (): void => {
    root = vaultOf(contents);
    base = read(root);
    stored = createMemoryObjectWriter();
    buildTrees(base, stored, null);
  };
  /** Tree, lines and node of the vault itself, which are always made. */
  const rootAdds = 3;

  test('nothing but the vault itself is encoded when nothing changed', () => {
    start();
    expect(rebuild().adds).toBe(rootAdds);
  });

  test.each<[string, () => void, number]>([
    ['a file was edited', () => writeFileSync(join(root, 'a/deep/x'), '11'), 2 + 3],
    ['only a time changed', () => utimesSync(join(root, 'b/x'), 1, 1), 3],
    ['only a permission changed', () => chmodSync(join(root, 'b/x'), 0o600), 3],
    ['a file appeared', () => writeFileSync(join(root, 'a/new'), ''), 3],
    ['a file went away', () => rmSync(join(root, 'a/y')), 3],
    ['a folder went away', () => rmSync(join(root, 'a/deep'), { recursive: true }), 2],
    ['a file became a folder', () => swapForFolder(join(root, 'a/y')), 3 + 1],
    ['a link points elsewhere', () => swapForLink(join(root, 'b/link')), 3],
  ])('its folders and those above are encoded when %s', (_, change, adds) => {
    start();
    change();
    const result = rebuild((tree) => {
      const row = tree.find('a/deep/x');
      if (row >= 0 && tree.sizes[row] === 2) tree.ids.fill(9, row * 20, row * 20 + 20);
    });
    expect(result.adds).toBe(rootAdds + adds);
  });

  test('a folder whose file became chunked is encoded though its bytes have the same id', () => {
    start();
    expect(rebuild((tree) => void (tree.flags[tree.find('c/film')]! |= entryFlags.chunked)).adds).toBe(rootAdds + 2);
  });

  test('folders the store lost are encoded again', () => {
    start();
    const tree = read(root);
    const lost = base.id(base.find('b'));
    const writer = createMemoryObjectWriter(knownObjects([...stored.objects.keys()].filter((id) => id !== lost)));
    buildTrees(tree, writer, base);
    expect([...writer.objects.keys()]).toEqual([lost]);
  });
});

function swapForFolder(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

function swapForLink(path: string): void {
  rmSync(path);
  symlinkSync('elsewhere', path);
  utimesSync(join(path, '..'), 1, 1);
}

interface RandomLeaf {
  readonly kind: 'file' | 'executable' | 'link';
  readonly text: string;
}
interface RandomFolder {
  readonly kind: 'folder';
  readonly entries: Readonly<Record<ByteString, RandomLeaf | RandomFolder>>;
}

const oddNames = ['a', 'a.b', 'a-', 'a0', 'A', ' x', '-n', 'new\nline', 'tab\t', '"q"', 'back\\slash', '\u00ff', 'CON'];
const randomName = fc.oneof(
  fc.constantFrom(...oddNames, 'x.holdfast-chunk', '.hidden'),
  fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 12 })
    .map((bytes) => `r${String.fromCharCode(...bytes).replaceAll('/', '_')}`),
);
const randomLeaf: fc.Arbitrary<RandomLeaf> = fc.record({
  kind: fc.constantFrom('file', 'file', 'executable', 'link'),
  text: fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', '\r\n', '\n', '$Id$') }),
});

function randomFolder(depth: number): fc.Arbitrary<RandomFolder> {
  const below = depth === 0 ? [] : [{ weight: 1, arbitrary: randomFolder(depth - 1) }];
  const content = fc.oneof({ weight: 2, arbitrary: randomLeaf as fc.Arbitrary<RandomLeaf | RandomFolder> }, ...below);
  return fc.dictionary(randomName, content, { maxKeys: 6 }).map((entries) => ({ kind: 'folder', entries }));
}

function makeFolder(path: Buffer, folder: RandomFolder): void {
  mkdirSync(path);
  for (const [name, content] of Object.entries(folder.entries)) {
    const at = Buffer.concat([path, Buffer.from('/'), bytesOf(name)]);
    if (content.kind === 'folder') makeFolder(at, content);
    else if (content.kind === 'link') symlinkSync(content.text, at);
    else writeFileSync(at, content.text, { mode: content.kind === 'executable' ? 0o755 : 0o644 });
  }
}

/** Gives every file and link the object of its bytes on disk. */
function fillFromDisk(tree: VaultTree, root: string): VaultTree {
  for (let row = 0; row < tree.entryCount; row++) {
    if (tree.isFolder(row)) continue;
    const path = onDisk(root, tree.path(row));
    const content = tree.isLink(row) ? readlinkSync(path, 'buffer') : readFileSync(path);
    tree.ids.set(rawObjectId(objectIdOf('blob', content)), row * 20);
    tree.flags[row]! |= entryFlags.hasId;
  }
  return tree;
}
