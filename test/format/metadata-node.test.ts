import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { objectIdOf } from '../../src/format/git/object-id.ts';
import { decodeTree } from '../../src/format/git/tree-codec.ts';
import {
  decodeMetadataLines,
  encodeMetadataLines,
  encodeMetadataTree,
  type MetadataLine,
  readMetadataTree,
} from '../../src/format/metadata-node.ts';
import { byteStringOf, bytesOf, type ByteString } from '../../src/lib/bytes.ts';
import { fileModes } from '../../src/model/tree.ts';
import { entryFlags, modeBits, VaultTree } from '../../src/model/vault-tree.ts';

const id = objectIdOf('blob', Buffer.of());

/** A tree of one folder with these entries. */
function folderOf(lines: readonly MetadataLine[]): VaultTree {
  const tree = new VaultTree();
  tree.addFolder(-1, -1);
  tree.reserveEntries(lines.length);
  for (const line of lines) {
    const row = tree.entryCount++;
    const kind = { file: modeBits.file, chunked: modeBits.file, link: modeBits.link, folder: modeBits.folder }[
      line.kind
    ];
    tree.writeName(row, line.name);
    tree.modes[row] = kind | line.mode;
    tree.mtimes[row] = line.mtimeMs;
    tree.flags[row] = line.kind === 'chunked' ? entryFlags.chunked : 0;
  }
  tree.folderEntryCounts[0] = lines.length;
  return tree;
}

const encode = (...lines: MetadataLine[]): string => byteStringOf(encodeMetadataLines(folderOf(lines), 0));
const timed = (mtimeMs: number): string => encode({ name: 'a', kind: 'file', mode: 0o644, mtimeMs }).split(' ')[1]!;

describe('lines', () => {
  test('say mode, time, kind and name', () => {
    expect(
      encode(
        { name: 'a.md', kind: 'file', mode: 0o644, mtimeMs: 1700000000123.4568 },
        { name: 'b', kind: 'chunked', mode: 0o4755, mtimeMs: 0 },
        { name: 'c', kind: 'link', mode: 0o777, mtimeMs: 999_999 },
        { name: 'd', kind: 'folder', mode: 0o1, mtimeMs: 1 },
      ),
    ).toBe('0644 1700000000.123457 f a.md\n4755 0.000000 c b\n0777 999.999000 l c\n0001 0.001000 d d\n');
  });

  test.each([
    [-500, '-0.500000'],
    [-1500.25, '-1.500250'],
    [-0.0001, '0.000000'],
    [1999.9999, '2.000000'],
    [253402300799999, '253402300799.999000'],
    [Number.NaN, '0.000000'],
    [Number.POSITIVE_INFINITY, '8640000000000.000000'],
    [-1e300, '-8640000000000.000000'],
  ])('write the time %d as %s', (mtimeMs, written) => {
    expect(timed(mtimeMs)).toBe(written);
  });

  test('leave out what has no object', () => {
    const tree = folderOf([{ name: 'a', kind: 'file', mode: 0o644, mtimeMs: 0 }]);
    tree.flags[0] = entryFlags.absent;
    expect(encodeMetadataLines(tree, 0)).toHaveLength(0);
  });

  test('read back as they were, to the microsecond', () => {
    fc.assert(
      fc.property(fc.uniqueArray(line, { selector: ({ name }) => name, maxLength: 30 }), (lines) => {
        const decoded = decodeMetadataLines(encodeMetadataLines(folderOf(lines), 0));
        const timeless = (all: readonly MetadataLine[]) => all.map((entry) => ({ ...entry, mtimeMs: 0 }));
        expect(timeless(decoded)).toEqual(timeless(lines));
        decoded.forEach(({ mtimeMs }, i) => expect(Math.abs(mtimeMs - lines[i]!.mtimeMs)).toBeLessThanOrEqual(0.001));
      }),
      { numRuns: 500 },
    );
  });

  test('do not change by being written back to the disk and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2e9, max: 4e9 }), fc.integer({ min: 0, max: 999_999_999 }), (seconds, nanos) => {
        const first = timed(seconds * 1000 + nanos / 1e6);
        // What a file system keeps of a time given in seconds as a double: whole seconds, and the rest cut to nanoseconds
        // (taken apart as libuv does; seconds times 1e9 would not fit a double).
        const given = Number(first);
        const whole = Math.trunc(given);
        const restored = whole * 1000 + Math.trunc((given - whole) * 1e9) / 1e6;
        expect(timed(restored)).toBe(first);
      }),
    );
  });

  test('can be read by a shell', () => {
    const name = 'tab\tnew\nline\\slash\u007f caf\u00c3\u00a9 %s 7';
    const written = encode({ name, kind: 'file', mode: 0o644, mtimeMs: 0 }).slice('0644 0.000000 f '.length, -1);
    const printed = execFileSync('sh', ['-c', 'printf %b "$1"', 'sh', Buffer.from(written, 'latin1').toString()], {});
    expect(printed.equals(bytesOf(name))).toBe(true);
  });

  test.each<[string, string]>([
    ['an unfinished line', '0644 0.000000 f a'],
    ['an empty line', '\n'],
    ['no name', '0644 0.000000 f \n'],
    ['a mode out of range', '0844 0.000000 f a\n'],
    ['too short a mode', '644 0.000000 f a\n'],
    ['an unknown kind', '0644 0.000000 x a\n'],
    ['too few digits', '0644 0.00000 f a\n'],
    ['a leading zero', '0644 01.000000 f a\n'],
    ['minus zero', '0644 -0.000000 f a\n'],
    ['an impossible time', '0644 9999999999999.000000 f a\n'],
    ['an endless time', `0644 ${'9'.repeat(400)}.000000 f a\n`],
    ['a raw control byte', '0644 0.000000 f a\tb\n'],
    ['an unknown escape', '0644 0.000000 f a\\n\n'],
    ['an escape that need not be one', '0644 0.000000 f \\0101\n'],
    ['a backslash at the end', '0644 0.000000 f a\\\n'],
    ['a way out', '0644 0.000000 f ..\n'],
    ['a path', '0644 0.000000 f a/b\n'],
    ['a NUL', '0644 0.000000 f a\\0000b\n'],
    ['git itself', '0644 0.000000 d .git\n'],
    ['a name twice', '0644 0.000000 f a\n0644 0.000000 d a\n'],
  ])('are refused with %s', (_, text) => {
    expect(() => decodeMetadataLines(bytesOf(text))).toThrow(expect.objectContaining({ code: 'object_corrupt' }));
  });

  test('cut, flipped or made up, decode or are refused, never anything else', () => {
    const good = encode(
      { name: 'a\nb', kind: 'file', mode: 0o644, mtimeMs: 1700000000123.4568 },
      { name: 'c', kind: 'folder', mode: 0o755, mtimeMs: -1 },
    );
    const attempt = (bytes: Uint8Array): void => {
      expect([null, 'object_corrupt']).toContain(refusalOf(bytes));
    };
    for (let i = 0; i < good.length; i++) {
      attempt(bytesOf(good.slice(0, i)));
      for (const byte of [0, 0x0a, 0x20, 0x2f, 0x5c, 0xff]) {
        const spoiled = bytesOf(good);
        spoiled[i] = byte;
        attempt(spoiled);
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), attempt));
  });
});

