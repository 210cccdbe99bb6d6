import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openObjectWriter } from '../../../../src/adapters/objects/open-object-writer.ts';
import { ingestFiles } from '../../../../src/adapters/vault/ingest/ingest-files.ts';
import { buildTrees } from '../../../../src/engine/build-trees.ts';
import { chunksMark } from '../../../../src/format/chunked-name.ts';
import { chunkSizes } from '../../../../src/format/chunker.ts';
import { objectIdOf } from '../../../../src/format/git/object-id.ts';
import { byteStringOfText } from '../../../../src/lib/bytes.ts';
import { fileModes } from '../../../../src/model/tree.ts';
import { entryFlags } from '../../../../src/model/vault-tree.ts';
import { deterministicBytes } from '../../../support/deterministic-bytes.ts';
import { openGitOracle } from '../../../support/git-oracle.ts';
import { ingestVault, scanOfAll } from '../../../support/ingest-vault.ts';
import { createMemoryObjectWriter, knownObjects, nothingKnown } from '../../../support/memory-object-writer.ts';
import { filesAndLinks } from '../../../support/read-vault-tree.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { buildVault, onDisk } from '../../../support/vault-builder.ts';

const MiB = 1024 * 1024;

/** A bit of everything: kinds, sizes around every limit, names that are no text. */
function mixedVault(root: string): void {
  const files: Record<string, Buffer | string | { link: string }> = {
    empty: '',
    'a.md': '# text\r\n',
    '.gitattributes': '* text=auto eol=lf ident filter=lfs\n*.md working-tree-encoding=utf-16\n',
    'bytes\u00ff\u00fe': 'not UTF-8',
    'new\nline': 'x',
    random: deterministicBytes(200_000, 1),
    'large text': Buffer.alloc(3 * MiB, 'some words that repeat '),
    'exactly-at-the-limit': deterministicBytes(MiB, 2),
    'one-above': deterministicBytes(MiB + 1, 3),
    'sub/folder/chunked': deterministicBytes(5 * MiB, 4),
    'sub/same-again': deterministicBytes(5 * MiB, 4),
    'link-inside': { link: 'sub/folder' },
    'link-outside': { link: '/etc/passwd' },
    'link-dangling': { link: 'no\u00ffwhere' },
    [`${'n'.repeat(245)}`]: deterministicBytes(2 * MiB, 5),
  };
  for (let i = 0; i < 300; i++) files[`many/${i % 7}/${i}`] = `file number ${i}\n`.repeat(i);
  buildVault(root, files);
  chmodSync(join(root, 'one-above'), 0o755);
  chmodSync(join(root, 'a.md'), 0o755);
}

