import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../../src/model/ids.ts';
import type {
  ListOptions,
  ObjectStorage,
  StorageBody,
  StorageKey,
  StorageVersion,
} from '../../src/ports/object-storage.ts';

export interface StorageContractOptions {
  /** A fresh, empty store. */
  readonly open: () => Promise<ObjectStorage>;
  /** False where the storage keeps no versions. */
  readonly keepsVersions?: boolean;
  /** False where creating twice at once can succeed twice. */
  readonly isExclusive?: boolean;
}

const small = Buffer.from('hello, store\n');
const idA = '2026-04-16T12:00:00Z-before-the-rewrite';
const idB = '2026-04-16T12:00:01Z-auto-laptop';

/** What every ObjectStorage does, whoever keeps the bytes. */
export function describeObjectStorage(name: string, options: StorageContractOptions): void {
  describe(`ObjectStorage: ${name}`, () => {
    let storage: ObjectStorage;
    let scratch: string;

    beforeAll(() => {
      scratch = mkdtempSync(join(tmpdir(), 'holdfast-contract-'));
    });
    afterAll(() => rmSync(scratch, { recursive: true, force: true }));
    beforeEach(async () => {
      storage = await options.open();
    });
    afterEach(() => storage[Symbol.asyncDispose]());

    const context: Context = {
      get storage() {
        return storage;
      },
      fileBody(bytes) {
        const path = join(scratch, randomBytes(6).toString('hex'));
        writeFileSync(path, bytes, { mode: 0o600 });
        return { kind: 'file', path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
      },
    };
    describeWriting(context, options);
    describeReading(context);
    describeRanges(context);
    describeListing(context);
    describeDeleting(context);
    if (options.keepsVersions ?? true) describeVersions(context);
    describeAborting(context);
  });
}

interface Context {
  readonly storage: ObjectStorage;
  fileBody(bytes: Uint8Array): StorageBody;
}

const bodySizes = [0, 1, 13, 4096, 65_537, 1_048_577];
const keys: readonly StorageKey[] = [
  'holdfast.json',
  'RESTORE.md',
  `snapshots/${idA}/snapshot.json`,
  `snapshots/${idA}/pack-0123456789abcdef0123456789abcdef01234567.pack`,
  `snapshots/${idB}-2/snapshot.json`,
  'packs/pack-0123456789abcdef0123456789abcdef01234567.idx',
  `condemned/2026-04-16T12:00:00Z-plan.json`,
  'logs/my-machine_1/2026-04.ndjson',
  'a/b/c/d/e/f',
  'odd/~name+with=signs@here,too',
];

function describeWriting(context: Context, options: StorageContractOptions): void {
  describe('writing', () => {
    it.each(keys)('keeps %s', async (key) => {
      expect(await context.storage.putIfAbsent(key, bytesBody(small))).toBe('created');
      expect(asBuffer(await context.storage.get(key))).toEqual(small);
      expect(await keysOf(context.storage, '')).toEqual([key]);
    });

    it.each(bodySizes)('keeps %i bytes from memory', async (size) => {
      const bytes = randomBytes(size);
      await context.storage.putIfAbsent('packs/x', bytesBody(bytes));
      expect(asBuffer(await context.storage.get('packs/x')).equals(bytes)).toBe(true);
      expect((await context.storage.head('packs/x'))?.sizeBytes).toBe(size);
    });

    it.each(bodySizes)('keeps %i bytes from a file', async (size) => {
      const bytes = randomBytes(size);
      await context.storage.putIfAbsent('packs/x', context.fileBody(bytes));
      expect(asBuffer(await context.storage.get('packs/x')).equals(bytes)).toBe(true);
      expect((await context.storage.head('packs/x'))?.sizeBytes).toBe(size);
    });

    it.each(['bytes', 'file'])('says "exists" when the same %s come again', async (kind) => {
      const body = kind === 'bytes' ? bytesBody(small) : context.fileBody(small);
      expect(await context.storage.putIfAbsent('packs/x', body)).toBe('created');
      expect(await context.storage.putIfAbsent('packs/x', body)).toBe('exists');
      expect(await context.storage.putIfAbsent('packs/x', bytesBody(small))).toBe('exists');
    });

    it.each([
      ['longer', Buffer.concat([small, small])],
      ['shorter', small.subarray(1)],
      ['of the same length', Buffer.from(small).fill(1)],
      ['empty', Buffer.alloc(0)],
    ])('refuses other bytes under a taken key: %s', async (_name, other) => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await expect(context.storage.putIfAbsent('packs/x', bytesBody(other))).rejects.toMatchObject({
        code: 'storage_conflict',
      });
      await expect(context.storage.putIfAbsent('packs/x', context.fileBody(other))).rejects.toMatchObject({
        code: 'storage_conflict',
      });
      expect(asBuffer(await context.storage.get('packs/x'))).toEqual(small);
    });

    it('replaces with put', async () => {
      await context.storage.put('holdfast.json', bytesBody(small));
      await context.storage.put('holdfast.json', bytesBody(Buffer.from('second')));
      expect(text(await context.storage.get('holdfast.json'))).toBe('second');
      expect(await keysOf(context.storage, '')).toEqual(['holdfast.json']);
    });

    it('replaces with put from a file', async () => {
      await context.storage.put('holdfast.json', bytesBody(small));
      await context.storage.put('holdfast.json', context.fileBody(Buffer.from('second')));
      expect(text(await context.storage.get('holdfast.json'))).toBe('second');
    });

    it('lets a put of the same bytes succeed', async () => {
      await context.storage.put('holdfast.json', bytesBody(small));
      await context.storage.put('holdfast.json', bytesBody(small));
      expect(asBuffer(await context.storage.get('holdfast.json'))).toEqual(small);
    });

    it('lets one of many creators win', async () => {
      if (!(options.isExclusive ?? true)) return;
      const attempts = Array.from({ length: 8 }, (_, i) =>
        context.storage.putIfAbsent('packs/x', bytesBody(Buffer.from(`writer ${i}`))),
      );
      const outcomes = await Promise.allSettled(attempts);
      const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'storage_conflict' })));
      expect(text(await context.storage.get('packs/x'))).toBe(`writer ${winners[0]}`);
    });

    it('lets many creators of the same bytes all succeed', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, () => context.storage.putIfAbsent('packs/x', bytesBody(small))),
      );
      expect(outcomes).toContain('created');
      expect(asBuffer(await context.storage.get('packs/x'))).toEqual(small);
    });

    it('does not write once the signal has fired', async () => {
      const signal = AbortSignal.abort(new Error('stop'));
      await expect(context.storage.putIfAbsent('packs/x', bytesBody(small), { signal })).rejects.toThrow('stop');
      await expect(context.storage.put('packs/x', bytesBody(small), { signal })).rejects.toThrow('stop');
      expect(await context.storage.head('packs/x')).toBeNull();
    });

    it('leaves the caller its bytes', async () => {
      const bytes = Buffer.from(small);
      await context.storage.putIfAbsent('packs/x', bytesBody(bytes));
      expect(bytes).toEqual(small);
      bytes.fill(0);
      expect(asBuffer(await context.storage.get('packs/x'))).toEqual(small);
    });

    it.each(['', '/', '/a', 'a/', 'a//b', '../a', 'a/../b', '.hidden', 'a/.tmp', 'a\\b', 'a\0b', 'ä', 'a\nb'])(
      'refuses the key %j',
      async (key) => {
        await expect(context.storage.putIfAbsent(key, bytesBody(small))).rejects.toMatchObject({
          code: 'invariant_broken',
        });
        await expect(context.storage.get(key)).rejects.toMatchObject({ code: 'invariant_broken' });
        await expect(context.storage.head(key)).rejects.toMatchObject({ code: 'invariant_broken' });
        await expect(context.storage.delete(key)).rejects.toMatchObject({ code: 'invariant_broken' });
      },
    );
  });
}

