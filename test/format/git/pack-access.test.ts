import { hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePackIndex } from '../../../src/format/git/encode-pack-index.ts';
import { indexPack } from '../../../src/format/git/index-pack.ts';
import { openPackAccess, type PackAccess } from '../../../src/format/git/pack-access.ts';
import { parsePackIndex } from '../../../src/format/git/pack-index.ts';
import { type GitOracle, openGitOracle } from '../../support/git-oracle.ts';

let oracle: GitOracle;
let names: string[];

beforeAll(() => {
  oracle = openGitOracle();
  // One file growing over forty commits: git makes long chains of deltas from it.
  const lines: string[] = ['blob\nmark :1\ndata 5\nfirst\n'];
  for (let i = 0; i < 40; i++) {
    const text = Array.from({ length: 200 + i }, (_, line) => `line ${line} ${line % 7 === i % 7 ? i : ''}\n`).join('');
    lines.push(
      `commit refs/heads/main\nauthor A <a@example.org> ${1_700_000_000 + i} +0000\ncommitter A <a@example.org> ${1_700_000_000 + i} +0000\n`,
      `data 2\nm\nM 100644 inline notes/a.md\ndata ${text.length}\n${text}\nM 100755 :1 bin/run\n\n`,
    );
  }
  lines.push('tag v1\nfrom refs/heads/main\ntagger A <a@example.org> 1700000000 +0000\ndata 3\ntag\n');
  oracle.git(['fast-import', '--quiet'], lines.join(''));
  names = oracle.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).toString().trim().split('\n');
});

afterAll(() => oracle[Symbol.dispose]());

function repack(): string {
  oracle.git(['repack', '-q', '-a', '-d', '-f', '--depth=50', '--window=50']);
  return join(
    oracle.packDirectory,
    readdirSync(oracle.packDirectory).find((name) => name.endsWith('.pack'))!,
  );
}

function openPack(packPath: string): { readonly access: PackAccess; readonly close: () => void } {
  const packIndex = parsePackIndex(readFileSync(packPath.replace(/pack$/, 'idx')), {
    packSizeBytes: statSync(packPath).size,
  });
  const fd = openSync(packPath, 'r');
  const access = openPackAccess({
    packIndex,
    readRange(start, end) {
      const bytes = Buffer.alloc(end - start);
      expect(readSync(fd, bytes, 0, bytes.length, start)).toBe(bytes.length);
      return bytes;
    },
  });
  return { access, close: () => closeSync(fd) };
}

/** What `git cat-file --batch` says about every object. */
function objectsByGit(ids: readonly string[]): Map<string, { type: string; content: Buffer }> {
  const output = oracle.git(['cat-file', '--batch'], ids.map((id) => `${id}\n`).join(''));
  const objects = new Map<string, { type: string; content: Buffer }>();
  for (let at = 0; at < output.length;) {
    const lineEnd = output.indexOf(10, at);
    const [id, type, size] = output.toString('latin1', at, lineEnd).split(' ');
    const start = lineEnd + 1;
    objects.set(id!, { type: type!, content: output.subarray(start, start + Number(size)) });
    at = start + Number(size) + 1;
  }
  return objects;
}

describe.each([
  ['offset deltas', 'true'],
  ['ref deltas', 'false'],
])('a pack git made with %s', (_, useOffsets) => {
  test('gives every object as git does', async () => {
    oracle.git(['config', 'repack.useDeltaBaseOffset', useOffsets]);
    const { access, close } = openPack(repack());
    try {
      const expected = objectsByGit(names);
      expect(access.packIndex.objectCount).toBe(names.length);
      for (let position = 0; position < access.packIndex.objectCount; position++) {
        const object = await access.read(position);
        const id = access.packIndex.idAt(position);
        expect({ id, type: object.type }).toEqual({ id, type: expected.get(id)!.type });
        expect(Buffer.compare(object.content, expected.get(id)!.content)).toBe(0);
      }
    } finally {
      close();
    }
  });
});

test.each(['true', 'false'])(
  'proves packs git made and builds their index as git does (offset deltas: %s)',
  async (offsets) => {
    oracle.git(['config', 'repack.useDeltaBaseOffset', offsets]);
    const packPath = repack();
    const bytes = readFileSync(packPath);
    const built = await indexPack({ sizeBytes: bytes.length, readRange: (start, end) => bytes.subarray(start, end) });
    expect(Buffer.compare(built.indexBytes, readFileSync(packPath.replace(/pack$/, 'idx')))).toBe(0);
    expect(built).toMatchObject({ objectCount: names.length, sha256: hash('sha256', bytes) });
  },
);

test('encodes the index of a pack as git does, byte for byte', () => {
  const packPath = repack();
  const bytes = readFileSync(packPath.replace(/pack$/, 'idx'));
  const packIndex = parsePackIndex(bytes, { packSizeBytes: statSync(packPath).size });
  const order = packIndex.byOffset();
  const ids = Buffer.concat(
    Array.from(order, (position) => bytes.subarray(packIndex.idStart(position), packIndex.idStart(position) + 20)),
  );
  const encoded = encodePackIndex({
    ids,
    crcs: Uint32Array.from(order, (position) => packIndex.crcAt(position)),
    offsets: Float64Array.from(order, (position) => packIndex.offsetAt(position)),
    packTrailer: readFileSync(packPath).subarray(-20),
  });
  expect(Buffer.compare(encoded, bytes)).toBe(0);
});