describe('reading a vault', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-ingest-'));
    mixedVault(root);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('stores every byte as it is on disk', async () => {
    const { tree, contentOf, problems, notices } = await ingestVault(root, { chunkAbove: MiB });
    expect(problems).toEqual([]);
    expect(notices).toEqual([]);
    const files = [...filesAndLinks(tree)].filter((row) => !tree.isLink(row)).map((row) => tree.path(row));
    const different = files.filter((path) => !contentOf(path)!.equals(readFileSync(onDisk(root, path))));
    expect(different).toEqual([]);
    expect(contentOf('link-outside')!.toString()).toBe('/etc/passwd');
    expect(contentOf('link-dangling')!.toString('latin1')).toBe('no\u00ffwhere');
  });

  test('gives the same objects, ids and flags in this thread and in others', async () => {
    const here = await ingestVault(root, { chunkAbove: MiB, workerCount: 0 });
    for (const workerCount of [1, 3]) {
      const there = await ingestVault(root, { chunkAbove: MiB, workerCount });
      expect(there.tree).toEqual(here.tree);
      expect(there.problems).toEqual(here.problems);
      expect([...there.writer.objects.keys()].sort()).toEqual([...here.writer.objects.keys()].sort());
    }
  });

  test('splits what is larger than asked, and only that', async () => {
    const { tree, writer } = await ingestVault(root, { chunkAbove: MiB });
    const isChunked = (path: string) => (tree.flags[tree.find(path)]! & entryFlags.chunked) !== 0;
    expect(isChunked('exactly-at-the-limit')).toBe(false);
    expect(isChunked('sub/folder/chunked')).toBe(true);
    const entries = writer.tree(tree.id(tree.find('one-above')));
    expect(entries.map(({ name }) => name)).toEqual(entries.map((_, i) => String(i).padStart(8, '0')));
    expect(entries.every(({ mode }) => mode === fileModes.executable)).toBe(true);
    expect(tree.id(tree.find('sub/folder/chunked'))).toBe(tree.id(tree.find('sub/same-again')));
    const long = writer.tree(tree.id(tree.find('n'.repeat(245))));
    expect(long.at(-1)!.name).toBe('name');
    expect(writer.content(long.at(-1)!.id).toString()).toBe('n'.repeat(245));
  });

  test('can be read with git alone, chunks joined by their names', async () => {
    using oracle = openGitOracle();
    const scan = scanOfAll(root);
    await using writer = openObjectWriter(oracle.packDirectory, nothingKnown);
    await ingestFiles({ root, chunkAbove: MiB, appendedFile: null, workerCount: 2, scan, writer, known: nothingKnown });
    const { rootTree } = buildTrees(scan.tree, writer, null);
    await writer.seal();
    expect(oracle.tryGit(['fsck', '--full', '--strict', rootTree])).toMatchObject({ ok: true, errors: '' });
    const folder = `${rootTree}:one-above${chunksMark}`;
    const chunks = oracle.git(['ls-tree', '--name-only', folder]).toString().trim().split('\n');
    const joined = Buffer.concat(chunks.map((chunk) => oracle.git(['cat-file', 'blob', `${folder}/${chunk}`])));
    expect(joined.equals(readFileSync(join(root, 'one-above')))).toBe(true);
    expect(oracle.git(['cat-file', 'blob', `${rootTree}:a.md`]).toString()).toBe('# text\r\n');
  });

  test.each([0, 2])('hands on nothing the store has, with %i threads', async (workerCount) => {
    const first = await ingestVault(root, { chunkAbove: MiB });
    const spared = objectIdOf('blob', Buffer.of());
    const known = knownObjects([...first.writer.objects.keys()].filter((id) => id !== spared));
    const second = await ingestVault(root, { chunkAbove: MiB, workerCount, known });
    expect([...second.writer.objects.keys()]).toEqual([spared]);
    expect(second.tree).toEqual(first.tree);
  });

  test.each([0, 2])('tells how far it is, to the last file and byte, with %i threads', async (workerCount) => {
    const seen: [number, number][] = [];
    const { tree } = await ingestVault(root, {
      chunkAbove: MiB,
      workerCount,
      onProgress: (files, bytes) => seen.push([files, bytes]),
    });
    const files = filesAndLinks(tree);
    const total = files.filter((row) => !tree.isLink(row)).reduce((sum, row) => sum + tree.sizes[row]!, 0);
    expect(seen.at(-1)).toEqual([files.length, total]);
    expect(seen).toEqual(seen.toSorted((a, b) => a[1] - b[1] || a[0] - b[0]));
  });

  test.each([0, 2])('stops when told to, with %i threads', async (workerCount) => {
    const controller = new AbortController();
    const reading = ingestVault(root, {
      chunkAbove: MiB,
      workerCount,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(reading).rejects.toThrow('enough');
  });

  test.each([0, 2])('passes on a failure of the writer, with %i threads', async (workerCount) => {
    const writer = createMemoryObjectWriter();
    writer.addEncoded = () => Promise.reject(new Error('disk full'));
    const options = {
      root,
      chunkAbove: MiB,
      appendedFile: null,
      workerCount,
      scan: scanOfAll(root),
      writer,
      known: nothingKnown,
    };
    await expect(ingestFiles(options)).rejects.toThrow('disk full');
  });
});

describe('large files', () => {
  test('a log that grew at its end stores its last piece and the list of pieces', async () => {
    const root = scratchFolder();
    mkdirSync(join(root, 'state/log'), { recursive: true });
    const path = join(root, 'state/log/snapshots.ndjson');
    const line = (n: number): string => `{"seq":${n},"at":"2026-11-20T21:00:00.000Z","event":"snapshot"}\n`;
    const lines = (count: number): string => Array.from({ length: count }, (_, n) => line(n)).join('');
    writeFileSync(path, lines(10_000));
    const appendedFile = 'state/log/snapshots.ndjson';
    const first = await ingestVault(root, { appendedFile });
    expect(first.contentOf(appendedFile)!.toString()).toBe(lines(10_000));
    appendFileSync(path, line(10_000));
    const known = knownObjects([...first.writer.objects.keys()]);
    const second = await ingestVault(root, { appendedFile, known });
    expect(second.writer.objects.size).toBe(2);
    const stored = [...second.writer.objects.values()].reduce((sum, { content }) => sum + content.length, 0);
    expect(stored).toBeLessThan(40_000);
  });

  test('store one chunk anew after an edit of one byte', async () => {
    const root = scratchFolder();
    const bytes = deterministicBytes(24 * MiB, 9);
    writeFileSync(join(root, 'film'), bytes);
    const before = await ingestVault(root);
    bytes[13 * MiB]! ^= 1;
    writeFileSync(join(root, 'film'), bytes);
    const after = await ingestVault(root, { known: knownObjects(before.writer.objects.keys()) });
    const fresh = [...after.writer.objects.values()];
    expect(fresh.map(({ type }) => type)).toEqual(['blob', 'tree']);
    expect(bytes.includes(Buffer.from(fresh[0]!.content))).toBe(true);
    expect(after.writer.sizeBytes).toBeLessThanOrEqual(chunkSizes.max + 64 * 1024);
  });

  test('that are all holes are one chunk, however long', async () => {
    const root = scratchFolder();
    writeFileSync(join(root, 'sparse'), '');
    truncateSync(join(root, 'sparse'), 130 * MiB);
    const { tree, writer } = await ingestVault(root);
    expect(writer.tree(tree.id(0))).toHaveLength(33);
    // Chunks of 4 MiB and the rest of 2 MiB, and their tree.
    expect(writer.objects.size).toBe(3);
    expect(writer.sizeBytes).toBeLessThan(64 * 1024);
    expect(statSync(join(root, 'sparse')).size).toBe(tree.sizes[0]);
  });

  test('keep their stat data, and the executable bit of now', async () => {
    const root = scratchFolder();
    writeFileSync(join(root, 'tool'), deterministicBytes(2 * MiB), { mode: 0o644 });
    const { tree, writer } = await ingestVault(root, {
      chunkAbove: MiB,
      beforeReading: () => chmodSync(join(root, 'tool'), 0o755),
    });
    expect(tree.modes[0]).toBe(0o100755);
    expect(tree.ctimes[0]).toBe(statSync(join(root, 'tool')).ctimeMs);
    expect(tree.flags[0]).toBe(entryFlags.hasId | entryFlags.chunked | entryFlags.racy);
    expect(writer.tree(tree.id(0)).every(({ mode }) => mode === fileModes.executable)).toBe(true);
  });
});

describe('what cannot be read', () => {
  const failing = (code: string, times = Number.POSITIVE_INFINITY) => {
    let left = times;
    return (step: string, path: string): void => {
      if (step === 'before-open' && path === 'b' && left-- > 0) throw Object.assign(new Error(code), { code });
    };
  };

  test.each([
    ['EACCES', 'unreadable_file', 'permission denied'],
    ['EPERM', 'unreadable_file', 'permission denied'],
    ['EIO', 'unreadable_file', 'the disk could not read it (EIO)'],
    ['ENAMETOOLONG', 'name_too_long', 'its path is longer than the system allows'],
  ])('is named and left out (%s), all else stored', async (code, problem, message) => {
    const root = scratchFolder();
    buildVault(root, { a: '1', b: '2', c: '3' });
    const { tree, problems, contentOf } = await ingestVault(root, { hook: failing(code) });
    expect(problems).toEqual([{ path: 'b', code: problem, message }]);
    expect(contentOf('b')).toBeNull();
    expect(tree.flags[tree.find('b')]).toBe(entryFlags.absent);
    expect([contentOf('a'), contentOf('c')].map(String)).toEqual(['1', '3']);
  });

  test('a file that was left out before is stored once it can be read', async () => {
    const root = scratchFolder();
    buildVault(root, { b: '2' });
    const { tree, contentOf } = await ingestVault(root, {
      beforeReading: (scanned) => (scanned.flags[0] = entryFlags.absent),
    });
    expect(tree.flags[0]).toBe(entryFlags.hasId);
    expect(String(contentOf('b'))).toBe('2');
  });

  test('files that found no free descriptor are tried again when the others are done', async () => {
    const root = scratchFolder();
    buildVault(root, { a: '1', b: '2', c: '3' });
    const { problems, contentOf } = await ingestVault(root, { hook: failing('EMFILE', 1) });
    expect(problems).toEqual([]);
    expect(String(contentOf('b'))).toBe('2');
    await expect(ingestVault(root, { hook: failing('ENFILE') })).rejects.toThrow(
      expect.objectContaining({ code: 'descriptors_exhausted', hint: expect.stringContaining('ulimit') as string }),
    );
  });

  test('errors that are not about the file are not mistaken for it', async () => {
    const root = scratchFolder();
    buildVault(root, { b: '2' });
    await expect(ingestVault(root, { hook: failing('ERR_OUT_OF_RANGE') })).rejects.toThrow('ERR_OUT_OF_RANGE');
  });

  test('problems come sorted by path, whichever thread met them', async () => {
    const root = scratchFolder();
    buildVault(root, Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${byteStringOfText('é')}${i}`, 'x'])));
    const { problems } = await ingestVault(root, {
      workerCount: 2,
      beforeReading: (tree) => {
        for (let row = 0; row < tree.entryCount; row += 50) tree.modes[row] = 0o120777;
      },
    });
    expect(problems).toHaveLength(12);
    expect(problems.map(({ path }) => path)).toEqual(problems.map(({ path }) => path).toSorted());
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['replaced_while_read']));
  });
});
