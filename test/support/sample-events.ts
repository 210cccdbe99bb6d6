import type { IndexEvent } from '../../src/model/index-row.ts';
import type { Label } from '../../src/model/ids.ts';
import { objectIdOf, sampleId, sha256Like } from './sample-record.ts';

/** One event of every kind. */
export const sampleEvents: readonly IndexEvent[] = [
  {
    event: 'init',
    store: 's3://bucket/notes',
    vaultId: 'f3a9c1d2e4b5a697',
    versioning: 'on',
  },
  {
    event: 'snapshot',
    id: sampleId,
    label: 'pre-quorum “rewrite”' as Label,
    kind: 'manual',
    takenAt: '2026-04-16T12:00:00.123Z',
    where: 'local',
    complete: true,
    files: 1204,
    sizeBytes: 9_120_331,
    storedBytes: 49_649,
    added: 4,
    changed: 2,
    removed: 1,
    durationMs: 1840,
    recordSha256: sha256Like('4'),
    rebuilt: true,
  },
  { event: 'published', id: sampleId, recordSha256: sha256Like('4') },
  {
    event: 'restore',
    id: sampleId,
    path: 'caf\xc3\xa9/\xff',
    into: '_restore/2026-04-16T12-00-00Z-pre-quorum-rewrite',
    files: 3,
    sizeBytes: 1200,
    complete: true,
    durationMs: 12.5,
  },
  {
    event: 'verify',
    depth: 'new',
    snapshots: 41,
    packs: 2,
    readBytes: 49_649,
    findings: 0,
    durationMs: 210,
    proved: [`snapshots/${sampleId}/pack-${objectIdOf('d')}.pack`],
  },
  { event: 'export', id: sampleId, sizeBytes: 4096 },
  { event: 'reindex', snapshots: 41, added: 1 },
  { event: 'pin', id: sampleId, pinned: true, reason: 'for the audit' },
  { event: 'spool_damaged', directory: 'damaged-000000000001-x', reason: 'a file is missing' },
];
