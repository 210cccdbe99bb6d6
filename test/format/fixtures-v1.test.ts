import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSnapshotIndex } from '../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { openSpool } from '../../src/adapters/spool/open-spool.ts';
import { chunksMark, readStoredName } from '../../src/format/chunked-name.ts';
import { decodeMetadataLines } from '../../src/format/metadata-node.ts';
import { decodeRecord, encodeRecord } from '../../src/format/snapshot-record.ts';
import { decodeStoreHeader, encodeStoreHeader } from '../../src/format/store-header.ts';
import { snapshotIdOfFolderName } from '../../src/format/store-layout.ts';
import { openGitOracle } from '../support/git-oracle.ts';
import { sampleEvents } from '../support/sample-events.ts';
import { sampleId, sampleRecord } from '../support/sample-record.ts';
import { scratchFolder } from '../support/scratch.ts';

// Bytes written by version 1 of the format. They are never regenerated: a change of format gets a folder of its own.
const fixtures = join(import.meta.dirname, '../fixtures/format/v1');

/** What the first version knew; later events are no part of what it froze. */
const firstEvents: ReadonlySet<string> = new Set([
  'init',
  'snapshot',
  'published',
  'restore',
  'verify',
  'export',
  'reindex',
  'spool_damaged',
]);

describe('what version 1 wrote', () => {
  test('a record', () => {
    const bytes = readFileSync(join(fixtures, 'snapshot.json'));
    expect(decodeRecord(bytes, sampleId)).toEqual(sampleRecord());
    expect(Buffer.from(encodeRecord(sampleRecord()))).toEqual(bytes);
  });

  test('the header of a store', () => {
    const bytes = readFileSync(join(fixtures, 'holdfast.json'));
    const header = decodeStoreHeader(bytes);
    expect(header).toEqual({
      vaultId: 'f3a9c1d2e4b5a697',
      vaultName: 'notes',
      createdAt: '2026-04-16T12:00:00.000Z',
      createdBy: 'holdfast 0.1.0',
      cipher: null,
    });
    expect(Buffer.from(encodeStoreHeader(header))).toEqual(bytes);
  });

  test('an index of two machines, which goes on', async () => {
    const path = join(scratchFolder(), 'snapshots.ndjson');
    copyFileSync(join(fixtures, 'snapshots.ndjson'), path);
    const now = (): Date => new Date('2026-05-01T00:00:00.000Z');
    const index = openSnapshotIndex({ path, machine: '0123456789abcdef', user: 'ada', now });
    const { rows, damage } = await index.read();
    expect(damage).toEqual([]);
    const frozen = sampleEvents.filter(({ event }) => firstEvents.has(event));
    expect(rows.map((row) => row.event)).toEqual([...frozen, ...frozen]);
    expect(await index.append(sampleEvents[0]!)).toMatchObject({ sequence: frozen.length + 1 });
    expect((await index.read()).damage).toEqual([]);
  });

  test('a spooled snapshot, its files moved to another disk', async () => {
    const directory = scratchFolder();
    cpSync(join(fixtures, 'spool'), directory, { recursive: true });
    const { snapshots, damaged } = await openSpool(directory, '0123456789abcdef').pending();
    expect(damaged).toEqual([]);
    expect(snapshots.map(({ sequence, record }) => [sequence, record.id])).toEqual([[1, sampleId]]);
  });

  test('a store, read with git', () => {
    const [folder] = readdirSync(join(fixtures, 'store', 'snapshots')) as [string];
    const directory = join(fixtures, 'store', 'snapshots', folder);
    const record = decodeRecord(readFileSync(join(directory, 'snapshot.json')), snapshotIdOfFolderName(folder)!);
    using oracle = openGitOracle();
    mkdirSync(oracle.packDirectory, { recursive: true });
    for (const name of readdirSync(directory).filter((file) => file.startsWith('pack-'))) {
      const bytes = readFileSync(join(directory, name));
      const [pack] = record.packs;
      const expected = name.endsWith('.pack') ? pack!.sha256 : pack!.indexSha256;
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected);
      copyFileSync(join(directory, name), join(oracle.packDirectory, name));
    }
    oracle.git(['fsck', '--full', '--strict', record.commit]);
    const names = oracle
      .git(['ls-tree', '-z', '--name-only', record.commit])
      .toString('latin1')
      .split('\0')
      .slice(0, -1);
    expect(names).toEqual([
      'drafts',
      `film.mkv${chunksMark}`,
      'link',
      `mine${chunksMark}~`,
      'notes.md',
      'private',
      'run',
    ]);
    expect(names.map((name) => readStoredName(name)).filter(({ kind }) => kind === 'chunked')).toEqual([
      { kind: 'chunked', name: 'film.mkv' },
    ]);
    expect(oracle.git(['show', `${record.commit}:notes.md`]).toString()).toBe('# Notes\r\n');
    expect(oracle.git(['log', '--format=%s', `${record.commit}^1`]).toString()).toBe('a commit of the user\n');

    const lines = decodeMetadataLines(oracle.git(['cat-file', 'blob', `${record.metadata}:folder`]));
    expect(lines.find(({ name }) => name === 'private')).toEqual({
      name: 'private',
      kind: 'file',
      mode: 0o600,
      mtimeMs: 1_776_340_800_250,
    });
    expect(lines.find(({ name }) => name === 'link')).toMatchObject({ kind: 'link', mtimeMs: -500 });
    expect(lines.find(({ name }) => name === 'film.mkv')).toMatchObject({ kind: 'chunked' });
    const drafts = decodeMetadataLines(oracle.git(['cat-file', 'blob', `${record.metadata}:=drafts/folder`]));
    expect(drafts.map(({ name, kind }) => `${kind} ${name}`).toSorted()).toEqual([
      'file c\xe9',
      'file new\nline',
      'folder empty',
    ]);
  });
});
