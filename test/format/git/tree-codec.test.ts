import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openObjectWriter } from '../../../src/adapters/objects/open-object-writer.ts';
import { objectIdOf } from '../../../src/format/git/object-id.ts';
import { decodeTree, encodeTree } from '../../../src/format/git/tree-codec.ts';
import { byteStringOf } from '../../../src/lib/bytes.ts';
import type { ObjectId } from '../../../src/model/ids.ts';
import { compareTreeEntries, fileModes, type TreeEntry } from '../../../src/model/tree.ts';
import { openGitOracle } from '../../support/git-oracle.ts';
import { seededRandom } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';

const blob = objectIdOf('blob', Buffer.from('x'));
const emptyTree = objectIdOf('tree', Buffer.alloc(0));

function rawTree(entries: readonly { mode: string; name: string; id?: string }[]): Buffer {
  return Buffer.concat(
    entries.map(({ mode, name, id = mode === '40000' ? emptyTree : blob }) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
    ),
  );
}

/** Packs raw trees as they are and returns those that `git fsck --strict` complains about. */
async function complainedByGit(trees: readonly Uint8Array[]): Promise<ReadonlySet<string>> {
  using oracle = openGitOracle();
  const known = { has: () => false, table: () => new SharedArrayBuffer(0) };
  await using writer = openObjectWriter(scratchFolder(), known);
  writer.add('blob', Buffer.from('x'));
  writer.add('tree', Buffer.alloc(0));
  for (const tree of trees) writer.add('tree', tree);
  for (const pack of await writer.seal()) {
    copyFileSync(pack.packPath, join(oracle.packDirectory, basename(pack.packPath)));
    copyFileSync(pack.indexPath, join(oracle.packDirectory, basename(pack.indexPath)));
  }
  const { output, errors } = oracle.tryGit(['fsck', '--full', '--strict', '--no-dangling']);
  const complaints = `${output}\n${errors}`.matchAll(/(?:error|warning) in tree ([0-9a-f]{40}): (\w+)/g);
  // Links called .gitattributes and the like are a remark git does not act on.
  return new Set(
    [...complaints].filter(([, , kind]) => !/^git(?:attributes|ignore)|^mailmap/.test(kind!)).map((hit) => hit[1]!),
  );
}