function describeReading(context: Context): void {
  describe('reading', () => {
    it.each(['packs/none', 'none', `snapshots/${idA}/snapshot.json`])('says %s is missing', async (key) => {
      await expect(context.storage.get(key)).rejects.toMatchObject({ code: 'object_missing' });
      await expect(context.storage.get(key, { range: { start: 0, end: 1 } })).rejects.toMatchObject({
        code: 'object_missing',
      });
      expect(await context.storage.head(key)).toBeNull();
    });

    it('does not take a folder for an object', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      expect(await context.storage.head('packs')).toBeNull();
      await expect(context.storage.get('packs')).rejects.toMatchObject({ code: 'object_missing' });
    });

    it('does not find a key by its beginning', async () => {
      await context.storage.putIfAbsent('packs/xyz', bytesBody(small));
      expect(await context.storage.head('packs/x')).toBeNull();
      await expect(context.storage.get('packs/x')).rejects.toMatchObject({ code: 'object_missing' });
    });

    it('tells size and time', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      const object = await context.storage.head('packs/x');
      expect(object).toMatchObject({ key: 'packs/x', sizeBytes: small.length });
      expect(object?.modifiedAt).toBeInstanceOf(Date);
    });

    it.each([small.length, small.length + 1])('reads %i bytes or fewer when told so', async (sizeBytesMax) => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      expect(asBuffer(await context.storage.get('packs/x', { sizeBytesMax }))).toEqual(small);
    });

    it.each([small.length - 1, 0])('refuses to read more than %i bytes when told so', async (sizeBytesMax) => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await expect(context.storage.get('packs/x', { sizeBytesMax })).rejects.toMatchObject({
        code: 'storage_answer_invalid',
      });
    });

    it('stops when the signal has fired', async () => {
      const signal = AbortSignal.abort(new Error('stop'));
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await expect(context.storage.get('packs/x', { signal })).rejects.toThrow('stop');
      await expect(context.storage.head('packs/x', { signal })).rejects.toThrow('stop');
      await expect(keysOf(context.storage, '', { signal })).rejects.toThrow('stop');
    });

    it('reads many at once', async () => {
      for (let i = 0; i < 12; i++) await context.storage.putIfAbsent(`packs/${i}`, bytesBody(Buffer.from(`${i}`)));
      const all = await Promise.all(Array.from({ length: 12 }, (_, i) => context.storage.get(`packs/${i}`)));
      expect(all.map(text)).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
    });
  });
}

