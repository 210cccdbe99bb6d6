import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as isomorphicGit from 'isomorphic-git';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openObjectWriter } from '../../../src/adapters/objects/open-object-writer.ts';
import { gitIdentity, encodeCommit } from '../../../src/format/git/commit-codec.ts';
import { EntryBatch } from '../../../src/format/git/entry-batch.ts';
import { objectIdOf, rawObjectId } from '../../../src/format/git/object-id.ts';
import { encodeTree } from '../../../src/format/git/tree-codec.ts';
import { fileModes } from '../../../src/model/tree.ts';
import type { KnownObjects, SealedPack } from '../../../src/ports/object-writer.ts';
import { type GitOracle, openGitOracle } from '../../support/git-oracle.ts';

const nothingKnown: KnownObjects = { has: () => false, table: () => new SharedArrayBuffer(0) };
let directory: string;
let oracle: GitOracle;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-writer-'));
  oracle = openGitOracle();
});

afterEach(() => {
  oracle[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

function batchOf(contents: readonly Uint8Array[]): ReturnType<EntryBatch['take']> {
  const batch = new EntryBatch();
  for (const content of contents)
    batch.add('blob', content, { ids: rawObjectId(objectIdOf('blob', content)), start: 0 });
  return batch.take();
}

/** Puts packs where git reads them, after git has judged each by itself. */
function installAndJudge(packs: readonly SealedPack[]): void {
  for (const pack of packs) {
    const byGit = join(oracle.directory, 'rebuilt.idx');
    oracle.git(['index-pack', '--strict', '-o', byGit, pack.packPath]);
    expect(Buffer.compare(readFileSync(byGit), readFileSync(pack.indexPath))).toBe(0);
    copyFileSync(pack.packPath, join(oracle.packDirectory, basename(pack.packPath)));
    copyFileSync(pack.indexPath, join(oracle.packDirectory, basename(pack.indexPath)));
    oracle.git(['verify-pack', '-v', join(oracle.packDirectory, basename(pack.indexPath))]);
  }
}

describe('a pack of one snapshot', () => {
  test('is taken by git whole: strict index, verify-pack, fsck, and checkout', async () => {
    await using writer = openObjectWriter(directory, nothingKnown);
    const blob = writer.add('blob', Buffer.from('hello\n'));
    const link = writer.add('blob', Buffer.from('../elsewhere'));
    const inner = writer.add('tree', encodeTree([{ name: 'caf\xe9', mode: fileModes.executable, id: blob }]));
    const tree = writer.add(
      'tree',
      encodeTree([
        { name: 'CON', mode: fileModes.file, id: blob },
        { name: 'a\\b\n', mode: fileModes.file, id: blob },
        { name: 'dir', mode: fileModes.tree, id: inner },
        { name: 'dir0', mode: fileModes.link, id: link },
      ]),
    );
    const who = gitIdentity({ name: ' <Ann>\n Other. ', email: 'ann@<host>' }, new Date(1_700_000_000_000));
    const commit = writer.add(
      'commit',
      encodeCommit({ tree, parents: [], author: who, committer: who, message: Buffer.from('before the rewrite\n') }),
    );
    const packs = await writer.seal();
    expect(packs).toHaveLength(1);
    expect(packs[0]).toMatchObject({ objectCount: 5, sizeBytes: statSync(packs[0]!.packPath).size });
    installAndJudge(packs);
    oracle.git(['update-ref', 'refs/heads/main', commit]);
    oracle.git(['fsck', '--full', '--strict']);
    oracle.git(['checkout', '-q', commit, '--', '.']);
    expect(readFileSync(join(oracle.directory, 'a\\b\n'), 'utf8')).toBe('hello\n');
    expect(oracle.git(['log', '-1', '--format=%an <%ae> %s', commit]).toString().trim()).toBe(
      'Ann Other <ann@host> before the rewrite',
    );
    expect(readdirSync(directory).toSorted()).toEqual(
      [basename(packs[0]!.indexPath), basename(packs[0]!.packPath)].toSorted(),
    );
  });

  test('is read by isomorphic-git too', async () => {
    await using writer = openObjectWriter(directory, nothingKnown);
    const blob = writer.add('blob', Buffer.from('hello\n'));
    const tree = writer.add('tree', encodeTree([{ name: 'note.md', mode: fileModes.file, id: blob }]));
    const who = gitIdentity({ name: 'A', email: 'a@example.org' }, new Date(0));
    const commit = writer.add(
      'commit',
      encodeCommit({ tree, parents: [], author: who, committer: who, message: Buffer.from('label\n') }),
    );
    installAndJudge(await writer.seal());
    const repository = { fs, dir: oracle.directory };
    expect(await isomorphicGit.readCommit({ ...repository, oid: commit })).toMatchObject({
      commit: { tree, parent: [], message: 'label\n' },
    });
    const found = await isomorphicGit.readBlob({ ...repository, oid: commit, filepath: 'note.md' });
    expect(Buffer.from(found.blob).toString()).toBe('hello\n');
  });

  test('holds an object once, however often it is added', async () => {
    const known = objectIdOf('blob', Buffer.from('known'));
    await using writer = openObjectWriter(directory, {
      has: (ids, start) => Buffer.from(ids.subarray(start, start + 20)).toString('hex') === known,
      table: () => new SharedArrayBuffer(0),
    });
    writer.add('blob', Buffer.from('a'));
    const contents = ['a', 'known', 'b', 'c', 'b', 'known', 'd'].map((text) => Buffer.from(text));
    await writer.addEncoded(batchOf(contents));
    expect(writer.has(rawObjectId(known), 0)).toBe(true);
    expect(writer.objectCount).toBe(4);
    const packs = await writer.seal();
    installAndJudge(packs);
    const listed = oracle.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).toString();
    expect(listed.trim().split('\n').toSorted()).toEqual(
      ['a', 'b', 'c', 'd'].map((text) => objectIdOf('blob', Buffer.from(text))).toSorted(),
    );
  });

  test('that cannot be written is an error of this machine, and the writer stays closed', async () => {
    await using writer = openObjectWriter(join(directory, 'gone'), nothingKnown);
    writer.add('blob', Buffer.from('a'));
    await expect(writer.seal()).rejects.toMatchObject({ kind: 'local' });
    expect(() => writer.add('blob', Buffer.from('b'))).toThrow(/after it was sealed/);
    await using streaming = openObjectWriter(join(directory, 'gone'), nothingKnown, { memoryBytesMax: 100 });
    expect(() => streaming.add('blob', randomBytes(1000))).toThrow(/Cannot write a pack/);
  });

  test('is none when nothing was added', async () => {
    await using writer = openObjectWriter(directory, nothingKnown);
    expect(await writer.seal()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('stores every size around the limits of its buffers', async () => {
    await using writer = openObjectWriter(directory, nothingKnown, { memoryBytesMax: 100_000 });
    const sizes = [0, 1, 15, 16, 2047, 2048, 65_535, 65_536, 65_537, 1_048_576, 3_000_000];
    const contents = sizes.map((size) => randomBytes(size));
    const ids = contents.map((content) => writer.add('blob', content));
    const packs = await writer.seal();
    installAndJudge(packs);
    contents.forEach((content, i) => {
      expect(Buffer.compare(oracle.git(['cat-file', 'blob', ids[i]!]), content)).toBe(0);
    });
    // Random bytes do not shrink; storing them must not cost more than deflate's framing either.
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(packs[0]!.sizeBytes).toBeLessThan(total * 1.002 + 1000);
  });
});

describe('a capture larger than one pack', () => {
  test('is split, each pack whole for itself, from memory and from files', async () => {
    await using writer = openObjectWriter(directory, nothingKnown, { packBytesMax: 300_000, memoryBytesMax: 100_000 });
    const contents = Array.from({ length: 400 }, (_, i) => randomBytes(5000 + (i % 7)));
    for (let i = 0; i < contents.length; i += 50) await writer.addEncoded(batchOf(contents.slice(i, i + 50)));
    const packs = await writer.seal();
    expect(packs.length).toBeGreaterThan(5);
    expect(packs.reduce((sum, pack) => sum + pack.objectCount, 0)).toBe(400);
    for (const pack of packs) expect(pack.sizeBytes).toBeLessThan(320_000);
    installAndJudge(packs);
    oracle.git(['fsck', '--full', '--strict']);
    expect(oracle.git(['cat-file', '--batch-all-objects', '--batch-check']).toString().trim().split('\n')).toHaveLength(
      400,
    );
    expect(readdirSync(directory).filter((name) => name.startsWith('tmp-'))).toEqual([]);
  });

  test('leaves no temporary file behind when it is given up', async () => {
    const writer = openObjectWriter(directory, nothingKnown, { memoryBytesMax: 1000 });
    writer.add('blob', randomBytes(5000));
    expect(readdirSync(directory)).toHaveLength(1);
    await writer[Symbol.asyncDispose]();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('copying a foreign pack', () => {
  function foreignPack(): { packPath: string; indexPath: string } {
    for (let i = 0; i < 20; i++) writeFileSync(join(oracle.directory, `f${i}`), `text ${i}\n`.repeat(100 + i));
    oracle.git(['add', '.']);
    oracle.git(['commit', '-q', '-m', 'm']);
    oracle.git(['repack', '-q', '-a', '-d']);
    const name = readdirSync(oracle.packDirectory).find((file) => file.endsWith('.pack'))!;
    const packPath = join(directory, 'foreign.pack');
    const indexPath = join(directory, 'foreign.idx');
    copyFileSync(join(oracle.packDirectory, name), packPath);
    copyFileSync(join(oracle.packDirectory, name.replace('.pack', '.idx')), indexPath);
    return { packPath, indexPath };
  }

  test('keeps its bytes, and its objects need no storing any more', async () => {
    const source = foreignPack();
    await using writer = openObjectWriter(directory, nothingKnown);
    const copied = await writer.copyPack(source);
    expect(Buffer.compare(readFileSync(copied.packPath), readFileSync(source.packPath))).toBe(0);
    expect(copied.objectCount).toBe(22);
    writer.add('blob', Buffer.from('text 3\n'.repeat(103)));
    expect(writer.objectCount).toBe(22);
    expect(await writer.seal()).toEqual([]);
    installAndJudge([copied]);
  });

  test.each([
    ['cut short', (path: string) => truncateSync(path, statSync(path).size - 1)],
    ['cut to nothing', (path: string) => truncateSync(path, 0)],
    [
      'altered',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[100]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
  ])('refuses a pack or index that is %s', async (_, damage) => {
    const source = foreignPack();
    for (const which of ['packPath', 'indexPath'] as const) {
      const damaged = join(directory, 'damaged');
      writeFileSync(damaged, readFileSync(source[which]));
      damage(damaged);
      await using writer = openObjectWriter(directory, nothingKnown);
      await expect(writer.copyPack({ ...source, [which]: damaged })).rejects.toMatchObject({ code: 'pack_corrupt' });
      expect(readdirSync(directory).filter((name) => /^(?:tmp|pack)-/.test(name))).toEqual([]);
    }
  });
});
