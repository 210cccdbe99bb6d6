import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { indexPack } from '../../../src/format/git/index-pack.ts';
import { objectIdOf } from '../../../src/format/git/object-id.ts';
import { type BuiltPack, buildPack, deltaCopy, deltaSize, type RawEntry } from '../../support/pack-builder.ts';
import { openGitOracle } from '../../support/git-oracle.ts';
import { type SeededRandom, seededRandom } from '../../support/random.ts';

function indexOf(pack: BuiltPack): ReturnType<typeof indexPack> {
  return indexPack({ sizeBytes: pack.bytes.length, readRange: async (start, end) => pack.bytes.subarray(start, end) });
}

/** Indexes a pack with stock git. */
function indexByGit(pack: BuiltPack): Buffer {
  using oracle = openGitOracle();
  const packPath = join(oracle.directory, 'x.pack');
  writeFileSync(packPath, pack.bytes);
  oracle.git(['index-pack', '-o', join(oracle.directory, 'x.idx'), packPath]);
  return readFileSync(join(oracle.directory, 'x.idx'));
}

/** A delta that keeps the first half of its base and appends a text. */
function deltaOn(base: Buffer, added: string): { delta: Buffer; result: Buffer } {
  const half = base.length >> 1;
  const result = Buffer.concat([base.subarray(0, half), Buffer.from(added)]);
  const insert = Buffer.concat([Buffer.from([added.length]), Buffer.from(added)]);
  const delta = Buffer.concat([deltaSize(base.length), deltaSize(result.length), deltaCopy(0, half), insert]);
  return { delta, result };
}

/** Whole objects, offset deltas, and ref deltas of which many stand in front of their base. */
function randomPack(random: SeededRandom, round: number): BuiltPack {
  const contents: Buffer[] = [];
  const front: RawEntry[] = [];
  const rest: { readonly entry: RawEntry; readonly content: number }[] = [];
  for (let i = 0; i < 40; i++) {
    const base = random.int(Math.max(1, i));
    const baseInRest = rest.findIndex(({ content }) => content === base);
    const kind = i === 0 ? 'whole' : random.pick(['whole', 'offset', 'ref', 'ref in front']);
    const { delta, result } = deltaOn(contents[base] ?? Buffer.alloc(0), `${round} ${i}`);
    if (kind === 'whole') {
      contents.push(random.text(10 + random.int(3000)));
      rest.push({ entry: { type: 3, content: contents[i]! }, content: i });
      continue;
    }
    contents.push(result);
    const byName: RawEntry = { type: 7, content: delta, baseId: objectIdOf('blob', contents[base]!) };
    if (kind === 'ref in front') front.push(byName);
    else if (kind === 'ref' || baseInRest < 0) rest.push({ entry: byName, content: i });
    else rest.push({ entry: { type: 6, content: delta, baseEntry: baseInRest }, content: i });
  }
  const shifted = rest.map(({ entry }) =>
    entry.baseEntry === undefined ? entry : { ...entry, baseEntry: entry.baseEntry + front.length },
  );
  return buildPack([...front, ...shifted]);
}

describe('indexPack', () => {
  test('agrees with git on 20 random packs of whole objects, chains of both kinds, forwards and backwards', async () => {
    const random = seededRandom(42);
    for (let round = 0; round < 20; round++) {
      const pack = randomPack(random, round);
      expect(Buffer.compare((await indexOf(pack)).indexBytes, indexByGit(pack))).toBe(0);
    }
  });

  test('reads entries across the edges of its windows, small and large', async () => {
    const sizes = [100, 5_000_000, 0, 7_999_999, 9_000_000, 3, 20_000_000, 1_000_000];
    const entries = sizes.map((size, i): RawEntry => ({
      type: 3,
      content: i % 2 === 0 ? Buffer.alloc(size, `${i} `) : randomBytes(size),
    }));
    const pack = buildPack(entries);
    expect(Buffer.compare((await indexOf(pack)).indexBytes, indexByGit(pack))).toBe(0);
  });

  test('takes an empty pack', async () => {
    const pack = buildPack([]);
    expect(Buffer.compare((await indexOf(pack)).indexBytes, indexByGit(pack))).toBe(0);
  });

  test('resolves a chain of a thousand deltas', async () => {
    let content: Buffer = Buffer.from('start '.repeat(100));
    const entries: RawEntry[] = [{ type: 3, content }];
    for (let i = 0; i < 1000; i++) {
      const { delta, result } = deltaOn(content, `step ${i} `.repeat(10).slice(0, 100));
      entries.push({ type: 6, content: delta, baseEntry: i });
      content = result;
    }
    const pack = buildPack(entries);
    expect(Buffer.compare((await indexOf(pack)).indexBytes, indexByGit(pack))).toBe(0);
  });

  test('stops when it is canceled', async () => {
    const pack = buildPack([{ type: 3, content: Buffer.from('a') }]);
    const { bytes } = pack;
    const promise = indexPack({
      sizeBytes: bytes.length,
      readRange: (start, end) => bytes.subarray(start, end),
      signal: AbortSignal.abort(),
    });
    await expect(promise).rejects.toMatchObject({ name: 'AbortError' });
  });
});
