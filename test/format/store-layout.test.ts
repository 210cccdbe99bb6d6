import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  condemnedKey,
  consolidatedPackKey,
  fileNameOfPackKey,
  folderNameOfSnapshotId,
  goneKey,
  hashOfPackKey,
  isPackKey,
  leaseKey,
  logKey,
  markKey,
  packIndexKey,
  parseStoreKey,
  recordKey,
  snapshotIdOfFolderName,
  snapshotPackKey,
} from '../../src/format/store-layout.ts';
import { makeSnapshotId, slugOfLabel } from '../../src/model/ids.ts';
import { sampleId as id } from '../support/sample-record.ts';

const hash = 'd'.repeat(40);

describe('the keys of a store', () => {
  test('are the documented ones, and parse back', () => {
    const keys: [string, unknown][] = [
      ['holdfast.json', { kind: 'header' }],
      ['RESTORE.md', { kind: 'guide' }],
      ['decrypt.mjs', { kind: 'decryptor' }],
      [recordKey(id), { kind: 'record', id }],
      [snapshotPackKey(id, hash), { kind: 'pack', id, hash }],
      [packIndexKey(snapshotPackKey(id, hash)), { kind: 'index', id, hash }],
      [consolidatedPackKey(hash), { kind: 'pack', id: null, hash }],
      [packIndexKey(consolidatedPackKey(hash)), { kind: 'index', id: null, hash }],
      [condemnedKey('2026-04-16T12:00:00Z-1a2b'), { kind: 'condemned', plan: '2026-04-16T12:00:00Z-1a2b' }],
      [goneKey('2026-04-16T12:00:00Z-1a2b'), { kind: 'gone', plan: '2026-04-16T12:00:00Z-1a2b' }],
      [leaseKey(7), { kind: 'lease', epoch: 7 }],
      [markKey(id, 3, 'pin'), { kind: 'mark', id, number: 3, mark: 'pin' }],
      [logKey('0123456789abcdef', '2026-04'), { kind: 'log', machine: '0123456789abcdef', month: '2026-04' }],
      ['live/a/b.md', { kind: 'live', path: 'a/b.md' }],
    ];
    for (const [key, parsed] of keys) expect(parseStoreKey(key)).toEqual(parsed);
    expect(keys.map(([key]) => key)).toMatchInlineSnapshot(`
      [
        "holdfast.json",
        "RESTORE.md",
        "decrypt.mjs",
        "snapshots/2026-04-16T12:00:00Z-pre-quorum-rewrite/snapshot.json",
        "snapshots/2026-04-16T12:00:00Z-pre-quorum-rewrite/pack-dddddddddddddddddddddddddddddddddddddddd.pack",
        "snapshots/2026-04-16T12:00:00Z-pre-quorum-rewrite/pack-dddddddddddddddddddddddddddddddddddddddd.idx",
        "packs/pack-dddddddddddddddddddddddddddddddddddddddd.pack",
        "packs/pack-dddddddddddddddddddddddddddddddddddddddd.idx",
        "condemned/2026-04-16T12:00:00Z-1a2b.json",
        "condemned/2026-04-16T12:00:00Z-1a2b.gone",
        "condemned/prune-lease.000007",
        "snapshots/2026-04-16T12:00:00Z-pre-quorum-rewrite/mark-0003-pin.json",
        "logs/0123456789abcdef/2026-04.ndjson",
        "live/a/b.md",
      ]
    `);
  });

  test.each([
    '',
    '/',
    'snapshots',
    'snapshots/',
    `snapshots/${id}`,
    `snapshots/${id}/`,
    `/snapshots/${id}/snapshot.json`,
    `snapshots//snapshot.json`,
    `snapshots/../snapshot.json`,
    `snapshots/${id}/../snapshot.json`,
    `snapshots/${id}/snapshot.json/`,
    `snapshots/${id}/Snapshot.json`,
    `snapshots/${id}/snapshot.json.tmp`,
    `snapshots/${id.toLowerCase()}/snapshot.json`,
    `snapshots/${id}/pack-${'D'.repeat(40)}.pack`,
    `snapshots/${id}/pack-${'d'.repeat(39)}.pack`,
    `snapshots/${id}/pack-${'d'.repeat(64)}.pack`,
    `snapshots/${id}/pack-${hash}.pack\n`,
    `snapshots/${id}\u0000/snapshot.json`,
    `packs/${id}/pack-${hash}.pack`,
    'packs/pack-.pack',
    'condemned/.json',
    'condemned/../x.json',
    'logs/0123/2026-13.ndjson',
    'logs/../2026-04.ndjson',
    'live/',
    'README.md',
    'other/holdfast.json',
  ])('%j is foreign', (key) => {
    expect(parseStoreKey(key)).toBeNull();
    expect(isPackKey(key)).toBe(false);
  });

  test('never parse into something that is not the same key', () => {
    const part = fc.constantFrom(
      'snapshots',
      'packs',
      'logs',
      'condemned',
      id,
      `pack-${hash}.pack`,
      'x',
      '..',
      '',
      '2026-04.ndjson',
      'snapshot.json',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const key = parts.join('/');
        expect([null, key]).toContain(rebuilt(parseStoreKey(key)));
      }),
    );
  });

  test('take pack names apart', () => {
    expect(hashOfPackKey(snapshotPackKey(id, hash))).toBe(hash);
    expect(fileNameOfPackKey(consolidatedPackKey(hash))).toBe(`pack-${hash}.pack`);
  });
});

describe('the folder of a snapshot on disk', () => {
  test('has no colon, and leads back to the id', () => {
    expect(folderNameOfSnapshotId(id)).toBe('2026-04-16T12-00-00Z-pre-quorum-rewrite');
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
        fc.string(),
        (taken, label) => {
          const made = makeSnapshotId(taken, slugOfLabel(label), 1);
          expect(snapshotIdOfFolderName(folderNameOfSnapshotId(made))).toBe(made);
        },
      ),
    );
  });

  test.each(['', 'x', '2026-04-16T12-00-00Z', '2026-04-16T12-00-00Z-', '2026-04-16T12-00-00Z-../x', id])(
    '%j is none',
    (name) => expect(snapshotIdOfFolderName(name)).toBeNull(),
  );
});

/** The key a parsed key stands for; null for a foreign one. */
function rebuilt(parsed: ReturnType<typeof parseStoreKey>): string | null {
  if (parsed?.kind === 'record') return recordKey(parsed.id);
  if (parsed?.kind === 'log') return logKey(parsed.machine, parsed.month);
  if (parsed?.kind !== 'pack') return null;
  return parsed.id === null ? consolidatedPackKey(parsed.hash) : snapshotPackKey(parsed.id, parsed.hash);
}
