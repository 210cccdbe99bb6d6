import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRecordCache } from '../../../src/adapters/record-cache/open-record-cache.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import type { StoreSighting } from '../../../src/ports/record-cache.ts';
import { scratchFolder } from '../../support/scratch.ts';

const idOf = (n: number): SnapshotId => `2026-04-16T12:00:00Z-r${n}` as SnapshotId;
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const plain = (records: ReadonlyMap<SnapshotId, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...records].map(([id, bytes]) => [id, Buffer.from(bytes).toString()]));

function fileOf(directory: string): string {
  const [store] = readdirSync(join(directory, 'stores'));
  return join(directory, 'stores', store!, 'records.cache');
}

const sighting: StoreSighting = {
  seenAt: '2026-04-16T12:00:00.000Z',
  snapshotIds: [idOf(1), idOf(2)],
  headerSeen: true,
  missingIds: [idOf(3)],
  generation: 4,
  prunes: 2,
};

describe('the record cache', () => {
  test('holds nothing at first', async () => {
    const cache = openRecordCache(scratchFolder(), 's3://bucket');
    expect(await cache.load(idOf(1))).toBeNull();
    expect((await cache.loadAll()).size).toBe(0);
    expect(await cache.sighting()).toBeNull();
  });

  test('gives back the bytes it was given, the latest of each id, to every process', async () => {
    const directory = scratchFolder();
    const cache = openRecordCache(directory, 's3://bucket');
    await cache.saveAll(
      new Map([
        [idOf(1), bytesOf('one\n{"x":"\n2 3 4"}')],
        [idOf(2), bytesOf('')],
      ]),
    );
    await cache.save(idOf(3), bytesOf('three'));
    await cache.save(idOf(1), bytesOf('uno'));
    const expected = { [idOf(1)]: 'uno', [idOf(2)]: '', [idOf(3)]: 'three' };
    for (const opened of [cache, openRecordCache(directory, 's3://bucket')]) {
      expect(plain(await opened.loadAll())).toEqual(expected);
      expect(Buffer.from((await opened.load(idOf(3)))!).toString()).toBe('three');
      expect(await opened.load(idOf(4))).toBeNull();
    }
  });

  test('sees what another process added', async () => {
    const directory = scratchFolder();
    const [a, b] = [openRecordCache(directory, 's'), openRecordCache(directory, 's')];
    await a.save(idOf(1), bytesOf('1'));
    await b.save(idOf(2), bytesOf('2'));
    await a.save(idOf(3), bytesOf('3'));
    expect(plain(await b.loadAll())).toEqual({ [idOf(1)]: '1', [idOf(2)]: '2', [idOf(3)]: '3' });
    expect(Buffer.from((await a.load(idOf(2)))!).toString()).toBe('2');
  });

  test('keeps stores apart, whatever they are called', async () => {
    const directory = scratchFolder();
    await openRecordCache(directory, '../../x').save(idOf(1), bytesOf('1'));
    expect(await openRecordCache(directory, 'y').load(idOf(1))).toBeNull();
    expect(readdirSync(directory)).toEqual(['stores']);
    expect(statSync(fileOf(directory)).mode & 0o777).toBe(0o600);
  });

  test('does not grow when told the same again, and sheds what no longer counts', async () => {
    const directory = scratchFolder();
    const cache = openRecordCache(directory, 's');
    await cache.save(idOf(1), bytesOf('same'));
    const { size } = statSync(fileOf(directory));
    await cache.save(idOf(1), bytesOf('same'));
    expect(statSync(fileOf(directory)).size).toBe(size);
    for (let i = 0; i < 40; i++) await cache.save(idOf(2), Buffer.alloc(100_000, String(i)));
    expect(statSync(fileOf(directory)).size).toBeLessThan(2_000_000);
    expect(Buffer.from((await cache.load(idOf(2)))!).toString()).toBe(Buffer.alloc(100_000, '39').toString());
    expect(Buffer.from((await cache.load(idOf(1)))!).toString()).toBe('same');
  });

  test('remembers what was seen', async () => {
    const directory = scratchFolder();
    await openRecordCache(directory, 's').saveSighting(sighting);
    expect(await openRecordCache(directory, 's').sighting()).toEqual(sighting);
    expect(await openRecordCache(directory, 't').sighting()).toBeNull();
  });
});

describe('a damaged record cache (K19)', () => {
  test('cut at any byte gives whole records only, and takes new ones', async () => {
    const directory = scratchFolder();
    const records = new Map([1, 2, 3].map((n) => [idOf(n), bytesOf(`record ${n}`)]));
    await openRecordCache(directory, 's').saveAll(records);
    const whole = readFileSync(fileOf(directory));
    for (let size = 0; size <= whole.length; size++) {
      writeFileSync(fileOf(directory), whole.subarray(0, size));
      const cache = openRecordCache(directory, 's');
      for (const [id, bytes] of await cache.loadAll()) expect(Buffer.from(bytes)).toEqual(records.get(id));
      await cache.save(idOf(9), bytesOf('nine'));
      expect(plain(await openRecordCache(directory, 's').loadAll())[idOf(9)]).toBe('nine');
    }
  });

  test('with any byte changed never gives a record that is not the one saved', async () => {
    const directory = scratchFolder();
    const records = new Map([1, 2].map((n) => [idOf(n), bytesOf(`record ${n}`)]));
    await openRecordCache(directory, 's').saveAll(records);
    const whole = readFileSync(fileOf(directory));
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = flipped[at]! ^ 1;
      writeFileSync(fileOf(directory), flipped);
      const cache = openRecordCache(directory, 's');
      // A changed id is caught where the record is decoded: it must be the id inside.
      for (const bytes of (await cache.loadAll()).values()) {
        expect([...records.values()]).toContainEqual(Buffer.from(bytes));
      }
    }
  });

  test('changed behind its back gives null rather than other bytes', async () => {
    const directory = scratchFolder();
    const cache = openRecordCache(directory, 's');
    await cache.save(idOf(1), bytesOf('record'));
    appendFileSync(fileOf(directory), 'garbage');
    expect(plain(await cache.loadAll())).toEqual({ [idOf(1)]: 'record' });
    writeFileSync(fileOf(directory), '');
    expect(await cache.load(idOf(1))).toBeNull();
  });

  test.each([
    '',
    '{',
    '[]',
    '{"format":1}',
    JSON.stringify({ ...sighting, generation: -1 }),
    JSON.stringify({ ...sighting, snapshotIds: ['../x'] }),
  ])('sighting %j counts as none', async (text) => {
    const directory = scratchFolder();
    const cache = openRecordCache(directory, 's');
    await cache.saveSighting(sighting);
    writeFileSync(join(fileOf(directory), '..', 'sighting.json'), text);
    expect(await cache.sighting()).toBeNull();
  });
});
