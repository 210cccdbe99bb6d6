import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSnapshotIndex } from '../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { openSpool } from '../../src/adapters/spool/open-spool.ts';
import { encodeRecord } from '../../src/format/snapshot-record.ts';
import { isHoldfastError } from '../../src/model/errors.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import type { SpooledSnapshot } from '../../src/ports/spool.ts';
import { type FailAt, withFailingFs } from '../support/failing-fs.ts';
import { sampleId } from '../support/sample-record.ts';
import { scratchFolder } from '../support/scratch.ts';
import { spoolSample } from '../support/spool-sample.ts';

const otherId = '2026-04-16T12:00:00Z-pre-quorum-rewrite-2' as SnapshotId;
const stepsMax = 200;

/** What the caller was told before the interruption. */
interface Told {
  captured: SpooledSnapshot | null;
  rewriting: boolean;
  removing: boolean;
  ended: boolean;
  error: unknown;
}

/** Captures, takes another id, and removes, until interrupted. */
async function lifeOfEntry(directory: string, failAt: FailAt): Promise<Told> {
  const told: Told = { captured: null, rewriting: false, removing: false, ended: false, error: null };
  try {
    await withFailingFs(failAt, async () => {
      const spool = openSpool(directory, 'm1');
      told.captured = await spoolSample(spool);
      told.rewriting = true;
      const packs = told.captured.record.packs.map((pack) => ({ ...pack, key: pack.key.replace(sampleId, otherId) }));
      const record = { ...told.captured.record, id: otherId, packs };
      const rewritten = await spool.rewrite(told.captured, record, encodeRecord(record));
      told.removing = true;
      await spool.remove(rewritten);
      told.ended = true;
    });
  } catch (error) {
    told.error = error;
  }
  return told;
}

/** Which snapshots may wait after an interruption: what was acknowledged, before or after the step it hit. */
function allowedAfter(told: Told): SnapshotId[][] {
  if (told.captured === null) return [[], [sampleId]];
  if (!told.rewriting) return [[sampleId]];
  return told.removing ? [[otherId], []] : [[sampleId], [otherId]];
}

describe.each(['from then on', 'once'] as const)('a spool whose disk fails %s', (how) => {
  test('at any step of capture, rename and removal, keeps what was acknowledged and shows nothing half (Q02, Q03)', async () => {
    let call = 1;
    for (; call < stepsMax; call++) {
      const directory = scratchFolder();
      const told = await lifeOfEntry(directory, { call, how });
      const spool = openSpool(directory, 'm1');
      const { snapshots, damaged } = await spool.pending();
      expect(damaged).toEqual([]);
      const ids = snapshots.map(({ record }) => record.id);
      expect(allowedAfter(told)).toContainEqual(ids);
      for (const { record, recordBytes } of snapshots)
        expect(Buffer.from(recordBytes)).toEqual(Buffer.from(encodeRecord(record)));

      // The next run cleans up, and goes on.
      await spool.sweep();
      for (const snapshot of snapshots) await spool.remove(snapshot);
      expect(readdirSync(directory)).toEqual([]);
      if (told.ended) break;
      expect(told.error).not.toBeNull();
    }
    expect(call).toBeGreaterThan(20);
    expect(call).toBeLessThan(stepsMax);
  });
});

describe('an error of the system', () => {
  test.each([
    ['ENOSPC', 'disk_full'],
    ['EIO', 'local_io'],
    ['EROFS', 'read_only'],
  ])('%s is reported as %s, never acknowledged (Q04, Q16)', async (code, expected) => {
    for (let call = 1; call < stepsMax; call++) {
      const told = await lifeOfEntry(scratchFolder(), { call, how: 'once', code });
      if (told.ended) return;
      // The stand-in for a pack is written by the test itself, and fails as it is.
      const { error } = told;
      expect([code, expected]).toContain(isHoldfastError(error) ? error.code : (error as NodeJS.ErrnoException).code);
    }
    throw new Error('never ended');
  });
});

describe('an index whose disk fails', () => {
  test('at any step keeps the rows it had, and goes on (Q04, Q16)', async () => {
    const now = (): Date => new Date('2026-04-16T12:00:02.000Z');
    for (let call = 1; call < stepsMax; call++) {
      const path = join(scratchFolder(), 'log', 'snapshots.ndjson');
      const index = openSnapshotIndex({ path, machine: 'm1', user: 'ada', now });
      const append = async (added: number): Promise<unknown> => index.append({ event: 'reindex', snapshots: 0, added });
      const told: unknown[] = [];
      const calls = await withFailingFs({ call, how: 'once', code: 'EIO' }, async () => {
        for (const added of [1, 2, 3]) told.push(await append(added).catch(() => null));
      });
      const acknowledged = told.filter((row) => row !== null);
      const { rows, damage } = await index.read();
      expect(damage).toEqual([]);
      expect(rows).toEqual(expect.arrayContaining(acknowledged));
      expect(await append(4)).toMatchObject({ sequence: rows.length + 1 });
      if (calls < call) return;
      expect(acknowledged.length).toBe(2);
    }
    throw new Error('never ended');
  });
});
