import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indexPack } from '../../src/format/git/index-pack.ts';
import { objectIdOf } from '../../src/format/git/object-id.ts';
import { openPackAccess } from '../../src/format/git/pack-access.ts';
import { parsePackIndex } from '../../src/format/git/pack-index.ts';
import type { GitObject } from '../../src/ports/object-reader.ts';
import { type GitOracle, openGitOracle } from '../support/git-oracle.ts';
import { type BuiltPack, buildIndex, buildPack, deltaCopy, deltaSize, type RawEntry } from '../support/pack-builder.ts';

const integrity = expect.objectContaining({ kind: 'integrity' });
const text = Buffer.from('some notes\n'.repeat(30));
let oracle: GitOracle;

beforeAll(() => {
  oracle = openGitOracle();
});
afterAll(() => oracle[Symbol.dispose]());

function prove(bytes: Uint8Array): ReturnType<typeof indexPack> {
  return indexPack({ sizeBytes: bytes.length, readRange: (start, end) => bytes.subarray(start, end) });
}

/** Reads entry 0.. of a pack through an index that claims these names. */
async function readThroughIndex(pack: BuiltPack, ids: readonly string[], entry: number): Promise<GitObject> {
  const packIndex = parsePackIndex(buildIndex(pack, ids), { packSizeBytes: pack.bytes.length });
  const access = openPackAccess({ packIndex, readRange: (start, end) => pack.bytes.subarray(start, end) });
  return access.read(packIndex.findOffset(pack.offsets[entry]!));
}

function isRefusedByGit(bytes: Uint8Array): boolean {
  const path = join(oracle.directory, 'hostile.pack');
  writeFileSync(path, bytes);
  return !oracle.tryGit(['index-pack', '--strict', '-o', join(oracle.directory, 'hostile.idx'), path]).ok;
}

const id = (number: number): string => number.toString(16).padStart(2, '0').repeat(20);
const grow = (baseSize: number, copies: number): { delta: Buffer; size: number } => {
  const size = baseSize * copies;
  const copy = deltaCopy(0, baseSize);
  return {
    delta: Buffer.concat([deltaSize(baseSize), deltaSize(size), ...Array.from({ length: copies }, () => copy)]),
    size,
  };
};

describe('a pack that git refuses is refused', () => {
  const whole: RawEntry = { type: 3, content: text };
  const copyAll = Buffer.concat([deltaSize(text.length), deltaSize(text.length), deltaCopy(0, text.length)]);
  const cases: [string, BuiltPack][] = [
    ['more objects stated than held', buildPack([whole], 2)],
    ['fewer objects stated than held', buildPack([whole, { type: 3, content: Buffer.from('b') }], 1)],
    ['four billion objects stated', buildPack([whole], 0xffffffff)],
    ['an unknown type', buildPack([{ ...whole, type: 5 }])],
    ['type zero', buildPack([{ ...whole, type: 0 }])],
    ['a size one too small', buildPack([{ ...whole, statedSize: text.length - 1 }])],
    ['a size one too large', buildPack([{ ...whole, statedSize: text.length + 1 }])],
    ['a size of four petabytes', buildPack([{ ...whole, statedSize: 2 ** 52 }])],
    ['data that is not zlib', buildPack([{ ...whole, compressed: Buffer.alloc(40, 0x55) }])],
    ['data cut short', buildPack([{ ...whole, compressed: deflateSync(text).subarray(0, 20) }])],
    [
      'bytes between entries',
      buildPack([{ ...whole, compressed: Buffer.concat([deflateSync(text), Buffer.alloc(3)]) }]),
    ],
    ['a base in front of the pack', buildPack([whole, { type: 6, content: copyAll, baseDistance: 100_000 }])],
    ['a base in the middle of an entry', buildPack([whole, { type: 6, content: copyAll, baseDistance: 3 }])],
    ['a delta on itself', buildPack([whole, { type: 6, content: copyAll, baseDistance: 0 }])],
    ['a base that is not in the pack', buildPack([whole, { type: 7, content: copyAll, baseId: id(1) }])],
    ['a delta for another base', buildPack([whole, { type: 6, content: Buffer.from([1, 1, 1, 97]), baseEntry: 0 }])],
    [
      'a delta that reads outside its base',
      buildPack([
        whole,
        {
          type: 6,
          content: Buffer.concat([deltaSize(text.length), deltaSize(9), deltaCopy(text.length, 9)]),
          baseEntry: 0,
        },
      ]),
    ],
    ['one object twice', buildPack([whole, whole])],
  ];

  test.each(cases)('%s', async (_, pack) => {
    expect(isRefusedByGit(pack.bytes)).toBe(true);
    // An object that is there twice makes an index that no one takes.
    const proved = prove(pack.bytes).then(({ indexBytes }) =>
      parsePackIndex(indexBytes, { packSizeBytes: pack.bytes.length }),
    );
    await expect(proved).rejects.toEqual(integrity);
  });

  test('at whatever byte it is cut', async () => {
    const { bytes } = buildPack([whole, { type: 6, content: copyAll, baseEntry: 0 }]);
    for (let length = 0; length < bytes.length; length++) {
      await expect(prove(bytes.subarray(0, length)), `cut at ${length}`).rejects.toEqual(integrity);
    }
  });

  test('whatever bit of it is flipped', async () => {
    const second = Buffer.from('b');
    const { bytes } = buildPack([
      whole,
      { type: 1, content: second },
      { type: 7, content: copyAll, baseId: objectIdOf('blob', text) },
    ]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await expect(prove(flipped), `bit ${bit}`).rejects.toEqual(integrity);
    }
  });
});