function describeRanges(context: Context): void {
  describe('ranges', () => {
    const bytes = randomBytes(100_000);
    it.each([
      [0, 1],
      [0, 100_000],
      [99_999, 100_000],
      [1, 65_537],
      [50_000, 50_001],
      [65_536, 100_000],
    ])('reads bytes %i to %i', async (start, end) => {
      await context.storage.putIfAbsent('packs/x', context.fileBody(bytes));
      const got = await context.storage.get('packs/x', { range: { start, end } });
      expect(asBuffer(got).equals(bytes.subarray(start, end))).toBe(true);
    });

    it.each([
      [0, 100_001],
      [99_999, 100_001],
      [100_000, 100_001],
      [200_000, 200_010],
    ])('calls an object too short for bytes %i to %i damaged', async (start, end) => {
      await context.storage.putIfAbsent('packs/x', context.fileBody(bytes));
      await expect(context.storage.get('packs/x', { range: { start, end } })).rejects.toMatchObject({
        code: 'object_corrupt',
      });
    });

    it('calls an empty object too short for any range', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(Buffer.alloc(0)));
      await expect(context.storage.get('packs/x', { range: { start: 0, end: 1 } })).rejects.toMatchObject({
        code: 'object_corrupt',
      });
    });

    it.each([
      [5, 5],
      [5, 4],
      [-1, 4],
    ])('refuses the range %i to %i', async (start, end) => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await expect(context.storage.get('packs/x', { range: { start, end } })).rejects.toMatchObject({
        code: 'invariant_broken',
      });
    });

    it('counts only the range against a limit', async () => {
      await context.storage.putIfAbsent('packs/x', context.fileBody(bytes));
      const range = { start: 10, end: 20 };
      expect(await context.storage.get('packs/x', { range, sizeBytesMax: 10 })).toHaveLength(10);
      await expect(context.storage.get('packs/x', { range, sizeBytesMax: 9 })).rejects.toMatchObject({
        code: 'storage_answer_invalid',
      });
    });
  });
}

