import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRecord } from '../../src/format/snapshot-record.ts';
import { snapshotPackKey } from '../../src/format/store-layout.ts';
import type { Sha256, SnapshotId } from '../../src/model/ids.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';
import type { Spool, SpooledSnapshot } from '../../src/ports/spool.ts';
import { sampleId, sampleRecord } from './sample-record.ts';

const hash = 'd'.repeat(40);

/** Writes a stand-in for a pack and its index into a draft and returns a record that names them. */
export function draftWithPack(
  directory: string,
  { id = sampleId, size = 3000 }: { id?: SnapshotId; size?: number } = {},
): { record: SnapshotRecord; packPath: string } {
  const pack = Buffer.alloc(size, id);
  const index = Buffer.alloc(100, 'index');
  const packPath = join(directory, `pack-${hash}.pack`);
  writeFileSync(packPath, pack);
  writeFileSync(join(directory, `pack-${hash}.idx`), index);
  const ref = {
    key: snapshotPackKey(id, hash),
    sizeBytes: pack.length,
    sha256: createHash('sha256').update(pack).digest('hex') as Sha256,
    indexSizeBytes: index.length,
    indexSha256: createHash('sha256').update(index).digest('hex') as Sha256,
    objectCount: 1,
  };
  return { record: sampleRecord({ id, packs: [ref] }), packPath };
}

/** Captures one snapshot with one pack into the spool. */
export async function spoolSample(spool: Spool, options: { id?: SnapshotId } = {}): Promise<SpooledSnapshot> {
  await using draft = await spool.begin();
  const { record } = draftWithPack(draft.directory, options);
  return await draft.finish(record, encodeRecord(record));
}
