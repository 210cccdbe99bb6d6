import { expect, test } from 'vitest';
import { type Browser, openBrowser } from '../../src/engine/browse.ts';
import { readEntrySizes } from '../../src/engine/object-sizes.ts';
import { readFile } from '../../src/engine/read-file.ts';
import { storedChunkedName } from '../../src/format/chunked-name.ts';
import { encodeTree } from '../../src/format/git/tree-codec.ts';
import { fileModes } from '../../src/model/tree.ts';
import { createMemoryReader } from '../support/memory-reader.ts';
import { addSnapshot } from '../support/sample-snapshot.ts';

function openSample() {
  const reader = createMemoryReader();
  const point = addSnapshot(reader, {
    'a.md': { content: 'hello', mode: 0o640, mtimeMs: 1_600_000_000_000 },
    d: {
      entries: { 'run.sh': { content: '#!', mode: 0o755 }, e: { entries: { f: 'deep' } }, l: { link: 'run.sh' } },
      mode: 0o750,
    },
    hollow: { entries: { inner: { entries: {} } } },
    'big.mp4': { content: 'abcdefghij', chunks: 4 },
  });
  return { reader, point, browser: openBrowser(reader, point.record) };
}

async function namesOf(browser: Browser, path: string, recursive = false): Promise<string[]> {
  const names: string[] = [];
  for await (const { path: listed, entry } of browser.list(path, { recursive }))
    names.push(`${entry?.kind ?? 'empty'} ${listed}`);
  return names;
}

test('lists a folder, a file, an empty folder, and everything', async () => {
  const { browser } = openSample();
  expect(await namesOf(browser, '')).toEqual(['file a.md', 'chunked big.mp4', 'folder d', 'empty hollow']);
  expect(await namesOf(browser, 'd')).toEqual(['folder d/e', 'link d/l', 'executable d/run.sh']);
  expect(await namesOf(browser, 'd/run.sh')).toEqual(['executable d/run.sh']);
  expect(await namesOf(browser, 'hollow')).toEqual(['empty hollow/inner']);
  expect(await namesOf(browser, 'hollow/inner')).toEqual([]);
  expect(await namesOf(browser, '', true)).toEqual([
    'file a.md',
    'chunked big.mp4',
    'folder d',
    'folder d/e',
    'file d/e/f',
    'link d/l',
    'executable d/run.sh',
    'empty hollow',
    'empty hollow/inner',
  ]);
  await expect(namesOf(browser, 'nothing')).rejects.toMatchObject({ code: 'path_unknown' });
});

test('gives permissions and times from the metadata, and lists without when that is gone', async () => {
  const { reader, point } = openSample();
  const first = async () => (await openBrowser(reader, point.record).list('').next()).value;
  expect(await first()).toMatchObject({ path: 'a.md', permissions: 0o640, mtimeMs: 1_600_000_000_000 });
  reader.drop(point.record.metadata);
  expect(await first()).toMatchObject({ path: 'a.md', permissions: null, mtimeMs: null });
});

test('tells sizes without reading contents', async () => {
  const { browser } = openSample();
  const entries = await Promise.all(['a.md', 'd/run.sh', 'd/l', 'big.mp4', 'd'].map((path) => browser.find(path)));
  const sizes = await readEntrySizes(browser, entries);
  expect(entries.map((entry) => sizes.get(entry.id))).toEqual([5, 2, 6, 10, undefined]);
});

test('reads files of any kind in pieces', async () => {
  const { browser } = openSample();
  const read = async (path: string) => {
    let text = '';
    for await (const piece of readFile(browser, await browser.find(path))) text += Buffer.from(piece).toString();
    return text;
  };
  expect(await read('a.md')).toBe('hello');
  expect(await read('big.mp4')).toBe('abcdefghij');
  expect(await read('d/l')).toBe('run.sh');
});

test('finds the true name of a large file whose entry is shortened, and believes no other', async () => {
  const reader = createMemoryReader();
  const name = `${'n'.repeat(250)}.mp4`;
  const chunk = reader.add('blob', 'content');
  const chunksNamed = (written: string) =>
    reader.add(
      'tree',
      encodeTree([
        { name: '00000000', mode: fileModes.file, id: chunk },
        { name: 'name', mode: fileModes.file, id: reader.add('blob', written) },
      ]),
    );
  const pointOf = (written: string) => {
    const tree = encodeTree([{ name: storedChunkedName(name), mode: fileModes.tree, id: chunksNamed(written) }]);
    return { ...addSnapshot(reader, { a: 'x' }).record, tree: reader.add('tree', tree) };
  };
  expect(await namesOf(openBrowser(reader, pointOf(name)), '')).toContain(`chunked ${name}`);
  for (const lie of ['other', '../../x', '', `${name}x`]) {
    await expect(namesOf(openBrowser(reader, pointOf(lie)), '')).rejects.toMatchObject({ code: 'tree_unsafe' });
  }
});
