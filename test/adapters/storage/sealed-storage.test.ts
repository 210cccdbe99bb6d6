import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { openDirectoryStorage } from '../../../src/adapters/storage/directory-storage.ts';
import { encodeKeySheet, slotContext, wrapMasters } from '../../../src/format/key-sheet.ts';
import { newDerivation, wrapKey } from '../../../src/format/key-slot.ts';
import { masterKeyOf } from '../../../src/format/keyring.ts';
import { chunkBytes, sealedSizeOf } from '../../../src/format/sealed-object.ts';
import { keySheetKey } from '../../../src/format/store-layout.ts';
import type { Sha256 } from '../../../src/model/ids.ts';
import type { UnlockedSheet } from '../../../src/model/store-keys.ts';
import type { ObjectStorage, StorageBody } from '../../../src/ports/object-storage.ts';
import { bytesBody, describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { makeSealedStore, makeTestKeys, openTestSealed, testSecret } from '../../support/sealed-storage.ts';

async function sealed(raw: ObjectStorage): Promise<ObjectStorage> {
  const { storage, encryption } = openTestSealed(raw);
  encryption.adopt(await makeTestKeys());
  return storage;
}

describeObjectStorage('memory, encrypted', { open: () => sealed(createMemoryStorage()) });

describeObjectStorage('a directory, encrypted', {
  open: () => sealed(openDirectoryStorage(scratchFolder(), { url: 'file:///x', create: true, now: () => new Date() })),
});

const key = 'packs/pack-0123456789abcdef0123456789abcdef01234567.pack';
let raw: MemoryStorage;
let keys: UnlockedSheet;
let storage: ObjectStorage;

beforeEach(async () => {
  raw = createMemoryStorage();
  keys = await makeSealedStore(raw);
  ({ storage } = openTestSealed(raw));
});

describe('an encrypted store', () => {
  test('holds nothing of what was stored in the clear, under keys and with sizes that can be told', async () => {
    const plain = Buffer.from('a line that must not be found\n'.repeat(10));
    await storage.putIfAbsent('snapshots/x/snapshot.json', bytesBody(plain));
    expect(raw.peek('snapshots/x/snapshot.json')!.length).toBe(sealedSizeOf(plain.length));
    expect(Buffer.from(raw.peek('snapshots/x/snapshot.json')!).includes('line that')).toBe(false);
    expect(await storage.head('snapshots/x/snapshot.json')).toMatchObject({ sizeBytes: plain.length });
  });

  test('leaves header, guide, decryptor and keys as they are', async () => {
    for (const plainKey of ['RESTORE.md', 'decrypt.mjs', 'keys/00000002.json']) {
      await storage.putIfAbsent(plainKey, bytesBody(Buffer.from('plain')));
      expect(Buffer.from(raw.peek(plainKey)!).toString()).toBe('plain');
      expect(Buffer.from(await storage.get(plainKey)).toString()).toBe('plain');
    }
  });

  test('gives the same bytes for any range as for the whole', async () => {
    const sizes = [1, 1000, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 5 * chunkBytes + 123];
    const objects = sizes.map((size) => ({ name: `packs/of-${size}`, plain: randomBytes(size) }));
    for (const { name, plain } of objects) await storage.putIfAbsent(name, bytesBody(plain));
    const ranges = fc.constantFrom(...objects).chain(({ name, plain }) =>
      fc.tuple(fc.nat(plain.length - 1), fc.nat(plain.length - 1), fc.boolean()).map(([a, b, isFresh]) => ({
        name,
        plain,
        start: Math.min(a, b),
        end: Math.max(a, b) + 1,
        isFresh,
      })),
    );
    await fc.assert(
      fc.asyncProperty(ranges, async ({ name, plain, start, end, isFresh }) => {
        const reader = isFresh ? openTestSealed(raw).storage : storage;
        const got = await reader.get(name, { range: { start, end } });
        expect(plain.subarray(start, end).equals(got)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('costs one request more for the first read in the middle of an object, and none after that', async () => {
    await storage.putIfAbsent(key, bytesBody(randomBytes(10 * chunkBytes)));
    const count = async (start: number, end: number): Promise<number> => {
      const before = raw.requests.get;
      await storage.get(key, { range: { start, end } });
      return raw.requests.get - before;
    };
    expect(await count(3 * chunkBytes + 5, 3 * chunkBytes + 10)).toBe(2);
    expect(await count(7 * chunkBytes, 8 * chunkBytes)).toBe(1);
    const fresh = openTestSealed(raw).storage;
    await fresh.head(key);
    const before = raw.requests.get;
    await fresh.get(key, { range: { start: 0, end: 10 * chunkBytes } });
    // The header of the store, its keys, the next generation of them that is not there, and the object.
    expect(raw.requests.get - before).toBeLessThanOrEqual(4);
  });

  test('S07: knows an object it stored before as its own, also under an older master key', async () => {
    const body = bytesBody(randomBytes(chunkBytes + 5));
    expect(await storage.putIfAbsent(key, body)).toBe('created');
    expect(await storage.putIfAbsent(key, body)).toBe('exists');
    await renew(raw, keys);
    const renewed = openTestSealed(raw).storage;
    expect(await renewed.putIfAbsent(key, body)).toBe('exists');
    const other = bytesBody(randomBytes(chunkBytes + 5));
    await expect(renewed.putIfAbsent(key, other)).rejects.toMatchObject({ code: 'storage_conflict' });
  });

  test('opens what another machine sealed under a master key that came since', async () => {
    const old = openTestSealed(raw);
    await old.encryption.unlock();
    await renew(raw, keys);
    await openTestSealed(raw).storage.putIfAbsent(key, bytesBody(Buffer.from('new')));
    expect(Buffer.from(await old.storage.get(key)).toString()).toBe('new');
  });

  test('K11: refuses an object that is not encrypted', async () => {
    await raw.put(key, bytesBody(Buffer.from('plain')));
    await expect(storage.get(key)).rejects.toMatchObject({ code: 'object_corrupt', kind: 'integrity' });
    await expect(storage.get(key, { range: { start: 0, end: 3 } })).rejects.toMatchObject({ code: 'object_corrupt' });
  });

  test('K10: gives nothing of a range that holds a damaged chunk, and everything of one that does not', async () => {
    const plain = randomBytes(4 * chunkBytes);
    await storage.putIfAbsent(key, bytesBody(plain));
    const bad = Buffer.from(raw.peek(key)!);
    bad[92 + 2 * (chunkBytes + 16) + 9]! ^= 4;
    raw.poke(key, bad);
    const range = (start: number, end: number): Promise<Uint8Array> => storage.get(key, { range: { start, end } });
    await expect(range(2 * chunkBytes, 3 * chunkBytes)).rejects.toMatchObject({ data: { chunk: 2 } });
    await expect(range(chunkBytes, 4 * chunkBytes)).rejects.toMatchObject({ data: { chunk: 2 } });
    await expect(storage.get(key)).rejects.toMatchObject({ data: { chunk: 2 }, kind: 'integrity' });
    expect(plain.subarray(0, 2 * chunkBytes).equals(await range(0, 2 * chunkBytes))).toBe(true);
  });

  test('asks once more for an answer that proves wrong', async () => {
    await storage.putIfAbsent(key, bytesBody(Buffer.from('right')));
    const good = raw.peek(key)!;
    const bad = Buffer.from(good);
    bad[100]! ^= 1;
    raw.poke(key, bad);
    raw.hooks = { afterCall: (operation, name) => void (operation === 'get' && name === key && raw.poke(key, good)) };
    expect(Buffer.from(await storage.get(key)).toString()).toBe('right');
  });
});

describe('a large file', () => {
  function largeFile(): { body: StorageBody & { kind: 'file' }; plain: Buffer } {
    const plain = randomBytes(9_000_001);
    const path = join(scratchFolder(), 'pack');
    writeFileSync(path, plain, { mode: 0o600 });
    const sha256 = createHash('sha256').update(plain).digest('hex') as Sha256;
    return { body: { kind: 'file', path, sizeBytes: plain.length, sha256 }, plain };
  }

  test('is sealed on a thread, into a file that does not stay', async () => {
    const temporaryDirectory = join(scratchFolder(), 'sealed');
    await using view = openTestSealed(raw, { temporaryDirectory }).storage;
    const { body, plain } = largeFile();
    expect(await view.putIfAbsent(key, body)).toBe('created');
    expect(await view.putIfAbsent(key, body)).toBe('exists');
    expect(plain.equals(await view.get(key))).toBe(true);
    expect(readdirSync(temporaryDirectory)).toEqual([]);
  });

  test('K19: that is not what its checksum says is never sent, whole or in part', async () => {
    const temporaryDirectory = join(scratchFolder(), 'sealed');
    await using view = openTestSealed(raw, { temporaryDirectory }).storage;
    const { body } = largeFile();
    const bytes = readFileSync(body.path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(body.path, bytes);
    await expect(view.putIfAbsent(key, body)).rejects.toMatchObject({ code: 'spool_damaged' });
    expect([raw.peek(key), readdirSync(temporaryDirectory)]).toEqual([undefined, []]);
  });

  test('is given up when the command is stopped', async () => {
    const temporaryDirectory = join(scratchFolder(), 'sealed');
    await using view = openTestSealed(raw, { temporaryDirectory }).storage;
    const stop = new AbortController();
    const put = view.putIfAbsent(key, largeFile().body, { signal: stop.signal });
    setImmediate(() => stop.abort(new Error('stop')));
    await expect(put).rejects.toThrow('stop');
    expect([raw.peek(key), readdirSync(temporaryDirectory)]).toEqual([undefined, []]);
    expect(await view.putIfAbsent(key, largeFile().body)).toBe('created');
  });
});

/** A new master key in the next generation of the keys, for the same person. */
async function renew(store: ObjectStorage, { sheet, keyring }: UnlockedSheet): Promise<void> {
  const master = masterKeyOf(randomBytes(32));
  const createdAt = '2026-03-02T09:00:00.000Z';
  const derivation = newDerivation(testSecret, { random: randomBytes });
  const context = slotContext(sheet, '00000002');
  const wrapped = await wrapKey(master.bytes, { secret: testSecret, derivation, context });
  const next = {
    ...sheet,
    generation: 2,
    masters: wrapMasters([
      { key: keyring.newest, createdAt },
      { key: master, createdAt },
    ]),
    slots: [{ ...sheet.slots[0]!, id: '00000002', derivation, wrapped }],
  };
  await store.put(keySheetKey(2), bytesBody(Buffer.from(encodeKeySheet(next, master))));
}