function refusal(tree: Uint8Array): string | null {
  try {
    decodeTree(tree);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('encodeTree', () => {
  test('writes golden bytes', () => {
    const id = 'ce013625030ba8dba906f756967f9e9ca394464a' as ObjectId;
    const bytes = encodeTree([{ name: 'hello.txt', mode: fileModes.file, id }]);
    expect(bytes.toString('hex')).toBe('3130303634342068656c6c6f2e74787400ce013625030ba8dba906f756967f9e9ca394464a');
    expect(objectIdOf('tree', bytes)).toBe('aaa96ced2d9a1c8e72c56b253a0e2fe78393feb7');
    expect(objectIdOf('tree', encodeTree([]))).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  test('makes the ids git makes, for 2,000 random trees of byte names', () => {
    const random = seededRandom(20260417);
    const names = (): string => {
      const length = 1 + random.int(random.pick([3, 12, 200]));
      const bytes = random.bytes(length).map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte));
      return random.pick(['', 'a', 'a.', 'a-', 'a0']) + byteStringOf(bytes);
    };
    const trees = Array.from({ length: 2000 }, () => {
      const entries = new Map<string, TreeEntry>();
      for (let i = random.int(12); i > 0; i--) {
        const mode = random.pick(Object.values(fileModes));
        entries.set(names(), { name: '', mode, id: mode === fileModes.tree ? emptyTree : blob });
      }
      return [...entries]
        .map(([name, entry]) => ({ ...entry, name }))
        .filter(({ name, mode }) => {
          return refusal(rawTree([{ mode: mode.toString(8), name }])) === null;
        });
    });
    using oracle = openGitOracle();
    const kinds = new Map<number, string>([
      [fileModes.tree, 'tree'],
      [fileModes.gitlink, 'commit'],
    ]);
    const input = trees.map((entries) =>
      entries
        .map(
          ({ mode, id, name }) => `${mode.toString(8).padStart(6, '0')} ${kinds.get(mode) ?? 'blob'} ${id}\t${name}\0`,
        )
        .join(''),
    );
    const byGit = oracle
      .git(['mktree', '--missing', '--batch', '-z'], Buffer.from(input.map((tree) => `${tree}\0`).join(''), 'latin1'))
      .toString()
      .trim()
      .split('\n');
    const ours = trees.map((entries) => {
      const bytes = encodeTree(entries.toSorted(compareTreeEntries));
      expect(decodeTree(bytes)).toEqual(entries.toSorted(compareTreeEntries));
      return objectIdOf('tree', bytes);
    });
    expect(ours).toEqual(byGit);
  });

  test.each([
    [
      'out of order',
      [
        { name: 'b', mode: fileModes.file },
        { name: 'a', mode: fileModes.file },
      ],
    ],
    [
      'twice',
      [
        { name: 'a', mode: fileModes.file },
        { name: 'a', mode: fileModes.tree },
      ],
    ],
    ['with a bad name', [{ name: '..', mode: fileModes.file }]],
    ['with a bad mode', [{ name: 'a', mode: 0o100666 }]],
  ])('never writes an entry %s', (_, entries) => {
    expect(() => encodeTree(entries.map((entry) => ({ ...entry, id: blob })))).toThrow(/cannot be written/);
  });
});

describe('decodeTree', () => {
  const badNames = [
    '',
    '.',
    '..',
    'a/b',
    '/abs',
    '.git',
    '.GIT',
    '.gIt',
    '.git.',
    '.git ',
    '.git . ',
    'git~1',
    'GIT~1',
  ];
  const hiddenNames = [
    '.git::$INDEX_ALLOCATION',
    '.git:x',
    'a\\.git',
    '.git\\a',
    '.g\u00e2\u0080\u008cit',
    '\u00ef\u00bb\u00bf.git',
    '.git\u00ff',
  ];

  test.each([...badNames, ...hiddenNames])('refuses the name %j, as git does', async (name) => {
    const tree = rawTree([{ mode: '100644', name }]);
    expect(refusal(tree)).toBe('tree_unsafe');
    expect(await complainedByGit([tree])).toEqual(new Set([objectIdOf('tree', tree)]));
  });

  test('refuses in every structure what git fsck --strict refuses, and nothing else', async () => {
    const file = (name: string) => ({ mode: '100644', name });
    const folder = (name: string) => ({ mode: '40000', name });
    const trees = [
      [file('b'), file('a')],
      [file('a'), file('a')],
      [file('a'), folder('a')],
      [file('a'), file('a.b'), folder('a')],
      [file('a'), file('a-'), file('a-b'), file('a.b'), folder('a')],
      [folder('a'), file('a')],
      [folder('a'), folder('a')],
      [file('a.b'), folder('a'), file('a0')],
      [file('a-'), file('a-.'), file('a.'), folder('a'), file('a0')],
      [{ mode: '100664', name: 'a' }],
      [{ mode: '0100644', name: 'a' }],
      [{ mode: '040000', name: 'a', id: emptyTree }],
      [{ mode: '100600', name: 'a' }],
      [{ mode: '160000', name: 'a' }],
      [{ mode: '120000', name: '.gitmodules' }],
      [{ mode: '120000', name: '.gitmodules\\x' }],
      [{ mode: '120000', name: 'GITMOD~2' }],
      [{ mode: '120000', name: 'gi7eba~9' }],
      [{ mode: '120000', name: 'gi7eb~10' }],
      [{ mode: '120000', name: 'gi7eb~01' }],
      [{ mode: '120000', name: '~1000000' }],
      [{ mode: '120000', name: '.gitignore' }],
      [{ mode: '100644', name: '.gitmodules' }],
      [{ mode: '100644', name: 'a', id: '0'.repeat(40) }],
      [file('CON'), file('a\\b'), file('a\n'), file('git~2')],
    ].map(rawTree);
    const refusedByGit = await complainedByGit(trees);
    const verdicts = trees.map((tree) => ({ tree: tree.toString('latin1'), refused: refusal(tree) !== null }));
    expect(verdicts).toEqual(
      trees.map((tree) => ({ tree: tree.toString('latin1'), refused: refusedByGit.has(objectIdOf('tree', tree)) })),
    );
  });

  test('judges 3,000 random hostile names as git does, as files and as links', async () => {
    const random = seededRandom(7);
    const pieces = [
      '.',
      '.git',
      'g',
      'G',
      'i',
      't',
      'T',
      '~',
      '~1',
      '1',
      ' ',
      ':',
      '\\',
      'a',
      '\n',
      '/',
      'modules',
      'gitmod',
      'gi7eba',
    ];
    const bytes = [
      '\u00e2\u0080\u008c',
      '\u00e2\u0081\u00aa',
      '\u00ef\u00bb\u00bf',
      '\u00ff',
      '\u00ef\u00bf\u00bf',
      '\u00c3\u00a9',
      '\u00e2\u0080',
    ];
    const trees = Array.from({ length: 3000 }, (_, i) => {
      const start = random.pick(['', '', '.git', 'git~1', '.gitmodules', 'gitmod~', 'gi7eba~1', 'a\\']);
      const rest = Array.from({ length: random.int(4) }, () => random.pick(random.int(3) === 0 ? bytes : pieces));
      return rawTree([{ mode: i % 2 === 0 ? '100644' : '120000', name: start + rest.join('') }]);
    });
    const refusedByGit = await complainedByGit(trees);
    const disagreements = trees.filter(
      (tree) => refusedByGit.has(objectIdOf('tree', tree)) !== (refusal(tree) !== null),
    );
    expect(disagreements.map((tree) => tree.toString('latin1'))).toEqual([]);
  });

  test('refuses a tree cut anywhere but between entries', () => {
    const whole = rawTree([
      { mode: '100644', name: 'a' },
      { mode: '40000', name: 'b' },
    ]);
    const cuts = Array.from({ length: whole.length }, (_, length) => refusal(whole.subarray(0, length)));
    expect(cuts.map((code, length) => (code === null ? length : -1)).filter((length) => length >= 0)).toEqual([0, 29]);
  });

  test('shows a refused name without its control bytes', () => {
    expect(() => decodeTree(rawTree([{ mode: '100644', name: '.git\u001b[2J\u009b:/' }]))).toThrow(
      'The tree entry ".git\\u001b[2J\\x9b:/" is refused: it holds a slash.',
    );
  });
});