describe('reading one object through an index refuses', () => {
  const base: RawEntry = { type: 3, content: text };

  test('content that is not what the name says (K08)', async () => {
    const pack = buildPack([base]);
    await expect(readThroughIndex(pack, [id(1)], 0)).rejects.toMatchObject({ code: 'object_corrupt' });
    await expect(readThroughIndex(pack, [objectIdOf('blob', text)], 0)).resolves.toMatchObject({ type: 'blob' });
  });

  test('a single flipped bit anywhere in the entry (K07)', async () => {
    const pack = buildPack([base]);
    const outcomes = new Set<unknown>();
    for (let bit = 12 * 8; bit < (pack.bytes.length - 20) * 8; bit++) {
      const bytes = Buffer.from(pack.bytes);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      outcomes.add(
        await readThroughIndex({ ...pack, bytes }, [objectIdOf('blob', text)], 0).then(
          ({ content }) => Buffer.from(content).toString(),
          (error: { code: string }) => error.code,
        ),
      );
    }
    // A flip of zlib's own level hint leaves type and content as they were; every other one is noticed.
    expect(outcomes).toEqual(new Set([text.toString(), 'object_corrupt']));
  });

  test('deltas that build on each other in a circle', async () => {
    const copy = Buffer.concat([deltaSize(5), deltaSize(5), deltaCopy(0, 5)]);
    const pack = buildPack([
      { type: 7, content: copy, baseId: id(2) },
      { type: 7, content: copy, baseId: id(1) },
    ]);
    await expect(readThroughIndex(pack, [id(1), id(2)], 0)).rejects.toMatchObject({ code: 'object_corrupt' });
    await expect(prove(pack.bytes)).rejects.toEqual(integrity);
  });

  test('a base outside the pack', async () => {
    const pack = buildPack([{ type: 7, content: Buffer.from([1, 1, 1, 97]), baseId: id(9) }]);
    await expect(readThroughIndex(pack, [id(1)], 0)).rejects.toMatchObject({ code: 'object_corrupt' });
  });

  test('a chain of deltas without measure', async () => {
    const copy = Buffer.concat([deltaSize(5), deltaSize(5), deltaCopy(0, 5)]);
    const entries: RawEntry[] = [{ type: 3, content: Buffer.from('hello') }];
    for (let i = 0; i < 5000; i++) entries.push({ type: 6, content: copy, baseEntry: i });
    const pack = buildPack(entries);
    const ids = entries.map((_, i) => i.toString(16).padStart(40, '0'));
    await expect(readThroughIndex(pack, ids, 5000)).rejects.toThrow(/too long/);
  });
});

describe('bombs end in bounded time and memory (K16)', () => {
  test('a gigabyte of zeros behind a small size, and a small object behind a gigabyte', async () => {
    const zeros = deflateSync(Buffer.alloc(1 << 20));
    const bomb = deflateSync(Buffer.alloc(64 << 20), { level: 1 });
    for (const [compressed, statedSize] of [
      [bomb, 10],
      [bomb, 9 << 20],
      [zeros, 1 << 30],
      [zeros, 2 ** 40],
    ] as const) {
      const pack = buildPack([{ type: 3, content: text, compressed, statedSize }]);
      await expect(prove(pack.bytes)).rejects.toEqual(integrity);
      await expect(readThroughIndex(pack, [id(1)], 0)).rejects.toMatchObject({ code: 'object_corrupt' });
    }
  });

  test('a chain whose every delta multiplies', async () => {
    const entries: RawEntry[] = [{ type: 3, content: Buffer.alloc(1024) }];
    let size = 1024;
    for (let i = 0; i < 12; i++) {
      const next = grow(Math.min(size, 0xffffff), 64);
      entries.push({ type: 6, content: next.delta, baseEntry: i });
      ({ size } = next);
    }
    const pack = buildPack(entries);
    expect(pack.bytes.length).toBeLessThan(20_000);
    const before = process.memoryUsage().rss;
    await expect(prove(pack.bytes)).rejects.toEqual(integrity);
    await expect(
      readThroughIndex(
        pack,
        entries.map((_, i) => id(i + 1)),
        12,
      ),
    ).rejects.toMatchObject({ code: 'object_corrupt' });
    expect(process.memoryUsage().rss - before).toBeLessThan(1 << 30);
  });
});
