import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReadHook, ReadStep } from '../../src/adapters/fs/stable-read.ts';
import { buildTrees } from '../../src/engine/build-trees.ts';
import { objectIdOf } from '../../src/format/git/object-id.ts';
import { entryFlags } from '../../src/model/vault-tree.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';
import { ingestVault } from '../support/ingest-vault.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault } from '../support/vault-builder.ts';

const chunkAbove = 1024 * 1024;

/** Does something at one step of reading the file `live`, the first times. */
function at(step: ReadStep, times: number, change: (time: number) => void): ReadHook {
  let time = 0;
  return (reached, path) => {
    if (reached === step && path === 'live' && time < times) change(++time);
  };
}

describe.each([
  ['a small file', 50],
  ['a file in chunks', 3 * 1024 * 1024],
])('%s', (_, size) => {
  const before = deterministicBytes(size, 1);
  const setUp = (): { root: string; path: string } => {
    const root = scratchFolder();
    buildVault(root, { live: before, other: 'still' });
    return { root, path: join(root, 'live') };
  };

  test('that grows once while it is read is read again and whole', async () => {
    const { root, path } = setUp();
    const hook = at('after-read', 1, () => appendFileSync(path, 'more'));
    const { tree, problems, contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([]);
    expect(contentOf('live')!.equals(Buffer.concat([before, Buffer.from('more')]))).toBe(true);
    expect(tree.sizes[0]).toBe(size + 4);
  });

  test('that keeps growing is stored as read and named (F14)', async () => {
    const { root, path } = setUp();
    const hook = at('after-read', 5, () => appendFileSync(path, 'more'));
    const { tree, problems, contentOf, writer } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([{ path: 'live', code: 'unstable', message: 'changed while it was read, twice' }]);
    expect(tree.flags[0]! & entryFlags.unstable).toBe(entryFlags.unstable);
    const stored = contentOf('live')!;
    expect(stored.equals(Buffer.concat([before, Buffer.from('more')]))).toBe(true);
    const isChunked = (tree.flags[0]! & entryFlags.chunked) !== 0;
    expect(isChunked || tree.id(0) === objectIdOf('blob', stored)).toBe(true);
    // The times are from before the last reading, so that the next scan finds the file changed.
    expect(tree.sizes[0]).toBe(size + 4);
    expect(() => buildTrees(tree, writer, null)).not.toThrow();
  });

  test.each([0, 10])('that is cut to %i bytes while it is read never mixes old and new (F15)', async (left) => {
    const { root, path } = setUp();
    const hook = at('after-open', 1, () => truncateSync(path, left));
    const { tree, problems, contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([]);
    expect(contentOf('live')!.equals(before.subarray(0, left))).toBe(true);
    expect(tree.sizes[0]).toBe(left);
    expect(tree.flags[0]! & entryFlags.chunked).toBe(0);
  });

  test('that shrinks every time is stored as read and named (F15)', async () => {
    const { root, path } = setUp();
    const hook = at('after-read', 5, (time) => truncateSync(path, size - time));
    const { problems, contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(problems.map(({ code }) => code)).toEqual(['unstable']);
    expect(contentOf('live')!.equals(before.subarray(0, size - 1))).toBe(true);
  });

  test('whose bytes change under an equal size and an old time is still noticed', async () => {
    const { root, path } = setUp();
    const hook = at('after-read', 1, () => {
      writeFileSync(path, deterministicBytes(size, 2));
      utimesSync(path, 1, 1);
    });
    const { problems, contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([]);
    expect(contentOf('live')!.equals(deterministicBytes(size, 2))).toBe(true);
  });

  test('that vanishes before it is read is a notice, and in no tree (F16)', async () => {
    const { root, path } = setUp();
    const hook = at('before-open', 1, () => rmSync(path));
    const { tree, problems, notices, writer } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([]);
    expect(notices).toEqual([{ code: 'vanished', message: '1 file went away before it was read', count: 1 }]);
    expect(writer.tree(buildTrees(tree, writer, null).rootTree).map(({ name }) => name)).toEqual(['other']);
  });

  test('that is removed after it was opened is stored as it was', async () => {
    const { root, path } = setUp();
    const hook = at('after-open', 1, () => rmSync(path));
    const { contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(contentOf('live')!.equals(before)).toBe(true);
  });

  test.each<[string, (path: string, root: string) => void]>([
    ['a link', (path) => symlinkSync('/etc/hostname', path)],
    ['a link inside the vault', (path) => symlinkSync('other', path)],
    ['a folder', (path) => mkdirSync(path)],
  ])('that is swapped for %s is named, and nothing behind it is read (F17)', async (_swapped, put) => {
    const { root, path } = setUp();
    const hook = at('before-open', 1, () => {
      rmSync(path);
      put(path, root);
    });
    const { tree, problems, contentOf, writer } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([
      { path: 'live', code: 'replaced_while_read', message: 'replaced by something else before it was read' },
    ]);
    expect(tree.flags[0]).toBe(entryFlags.absent);
    expect(String(contentOf('other'))).toBe('still');
    expect(writer.objects.size).toBe(1);
  });

  test('that is saved anew by a rename is stored in its new form, and looked at again next time', async () => {
    const { root, path } = setUp();
    const hook = at('before-open', 1, () => {
      writeFileSync(`${path}.new`, 'saved');
      renameSync(`${path}.new`, path);
    });
    const { tree, problems, contentOf } = await ingestVault(root, { hook, chunkAbove });
    expect(problems).toEqual([]);
    expect(String(contentOf('live'))).toBe('saved');
    expect(tree.flags[0]).toBe(entryFlags.hasId | entryFlags.racy);
  });
});

test('a link that became a file is named, not read as a link', async () => {
  const root = scratchFolder();
  buildVault(root, { link: { link: 'x' } });
  const { tree, problems } = await ingestVault(root, {
    beforeReading: () => {
      rmSync(join(root, 'link'));
      writeFileSync(join(root, 'link'), 'x');
    },
  });
  expect(problems.map(({ code }) => code)).toEqual(['replaced_while_read']);
  expect(tree.flags[0]).toBe(entryFlags.absent);
});