describe('nodes of folders with subfolders', () => {
  test('are git trees in git order, whichever nodes are leaves', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.record({ name: fc.constantFrom('a', 'a.b', 'a-', 'a0', 'folder', '='), isLeaf: fc.boolean() }),
          {
            selector: ({ name }) => name,
          },
        ),
        (subfolders) => {
          const encoded = encodeMetadataTree(
            id,
            subfolders.map((subfolder) => ({ ...subfolder, id })),
          );
          const read = readMetadataTree(decodeTree(encoded));
          expect(read.lines).toBe(id);
          expect(read.subfolders).toEqual(new Map(subfolders.map(({ name, isLeaf }) => [name, { id, isLeaf }])));
        },
      ),
    );
  });

  test.each([
    ['without lines', [{ name: '=a', mode: fileModes.file, id }]],
    ['with lines that are a tree', [{ name: 'folder', mode: fileModes.tree, id }]],
    [
      'with a stranger',
      [
        { name: 'a', mode: fileModes.file, id },
        { name: 'folder', mode: fileModes.file, id },
      ],
    ],
    [
      'with a link',
      [
        { name: '=a', mode: fileModes.link, id },
        { name: 'folder', mode: fileModes.file, id },
      ],
    ],
    [
      'with a nameless subfolder',
      [
        { name: '=', mode: fileModes.file, id },
        { name: 'folder', mode: fileModes.file, id },
      ],
    ],
    [
      'with a way out',
      [
        { name: '=..', mode: fileModes.tree, id },
        { name: 'folder', mode: fileModes.file, id },
      ],
    ],
  ])('are refused %s', (_, entries) => {
    expect(() => readMetadataTree(entries)).toThrow(expect.objectContaining({ code: 'object_corrupt' }));
  });
});

/** The code of the error decoding throws, or null. */
function refusalOf(bytes: Uint8Array): unknown {
  try {
    decodeMetadataLines(bytes);
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

const name: fc.Arbitrary<ByteString> = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom(0x0a, 0x5c, 0x30, 0x7f)), {
    minLength: 1,
    maxLength: 20,
  })
  .map((bytes) => `n${String.fromCharCode(...bytes).replaceAll('/', '_')}`);
const line: fc.Arbitrary<MetadataLine> = fc.record({
  name,
  mode: fc.nat(0o7777),
  mtimeMs: fc.double({ min: -1e13, max: 1e13, noNaN: true }),
  kind: fc.constantFrom('file', 'chunked', 'link', 'folder'),
});