function describeListing(context: Context): void {
  describe('listing', () => {
    // Byte order is not folder order: '-' and '.' sort before '/', digits after it.
    const sorted = [
      'a',
      'b-c/x',
      'b.c',
      'b/a',
      'b/z',
      'b0',
      `snapshots/${idA}/pack-1.pack`,
      `snapshots/${idA}/snapshot.json`,
      `snapshots/${idA}-2/snapshot.json`,
      `snapshots/${idB}/snapshot.json`,
      'snapshots2/x',
    ].sort();

    async function fill(): Promise<void> {
      for (const key of sorted.toReversed()) await context.storage.putIfAbsent(key, bytesBody(Buffer.from(key)));
    }

    it('is empty at first', async () => {
      expect(await keysOf(context.storage, '')).toEqual([]);
      expect(await keysOf(context.storage, 'snapshots/')).toEqual([]);
    });

    it('goes in byte order of keys', async () => {
      await fill();
      expect(await keysOf(context.storage, '')).toEqual(sorted);
    });

    it.each([
      'a',
      'b',
      'b/',
      'b-',
      'snapshots',
      'snapshots/',
      'snapshots/2026-04',
      `snapshots/${idA}`,
      `snapshots/${idA}/`,
      'c',
      'snapshots/2026-04-16T12:00:0',
    ])('finds what begins with %s', async (prefix) => {
      await fill();
      expect(await keysOf(context.storage, prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    });

    it.each([...sorted, 'b/', 'b/b', 'snapshots/', `snapshots/${idA}/q`, 'zzz', '0'])(
      'starts after %s',
      async (startAfter) => {
        await fill();
        expect(await keysOf(context.storage, '', { startAfter })).toEqual(sorted.filter((key) => key > startAfter));
      },
    );

    it('joins a prefix and a start', async () => {
      await fill();
      expect(await keysOf(context.storage, 'b', { startAfter: 'b.c' })).toEqual(['b/a', 'b/z', 'b0']);
      expect(await keysOf(context.storage, 'b/', { startAfter: 'a' })).toEqual(['b/a', 'b/z']);
      expect(await keysOf(context.storage, 'b/', { startAfter: 'zzz' })).toEqual([]);
    });

    it('tells size and time', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      const objects = await collect(context.storage.list('packs/'));
      expect(objects).toHaveLength(1);
      expect(objects[0]).toMatchObject({ key: 'packs/x', sizeBytes: small.length });
      expect(objects[0]?.modifiedAt).toBeInstanceOf(Date);
    });

    it('can be left early', async () => {
      await fill();
      for await (const object of context.storage.list('')) {
        expect(object.key).toBe(sorted[0]);
        break;
      }
      expect(await keysOf(context.storage, 'a')).toEqual(['a']);
    });

    it('stops between objects when the signal fires', async () => {
      await fill();
      const controller = new AbortController();
      const walk = async (): Promise<void> => {
        for await (const _object of context.storage.list('', { signal: controller.signal })) {
          controller.abort(new Error('stop'));
        }
      };
      await expect(walk()).rejects.toThrow('stop');
    });

    it('shows a put at once, and a delete at once', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      expect(await keysOf(context.storage, 'packs/')).toEqual(['packs/x']);
      await context.storage.delete('packs/x');
      expect(await keysOf(context.storage, 'packs/')).toEqual([]);
    });

    it.each(['/', '../', '.versions', 'a//', '.'])('refuses the prefix %j', async (prefix) => {
      if (context.storage.url === 'memory:') return;
      await expect(keysOf(context.storage, prefix)).rejects.toMatchObject({ code: 'invariant_broken' });
    });
  });
}

function describeDeleting(context: Context): void {
  describe('deleting', () => {
    it('hides the object', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await context.storage.delete('packs/x');
      await expect(context.storage.get('packs/x')).rejects.toMatchObject({ code: 'object_missing' });
      expect(await context.storage.head('packs/x')).toBeNull();
    });

    it.each(['packs/none', 'none'])('succeeds when %s is not there', async (key) => {
      await context.storage.delete(key);
      expect(await context.storage.head(key)).toBeNull();
    });

    it('succeeds twice', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await context.storage.delete('packs/x');
      await context.storage.delete('packs/x');
      expect(await context.storage.head('packs/x')).toBeNull();
    });

    it('leaves the neighbours', async () => {
      for (const key of ['packs/x', 'packs/xy', 'packs/w']) await context.storage.putIfAbsent(key, bytesBody(small));
      await context.storage.delete('packs/x');
      expect(await keysOf(context.storage, '')).toEqual(['packs/w', 'packs/xy']);
    });

    it('lets the key be created again', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await context.storage.delete('packs/x');
      expect(await context.storage.putIfAbsent('packs/x', bytesBody(Buffer.from('new')))).toBe('created');
      expect(text(await context.storage.get('packs/x'))).toBe('new');
    });

    it('does nothing once the signal has fired', async () => {
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      const signal = AbortSignal.abort(new Error('stop'));
      await expect(context.storage.delete('packs/x', { signal })).rejects.toThrow('stop');
      expect(await context.storage.head('packs/x')).not.toBeNull();
    });
  });
}

