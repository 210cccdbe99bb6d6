import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSnapshotIndex } from '../../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { encodeIndexLine } from '../../../src/format/index-line.ts';
import type { IndexEvent } from '../../../src/model/index-row.ts';
import type { SnapshotIndex } from '../../../src/ports/snapshot-index.ts';
import { sampleEvents } from '../../support/sample-events.ts';
import { scratchFolder } from '../../support/scratch.ts';

const now = (): Date => new Date('2026-04-16T12:00:02.000Z');
const reindexed = (added: number): IndexEvent => ({ event: 'reindex', snapshots: added, added });

function open(path: string, machine = 'm1'): SnapshotIndex {
  return openSnapshotIndex({ path, machine, user: 'ada', now });
}

function newPath(): string {
  return join(scratchFolder(), 'state', 'log', 'snapshots.ndjson');
}

describe('the snapshot index', () => {
  test('has no rows and no file before the first append', async () => {
    const path = newPath();
    expect(await open(path).read()).toEqual({ rows: [], damage: [], exists: false });
  });

  test('keeps every event in order, each naming the one before', async () => {
    const index = open(newPath());
    const appended = [];
    for (const event of sampleEvents) appended.push(await index.append(event));
    const { rows, damage, exists } = await index.read();
    expect({ rows, damage, exists }).toEqual({ rows: appended, damage: [], exists: true });
    expect(rows.map((row) => row.event)).toEqual(sampleEvents);
    expect(rows.map((row) => row.sequence)).toEqual(sampleEvents.map((_, i) => i + 1));
    expect(rows.map((row) => row.previous)).toEqual([null, ...rows.slice(0, -1).map((row) => row.checksum)]);
  });

  test('takes many events with one write, as if they had come one by one', async () => {
    const [path, other] = [newPath(), newPath()];
    const together = await open(path).appendAll(sampleEvents);
    const index = open(other);
    const apart = [];
    for (const event of sampleEvents) apart.push(await index.append(event));
    expect(together).toEqual(apart);
    expect(readFileSync(path)).toEqual(readFileSync(other));
    expect(await open(path).appendAll([])).toEqual([]);
  });

  test('neither follows a link in its place nor waits for a fifo', async () => {
    const [linked, fifo] = [newPath(), newPath()];
    for (const path of [linked, fifo]) mkdirSync(join(path, '..'), { recursive: true });
    symlinkSync('/etc/hostname', linked);
    execFileSync('mkfifo', [fifo]);
    for (const path of [linked, fifo]) {
      await expect(open(path).read()).rejects.toMatchObject({ code: 'directory_unusable' });
      await expect(open(path).append(reindexed(1))).rejects.toMatchObject({ code: 'directory_unusable' });
    }
  });

  test('goes on where an earlier process stopped, per machine', async () => {
    const path = newPath();
    await open(path, 'm1').append(reindexed(1));
    await open(path, 'm2').append(reindexed(2));
    await open(path, 'm2').append(reindexed(3));
    const first = open(path, 'm1');
    await first.append(reindexed(4));
    await open(path, 'm2').append(reindexed(5));
    await first.append(reindexed(6));
    const { rows, damage } = await first.read();
    expect(damage).toEqual([]);
    expect(rows.map((row) => `${row.machine} ${row.sequence}`)).toEqual([
      'm1 1',
      'm2 1',
      'm2 2',
      'm1 2',
      'm2 3',
      'm1 3',
    ]);
  });

  test('finds the end of its chain behind megabytes of another machine', async () => {
    const path = newPath();
    await open(path, 'm1').append(reindexed(1));
    const other = open(path, 'm2');
    await other.append({ event: 'spool_damaged', directory: 'x', reason: 'y'.repeat(60_000) });
    for (let i = 0; i < 20; i++)
      await other.append({ event: 'spool_damaged', directory: 'x', reason: 'z'.repeat(60_000) });
    expect(await open(path, 'm1').append(reindexed(2))).toMatchObject({ sequence: 2 });
    expect(await open(path, 'm3').append(reindexed(3))).toMatchObject({ sequence: 1, previous: null });
    expect((await other.read()).damage).toEqual([]);
  });

  test('notices rows that were taken out or changed', async () => {
    const path = newPath();
    const index = open(path);
    for (let i = 1; i <= 4; i++) await index.append(reindexed(i));
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [lines[0], lines[1], lines[3], ''].join('\n'));
    expect((await index.read()).damage).toEqual([
      { line: 3, reason: 'row 3 of machine m1, before this one, is missing' },
    ]);
    writeFileSync(path, lines.join('\n').replace('"added":2', '"added":9'));
    expect((await index.read()).damage.map(({ line }) => line)).toEqual([2, 3]);
  });

  test('is a plain file: a link, a folder or a link as its folder is refused', async () => {
    const root = scratchFolder();
    writeFileSync(join(root, 'target'), 'mine');
    symlinkSync(join(root, 'target'), join(root, 'linked.ndjson'));
    mkdirSync(join(root, 'folder.ndjson'));
    mkdirSync(join(root, 'real'));
    symlinkSync(join(root, 'real'), join(root, 'log'));
    await expect(open(join(root, 'linked.ndjson')).append(reindexed(1))).rejects.toMatchObject({
      code: 'directory_unusable',
    });
    await expect(open(join(root, 'folder.ndjson')).append(reindexed(1))).rejects.toMatchObject({ kind: 'local' });
    await expect(open(join(root, 'log', 'x.ndjson')).append(reindexed(1))).rejects.toMatchObject({
      code: 'directory_unusable',
    });
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('mine');
  });

  test('says so when it cannot be written', async () => {
    const path = newPath();
    const index = open(path);
    await index.append(reindexed(1));
    chmodSync(path, 0o400);
    if (process.getuid?.() === 0) return;
    await expect(index.append(reindexed(2))).rejects.toMatchObject({ code: 'read_only' });
  });

  test('refuses to write a row it could not read back', async () => {
    const index = open(newPath());
    await expect(index.append(reindexed(-1))).rejects.toMatchObject({ code: 'invariant_broken' });
    expect((await index.read()).rows).toEqual([]);
  });

  test('reads a hundred thousand rows', async () => {
    const path = newPath();
    const index = open(path);
    let { checksum: previous, sequence } = await index.append(reindexed(1));
    const lines: Buffer[] = [];
    const base = { at: now().toISOString(), machine: 'm1', user: 'ada' };
    while (lines.length < 100_000) {
      const { line, checksum } = encodeIndexLine({ ...base, sequence: ++sequence, previous, event: sampleEvents[1]! });
      lines.push(line);
      previous = checksum;
    }
    appendFileSync(path, Buffer.concat(lines));
    const { rows, damage } = await index.read();
    expect(rows.length).toBe(100_001);
    expect(damage).toEqual([]);
    expect(await index.append(reindexed(2))).toMatchObject({ sequence: 100_002, previous });
  });
});
