import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSpool } from '../../../src/adapters/spool/open-spool.ts';
import { encodeRecord } from '../../../src/format/snapshot-record.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import { draftWithPack, spoolSample } from '../../support/spool-sample.ts';
import { sampleId } from '../../support/sample-record.ts';
import { scratchFolder } from '../../support/scratch.ts';

const otherId = '2026-04-16T12:00:00Z-pre-quorum-rewrite-2' as SnapshotId;

describe('the spool', () => {
  test('returns what was captured, in the order of capture, byte for byte', async () => {
    const directory = scratchFolder();
    const spool = openSpool(directory, 'm1');
    // The later capture has the smaller id: a clock that went back must not change the order.
    const first = await spoolSample(spool, { id: otherId });
    const second = await spoolSample(spool, { id: sampleId });
    for (const opened of [spool, openSpool(directory, 'm1')]) {
      const { snapshots, damaged } = await opened.pending();
      expect(damaged).toEqual([]);
      expect(snapshots).toEqual([first, second]);
    }
    expect(readdirSync(directory)).toEqual([
      '000000000001-2026-04-16T12-00-00Z-pre-quorum-rewrite-2',
      '000000000002-2026-04-16T12-00-00Z-pre-quorum-rewrite',
    ]);
    expect(Buffer.from(first.recordBytes)).toEqual(Buffer.from(encodeRecord(first.record)));
  });

  test('is private', async () => {
    const spool = openSpool(scratchFolder(), 'm1');
    const { directory } = await spoolSample(spool);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.json'))) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('removes a draft that is left without being finished', async () => {
    const directory = scratchFolder();
    const spool = openSpool(directory, 'm1');
    {
      await using draft = await spool.begin();
      writeFileSync(join(draft.directory, 'half.pack'), 'x');
      expect((await spool.pending()).snapshots).toEqual([]);
      expect(await spool.sweep()).toBe(0);
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test('keeps a finished draft when its scope ends', async () => {
    const spool = openSpool(scratchFolder(), 'm1');
    {
      await using draft = await spool.begin();
      const { record } = draftWithPack(draft.directory);
      await draft.finish(record, encodeRecord(record));
    }
    expect((await spool.pending()).snapshots.length).toBe(1);
  });

  test('does not keep a record whose packs are not there', async () => {
    const directory = scratchFolder();
    const spool = openSpool(directory, 'm1');
    {
      await using draft = await spool.begin();
      const { record, packPath } = draftWithPack(draft.directory);
      writeFileSync(packPath, 'short');
      await expect(draft.finish(record, encodeRecord(record))).rejects.toMatchObject({ code: 'invariant_broken' });
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test('removes what was published, and starts again', async () => {
    const directory = scratchFolder();
    const spool = openSpool(directory, 'm1');
    const first = await spoolSample(spool);
    const second = await spoolSample(spool, { id: otherId });
    await spool.remove(first);
    expect((await spool.pending()).snapshots).toEqual([second]);
    await spool.remove(second);
    expect(readdirSync(directory)).toEqual([]);
    expect((await spoolSample(spool)).sequence).toBe(1);
  });

  test('takes another id for a snapshot that waits, in its place of the queue', async () => {
    const directory = scratchFolder();
    const spool = openSpool(directory, 'm1');
    const first = await spoolSample(spool);
    const second = await spoolSample(spool, { id: '2026-04-16T12:00:01Z-next' as SnapshotId });
    const packs = first.record.packs.map((pack) => ({ ...pack, key: pack.key.replace(sampleId, otherId) }));
    const record = { ...first.record, id: otherId, packs };
    const rewritten = await spool.rewrite(first, record, encodeRecord(record));
    expect(rewritten).toMatchObject({ sequence: 1, record });
    expect(basename(rewritten.directory)).toBe('000000000001-2026-04-16T12-00-00Z-pre-quorum-rewrite-2');
    expect((await openSpool(directory, 'm1').pending()).snapshots).toEqual([rewritten, second]);
    expect(readdirSync(rewritten.directory).filter((name) => name.startsWith('snapshot-')).length).toBe(1);
  });

  test('shows snapshots of another machine that shares the folder, and leaves its drafts alone', async () => {
    const directory = scratchFolder();
    const theirs = openSpool(directory, 'm2');
    const waiting = await spoolSample(theirs);
    mkdirSync(join(directory, 'draft-m2-99999999-0123456789ab'));
    const ours = openSpool(directory, 'm1');
    expect(await ours.sweep()).toBe(0);
    expect((await ours.pending()).snapshots).toEqual([waiting]);
  });

  test('reads the bytes of a pack again only when its identity changed', async () => {
    const directory = scratchFolder();
    const { directory: entry } = await spoolSample(openSpool(directory, 'm1'));
    const pack = readdirSync(entry).find((name) => name.endsWith('.pack'))!;
    const bytes = readFileSync(join(entry, pack));
    // The same bytes written anew, as by a restored backup: another identity, still whole.
    writeFileSync(join(entry, pack), bytes);
    const spool = openSpool(directory, 'm1');
    expect((await spool.pending()).damaged).toEqual([]);
    expect((await spool.pending()).snapshots.length).toBe(1);
    expect(createHash('sha256').update(bytes).digest('hex')).toHaveLength(64);
  });
});