function describeVersions(context: Context): void {
  describe('versions', () => {
    const put = async (key: StorageKey, content: string): Promise<void> =>
      context.storage.put(key, bytesBody(Buffer.from(content)));
    const list = async (prefix: StorageKey): Promise<StorageVersion[]> => collect(context.storage.versions(prefix));
    const read = async (version: StorageVersion): Promise<string> =>
      text(await context.storage.get(version.key, { storageVersionId: version.storageVersionId }));

    it('are on', async () => {
      expect(await context.storage.versioning()).toBe('on');
      expect(await context.storage.enableVersioning()).toBe('on');
    });

    it('are none at first', async () => {
      expect(await list('')).toEqual([]);
    });

    it('show one for a new object', async () => {
      await put('packs/x', 'one');
      const versions = await list('packs/');
      expect(versions).toMatchObject([{ key: 'packs/x', sizeBytes: 3, isLatest: true, isDeleteMarker: false }]);
      expect(await read(versions[0]!)).toBe('one');
    });

    it('keep what was overwritten, newest first', async () => {
      for (const content of ['one', 'three', 'fifteen']) await put('packs/x', content);
      const versions = await list('packs/x');
      expect(versions.map((one) => [one.sizeBytes, one.isLatest])).toEqual([
        [7, true],
        [5, false],
        [3, false],
      ]);
      expect(await Promise.all(versions.map(read))).toEqual(['fifteen', 'three', 'one']);
      expect(new Set(versions.map((one) => one.storageVersionId)).size).toBe(3);
    });

    it('keep a version under the same name when newer ones come', async () => {
      await put('packs/x', 'one');
      const [first] = await list('packs/x');
      await put('packs/x', 'two');
      await context.storage.delete('packs/x');
      await put('packs/x', 'three');
      expect(await read(first!)).toBe('one');
    });

    it('keep what was deleted, behind a marker', async () => {
      await put('packs/x', 'one');
      await context.storage.delete('packs/x');
      const versions = await list('packs/');
      expect(versions.map((one) => [one.isDeleteMarker, one.isLatest])).toEqual([
        [true, true],
        [false, false],
      ]);
      expect(versions[0]?.modifiedAt).toBeInstanceOf(Date);
      expect(await read(versions[1]!)).toBe('one');
    });

    it('tell in the error that a deleted object can be brought back', async () => {
      await put('packs/x', 'one');
      await context.storage.delete('packs/x');
      await expect(context.storage.get('packs/x')).rejects.toMatchObject({
        code: 'object_missing',
        data: { recoverable: true, deletedAt: expect.stringMatching(/^\d{4}-/) },
      });
    });

    it('bring an object back when its marker goes', async () => {
      await put('packs/x', 'one');
      const [before] = await list('packs/x');
      await context.storage.delete('packs/x');
      const [marker] = await list('packs/x');
      await context.storage.delete('packs/x', { storageVersionId: marker!.storageVersionId });
      expect(text(await context.storage.get('packs/x'))).toBe('one');
      expect(await keysOf(context.storage, '')).toEqual(['packs/x']);
      expect((await list('packs/x')).map((one) => one.storageVersionId)).toEqual([before!.storageVersionId]);
    });

    it('can be removed for good: an old one', async () => {
      for (const content of ['one', 'two', 'three']) await put('packs/x', content);
      const [newest, middle, oldest] = await list('packs/x');
      await context.storage.delete('packs/x', { storageVersionId: middle!.storageVersionId });
      expect(await list('packs/x')).toMatchObject([
        { storageVersionId: newest!.storageVersionId, isLatest: true },
        { storageVersionId: oldest!.storageVersionId, isLatest: false },
      ]);
      await expect(read(middle!)).rejects.toMatchObject({ code: 'object_missing' });
      expect(await read(newest!)).toBe('three');
      expect(await read(oldest!)).toBe('one');
    });

    it('fall back to the one before when the newest is removed for good', async () => {
      for (const content of ['one', 'two']) await put('packs/x', content);
      const [newest, oldest] = await list('packs/x');
      await context.storage.delete('packs/x', { storageVersionId: newest!.storageVersionId });
      expect(text(await context.storage.get('packs/x'))).toBe('one');
      expect(await list('packs/x')).toMatchObject([{ storageVersionId: oldest!.storageVersionId, isLatest: true }]);
    });

    it('are gone when each is removed for good', async () => {
      for (const content of ['one', 'two']) await put('packs/x', content);
      for (const version of await list('packs/x')) {
        await context.storage.delete('packs/x', { storageVersionId: version.storageVersionId });
      }
      expect(await list('')).toEqual([]);
      expect(await context.storage.head('packs/x')).toBeNull();
    });

    it('are not found under another name', async () => {
      await put('packs/x', 'one');
      await put('packs/y', 'two');
      const storageVersionId = 'no-such-version';
      await expect(context.storage.get('packs/x', { storageVersionId })).rejects.toMatchObject({
        code: 'object_missing',
      });
    });

    it('can be read by range', async () => {
      await put('packs/x', 'first bytes');
      const [version] = await list('packs/x');
      await put('packs/x', 'other');
      const { storageVersionId } = version!;
      const got = await context.storage.get('packs/x', { storageVersionId, range: { start: 6, end: 11 } });
      expect(text(got)).toBe('bytes');
    });

    it('are listed by key, below a prefix', async () => {
      for (const key of ['b/x', 'a', 'b-c', `snapshots/${idA}/snapshot.json`]) await put(key, 'one');
      await put('b/x', 'two');
      await context.storage.delete('a');
      expect((await list('')).map((one) => one.key)).toEqual([
        'a',
        'a',
        'b-c',
        'b/x',
        'b/x',
        `snapshots/${idA}/snapshot.json`,
      ]);
      expect((await list('b/')).map((one) => one.key)).toEqual(['b/x', 'b/x']);
      expect((await list('b')).map((one) => one.key)).toEqual(['b-c', 'b/x', 'b/x']);
      expect((await list(`snapshots/${idA}`)).map((one) => one.key)).toEqual([`snapshots/${idA}/snapshot.json`]);
    });

    it('never appear in a listing of objects', async () => {
      await put('packs/x', 'one');
      await put('packs/x', 'two');
      await context.storage.delete('packs/x');
      expect(await keysOf(context.storage, '')).toEqual([]);
    });
  });
}

