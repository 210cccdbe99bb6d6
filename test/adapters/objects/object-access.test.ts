import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openObjectAccess } from '../../../src/adapters/objects/open-object-access.ts';
import { objectIdOf, rawObjectId } from '../../../src/format/git/object-id.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/ids.ts';
import type { PackRef } from '../../../src/model/snapshot.ts';
import type { ObjectAccess, PackSource } from '../../../src/ports/object-access.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { seededRandom } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';

const nothingKnown = { has: () => false, table: () => new SharedArrayBuffer(0) };

interface Fixture {
  readonly storage: MemoryStorage;
  readonly access: ObjectAccess;
  readonly cacheDirectory: string;
}

function fixture(options: { isLocal?: boolean } = {}): Fixture {
  const storage = createMemoryStorage({ isLocal: options.isLocal ?? false });
  const cacheDirectory = join(scratchFolder(), 'cache');
  const access = openObjectAccess({ storage, cacheDirectory: options.isLocal ? null : cacheDirectory });
  return { storage, access, cacheDirectory };
}

/** Writes one pack of blobs into a directory. */
async function writePack(
  { access }: Fixture,
  contents: readonly Buffer[],
): Promise<{ readonly ref: PackRef; readonly directory: string; readonly ids: readonly ObjectId[] }> {
  const directory = scratchFolder();
  await using writer = access.openWriter(directory, nothingKnown);
  const ids = contents.map((content) => writer.add('blob', content));
  const [pack] = await writer.seal();
  const { sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount } = pack!;
  const key = `snapshots/x/${basename(pack!.packPath)}`;
  return { ref: { key, sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount }, directory, ids };
}

/** Writes one pack of blobs and puts it into the store. */
async function storePack(
  store: Fixture,
  contents: readonly Buffer[],
): Promise<{ ref: PackRef; ids: readonly ObjectId[] }> {
  const { ref, directory, ids } = await writePack(store, contents);
  const local = join(directory, basename(ref.key));
  store.storage.poke(ref.key, readFileSync(local));
  store.storage.poke(indexKey(ref), readFileSync(local.replace(/pack$/, 'idx')));
  return { ref, ids };
}

const indexKey = (ref: PackRef): string => ref.key.replace(/pack$/, 'idx');
const stored = (ref: PackRef): PackSource & { readonly ref: PackRef } => ({ ref, localDirectory: null });
const texts = (...items: string[]): Buffer[] => items.map((item) => Buffer.from(item));

function noise(seed: number, options: { count: number; size: number }): Buffer[] {
  const random = seededRandom(seed);
  return Array.from({ length: options.count }, () => random.bytes(options.size));
}

describe('a reader over packs of a store', () => {
  test('finds every object, and knows every name', async () => {
    const store = fixture();
    const first = await storePack(store, texts('a', 'b', 'shared'));
    const second = await storePack(store, texts('c', 'shared'));
    const { reader, known } = await store.access.openReader([stored(first.ref), stored(second.ref)]);
    for (const text of ['a', 'b', 'c', 'shared']) {
      const id = objectIdOf('blob', Buffer.from(text));
      expect(reader.has(id)).toBe(true);
      expect(known.has(rawObjectId(id), 0)).toBe(true);
      expect(await reader.read(id)).toMatchObject({ type: 'blob', content: Buffer.from(text) });
    }
    const names = Buffer.from(known.table()).toString('hex').match(/.{40}/g)!;
    expect(names).toEqual([...new Set([...first.ids, ...second.ids])].toSorted());
    const absent = objectIdOf('blob', Buffer.from('absent'));
    expect(reader.locate(absent)).toBeNull();
    await expect(reader.read(absent)).rejects.toMatchObject({ code: 'object_missing' });
    await expect(reader.read(first.ids[0]!, { sizeBytesMax: 0 })).rejects.toMatchObject({ code: 'object_corrupt' });
  });

  test('lists a pack in the order of its bytes, and gives those bytes', async () => {
    const store = fixture();
    const { ref, ids } = await storePack(store, texts('one', 'two', 'three'));
    const { reader } = await store.access.openReader([stored(ref)]);
    const entries = [...reader.entries(0)];
    expect(entries.map(({ id }) => id)).toEqual(ids);
    expect(entries[0]!.start).toBe(12);
    expect(entries.at(-1)!.end).toBe(ref.sizeBytes - 20);
    for (const { id, start, end } of entries) expect(reader.locate(id)).toEqual({ pack: 0, start, end });
    const bytes = await reader.readRange(0, 12, entries[1]!.end);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(store.storage.peek(ref.key)!.subarray(12, entries[1]!.end)));
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });

  test('fetches a small pack once, and nothing at all the next time', async () => {
    const store = fixture();
    const { ref, ids } = await storePack(store, noise(1, { count: 50, size: 1000 }));
    const { reader } = await store.access.openReader([stored(ref)]);
    await Promise.all(ids.map((id) => reader.read(id)));
    expect(store.storage.calls).toEqual([`get ${indexKey(ref)}`, `get ${ref.key}`]);
    const again = await store.access.openReader([stored(ref)]);
    await again.reader.read(ids[7]!);
    expect(store.storage.calls).toHaveLength(2);
  });

  test('needs no request for what was remembered when it was published', async () => {
    const store = fixture();
    const { ref, directory, ids } = await writePack(store, texts('a', 'b'));
    await store.access.remember(ref, directory);
    rmSync(directory, { recursive: true });
    const { reader } = await store.access.openReader([stored(ref)]);
    expect(await reader.read(ids[1]!)).toMatchObject({ content: Buffer.from('b') });
    expect(store.storage.calls).toEqual([]);
  });

  test('reads a large pack by blocks: what lies together comes with few requests', async () => {
    const store = fixture();
    const { ref, ids } = await storePack(store, noise(2, { count: 300, size: 20_000 }));
    const { reader } = await store.access.openReader([stored(ref)]);
    store.storage.calls.length = 0;
    await Promise.all(ids.slice(-50).map((id) => reader.read(id)));
    expect(store.storage.calls.length).toBeLessThanOrEqual(2);
    await reader.readRange(0, ref.sizeBytes - 2_500_000, ref.sizeBytes - 1000);
    expect(store.storage.calls.length).toBeLessThanOrEqual(3);
    for (const id of ids) await reader.read(id);
    expect(store.storage.calls.length).toBeLessThanOrEqual(9);
  });

  test('reads objects larger than a block, fetching its blocks together', async () => {
    const store = fixture();
    const [large] = noise(3, { count: 1, size: 5_000_000 });
    const { ref, ids } = await storePack(store, [large!, Buffer.from('small')]);
    const { reader } = await store.access.openReader([stored(ref)]);
    await reader.read(ids[1]!);
    store.storage.calls.length = 0;
    expect(Buffer.compare((await reader.read(ids[0]!)).content, large!)).toBe(0);
    expect(store.storage.calls.length).toBeLessThanOrEqual(2);
  });

  test('fetches nothing twice for readers at the same time', async () => {
    const store = fixture();
    const [large] = noise(6, { count: 1, size: 5_000_000 });
    const { ref, ids } = await storePack(store, [large!]);
    const { reader } = await store.access.openReader([stored(ref)]);
    store.storage.calls.length = 0;
    await Promise.all([reader.read(ids[0]!), reader.read(ids[0]!), reader.read(ids[0]!)]);
    expect(store.storage.calls.length).toBeLessThanOrEqual(2);
  });

  test('passes on a failure of the store, and reads on after it', async () => {
    const store = fixture();
    const [large] = noise(7, { count: 1, size: 5_000_000 });
    const { ref, ids } = await storePack(store, [large!]);
    const { reader } = await store.access.openReader([stored(ref)]);
    store.storage.hooks = {
      beforeCall() {
        throw new HoldfastError('storage_timeout', 'The store is too slow.');
      },
    };
    await expect(reader.read(ids[0]!)).rejects.toMatchObject({ code: 'storage_timeout' });
    store.storage.hooks = {};
    expect(Buffer.compare((await reader.read(ids[0]!)).content, large!)).toBe(0);
  });

  test('keeps no copies of a store in a directory', async () => {
    const store = fixture({ isLocal: true });
    const { ref, ids } = await storePack(store, texts('a'));
    const { reader } = await store.access.openReader([stored(ref)]);
    await reader.read(ids[0]!);
    await store.access.remember(ref, scratchFolder());
    expect(() => readdirSync(store.cacheDirectory)).toThrow(/ENOENT/);
  });

  test('reads a spooled pack where it lies, without any request', async () => {
    const store = fixture();
    const { ref, directory, ids } = await writePack(store, noise(4, { count: 40, size: 5000 }));
    const { reader } = await store.access.openReader([{ ref, localDirectory: directory }]);
    for (const id of ids) expect(objectIdOf('blob', (await reader.read(id)).content)).toBe(id);
    expect(await store.access.verify({ ref, localDirectory: directory })).toEqual([]);
    expect(store.storage.calls).toEqual([]);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  test('reads from the store what another process published and took out of the spool meanwhile', async () => {
    const store = fixture();
    const { ref, directory, ids } = await writePack(store, texts('one', 'two'));
    const local = join(directory, basename(ref.key));
    const publish = (): void => {
      store.storage.poke(ref.key, readFileSync(local));
      store.storage.poke(indexKey(ref), readFileSync(local.replace(/pack$/, 'idx')));
      rmSync(directory, { recursive: true });
    };
    const opened = await store.access.openReader([{ ref, localDirectory: directory }]);
    publish();
    expect(Buffer.from((await opened.reader.read(ids[0]!)).content).toString()).toBe('one');
    // Published between the look at the spool and the opening of its packs.
    const later = await store.access.openReader([{ ref, localDirectory: directory }], { fresh: true });
    expect(later.unusable).toEqual([]);
    expect(Buffer.from((await later.reader.read(ids[1]!)).content).toString()).toBe('two');
  });

  test('finds its way among a thousand packs', async () => {
    const store = fixture({ isLocal: true });
    const packs: { ref: PackRef; ids: readonly ObjectId[] }[] = [];
    for (let i = 0; i < 100; i++) packs.push(await storePack(store, texts(`only in ${i}`, 'in all')));
    const sources = Array.from({ length: 1000 }, (_, i) => stored(packs[i % 100]!.ref));
    const { reader } = await store.access.openReader(sources);
    expect(reader.packs).toHaveLength(1000);
    for (const { ids } of packs) for (const id of ids) expect(await reader.read(id)).toMatchObject({ type: 'blob' });
  });
});

describe('a missing or wrong pack index (K06)', () => {
  test.each<[string, (storage: MemoryStorage, key: string) => void]>([
    ['missing', (storage, key) => storage.drop(key)],
    ['cut short', (storage, key) => storage.poke(key, storage.peek(key)!.subarray(0, 500))],
    ['empty', (storage, key) => storage.poke(key, new Uint8Array(0))],
    [
      'altered',
      (storage, key) =>
        storage.poke(
          key,
          storage.peek(key)!.map((byte, i) => (i === 1040 ? byte ^ 1 : byte)),
        ),
    ],
  ])('that is %s is made anew from the pack, and kept', async (_, damage) => {
    const store = fixture();
    const { ref, ids } = await storePack(store, texts('a', 'b', 'c'));
    const right = Buffer.from(store.storage.peek(indexKey(ref))!);
    damage(store.storage, indexKey(ref));
    const { reader, rebuiltIndexes, unusable } = await store.access.openReader([stored(ref)]);
    expect({ rebuiltIndexes, unusable }).toEqual({ rebuiltIndexes: [ref.key], unusable: [] });
    expect(await reader.read(ids[2]!)).toMatchObject({ content: Buffer.from('c') });
    expect(readFileSync(join(store.cacheDirectory, `${ref.indexSha256}.idx`))).toEqual(right);
    expect((await store.access.openReader([stored(ref)])).rebuiltIndexes).toEqual([]);
  });
});

describe('a missing or damaged pack (K05, K07, K08)', () => {
  test('without an index costs its own objects only', async () => {
    const store = fixture();
    const good = await storePack(store, texts('good'));
    const bad = await storePack(store, texts('bad'));
    store.storage.drop(indexKey(bad.ref));
    store.storage.drop(bad.ref.key);
    const { reader, unusable } = await store.access.openReader([stored(bad.ref), stored(good.ref)]);
    expect(unusable).toEqual([{ key: bad.ref.key, reason: expect.stringContaining('is missing') }]);
    expect(await reader.read(good.ids[0]!)).toMatchObject({ type: 'blob' });
    expect(reader.has(bad.ids[0]!)).toBe(false);
  });

  test.each<[string, string, (storage: MemoryStorage, key: string) => void]>([
    ['missing', 'pack_missing', (storage, key) => storage.drop(key)],
    ['cut short', 'object_corrupt', (storage, key) => storage.poke(key, storage.peek(key)!.subarray(0, -30))],
    [
      'altered',
      'pack_corrupt',
      (storage, key) =>
        storage.poke(
          key,
          storage.peek(key)!.map((byte, i) => (i === 20 ? byte ^ 4 : byte)),
        ),
    ],
  ])('that is %s is noticed on reading', async (_, code, damage) => {
    const store = fixture();
    const { ref, ids } = await storePack(store, texts('a', 'b'));
    damage(store.storage, ref.key);
    const { reader } = await store.access.openReader([stored(ref)]);
    await expect(reader.read(ids[0]!)).rejects.toMatchObject({ code, kind: 'integrity' });
  });

  test('is made good by another pack with the same object', async () => {
    const store = fixture();
    const first = await storePack(store, texts('x', 'shared'));
    const second = await storePack(store, texts('y', 'shared'));
    const { reader } = await store.access.openReader([stored(first.ref), stored(second.ref)]);
    for (const { ref } of [first, second]) {
      const whole = store.storage.peek(ref.key)!;
      store.storage.drop(ref.key);
      const fresh = (await store.access.openReader([stored(first.ref), stored(second.ref)])).reader;
      expect(await fresh.read(first.ids[1]!)).toMatchObject({ content: Buffer.from('shared') });
      store.storage.poke(ref.key, whole);
      rmSync(store.cacheDirectory, { recursive: true });
    }
    expect(await reader.read(first.ids[1]!)).toMatchObject({ content: Buffer.from('shared') });
  });

  test('in a store that cannot be reached is no damage', async () => {
    const store = fixture();
    const { ref } = await storePack(store, texts('a'));
    store.storage.hooks = {
      beforeCall() {
        throw new HoldfastError('storage_unavailable', 'The store cannot be reached.');
      },
    };
    await expect(store.access.openReader([stored(ref)])).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(store.access.verify(stored(ref))).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('a damaged cache (K19)', () => {
  test('is fetched again from the store', async () => {
    const store = fixture();
    const { ref, ids } = await storePack(store, texts('a'));
    await (await store.access.openReader([stored(ref)])).reader.read(ids[0]!);
    for (const name of readdirSync(store.cacheDirectory)) writeFileSync(join(store.cacheDirectory, name), '');
    store.storage.calls.length = 0;
    const { storage, cacheDirectory } = store;
    const nextProcess = openObjectAccess({ storage, cacheDirectory });
    const { reader, rebuiltIndexes } = await nextProcess.openReader([stored(ref)]);
    expect(await reader.read(ids[0]!)).toMatchObject({ content: Buffer.from('a') });
    expect(rebuiltIndexes).toEqual([]);
    expect(store.storage.calls).toHaveLength(2);
  });

  test('that cannot be written costs only the cache', async () => {
    const store = fixture();
    const { ref, ids } = await storePack(store, texts('a'));
    writeFileSync(store.cacheDirectory, 'a file where the folder should be');
    const { reader } = await store.access.openReader([stored(ref)]);
    expect(await reader.read(ids[0]!)).toMatchObject({ content: Buffer.from('a') });
    rmSync(store.cacheDirectory);
    mkdirSync(store.cacheDirectory);
  });
});

describe('verify', () => {
  test('finds nothing in a good pack, small or large', async () => {
    const store = fixture();
    for (const contents of [texts('a'), noise(5, { count: 3, size: 3_000_000 })]) {
      const { ref } = await storePack(store, contents);
      expect(await store.access.verify(stored(ref))).toEqual([]);
      expect(await store.access.verify(stored(ref), { depth: 'checksum' })).toEqual([]);
    }
  });

  test('finds one flipped bit, wherever it is', async () => {
    const store = fixture();
    const { ref } = await storePack(store, texts('a', 'longer text '.repeat(10)));
    const whole = store.storage.peek(ref.key)!;
    for (let at = 0; at < whole.length; at++) {
      store.storage.poke(
        ref.key,
        whole.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)),
      );
      expect(await store.access.verify(stored(ref)), `byte ${at}`).toHaveLength(1);
      expect(await store.access.verify(stored(ref), { depth: 'checksum' }), `byte ${at}`).toHaveLength(1);
    }
  });

  test('names a pack that is missing, cut short, another, or not what the record lists', async () => {
    const store = fixture();
    const { ref } = await storePack(store, texts('a'));
    const other = await storePack(store, texts('b'));
    const whole = store.storage.peek(ref.key)!;
    expect(await store.access.verify(stored({ ...ref, indexSha256: other.ref.indexSha256 }))).toEqual([
      expect.stringContaining('does not hold the objects'),
    ]);
    store.storage.poke(ref.key, store.storage.peek(other.ref.key)!);
    expect(await store.access.verify(stored(ref))).toHaveLength(2);
    store.storage.poke(ref.key, whole.subarray(0, -1));
    expect(await store.access.verify(stored(ref))).toHaveLength(1);
    store.storage.drop(ref.key);
    expect(await store.access.verify(stored(ref))).toEqual([expect.stringContaining(`The pack ${ref.key} is missing`)]);
  });
});