function describeAborting(context: Context): void {
  describe('unfinished uploads', () => {
    it('are none when all went well', async () => {
      await context.storage.putIfAbsent('packs/x', context.fileBody(randomBytes(100_000)));
      expect(await context.storage.abortStaleUploads({ olderThanMs: 0 })).toBe(0);
      expect(await keysOf(context.storage, '')).toEqual(['packs/x']);
    });
  });

  describe('itself', () => {
    it('counts requests by kind', async () => {
      const before = { ...context.storage.requests };
      await context.storage.putIfAbsent('packs/x', bytesBody(small));
      await context.storage.get('packs/x');
      await context.storage.head('packs/x');
      await keysOf(context.storage, '');
      await context.storage.delete('packs/x');
      const after = context.storage.requests;
      const kinds = ['put', 'get', 'head', 'list', 'delete'] as const;
      expect(kinds.filter((kind) => after[kind] === before[kind])).toEqual([]);
    });

    it('says whether creating is exclusive', () => {
      expect(typeof context.storage.createIsExclusive).toBe('boolean');
    });

    it('has a place to show', () => {
      expect(context.storage.url).not.toBe('');
    });
  });
}

export function bytesBody(bytes: Uint8Array): StorageBody {
  return { kind: 'bytes', bytes, sha256: sha256Of(bytes) };
}

export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function keysOf(storage: ObjectStorage, prefix: StorageKey, options?: ListOptions): Promise<StorageKey[]> {
  return (await collect(storage.list(prefix, options))).map((object) => object.key);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8');
}
