import type { Label, ObjectId, Sha256, SnapshotId } from '../../src/model/ids.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';

export const sampleId = '2026-04-16T12:00:00Z-pre-quorum-rewrite' as SnapshotId;

/** 40 hex digits made of one digit. */
export function objectIdOf(digit: string): ObjectId {
  return digit.repeat(40) as ObjectId;
}

/** 64 hex digits made of one digit. */
export function sha256Like(digit: string): Sha256 {
  return digit.repeat(64) as Sha256;
}

/** A record with every kind of field in use. */
export function sampleRecord(changes: Partial<SnapshotRecord> = {}): SnapshotRecord {
  const id = changes.id ?? sampleId;
  return {
    id,
    label: 'pre-quorum rewrite' as Label,
    kind: 'manual',
    takenAt: '2026-04-16T12:00:00.123Z',
    durationMs: 1840,
    vault: { id: 'f3a9c1d2e4b5a697', name: 'notes' },
    machine: { id: '0123456789abcdef', name: 'laptop', user: 'ada' },
    writer: '0.1.0',
    commit: objectIdOf('a'),
    tree: objectIdOf('b'),
    metadata: objectIdOf('c'),
    packs: [
      {
        key: `snapshots/${id}/pack-${objectIdOf('d')}.pack`,
        sizeBytes: 48_213,
        sha256: sha256Like('1'),
        indexSizeBytes: 1_436,
        indexSha256: sha256Like('2'),
        objectCount: 12,
      },
    ],
    base: '2026-04-15T18:30:00Z-auto-laptop' as SnapshotId,
    chain: { sequence: 41, previous: sha256Like('3') },
    counts: {
      files: 1204,
      folders: 88,
      links: 3,
      sizeBytes: 9_120_331,
      added: 4,
      changed: 2,
      removed: 1,
      storedBytes: 49_649,
    },
    complete: false,
    problems: [
      { path: 'drafts/caf\xc3\xa9 "one".md', code: 'unreadable_file', message: 'permission denied' },
      { path: 'odd/\xff\xfe\n name', code: 'unstable', message: 'changed while it was read' },
    ],
    notices: [
      { code: 'special_file', message: '1 fifo recorded, content not applicable', count: 1 },
      { code: 'versioning_off', message: 'earlier versions are not kept' },
    ],
    ledger: [
      {
        path: 'node_modules/',
        reason: 'gitignore',
        source: '.gitignore:3',
        fileCount: 812,
        sizeBytes: 10_000_000,
        atLeast: true,
      },
      { path: '.env', reason: 'secret', source: '', fileCount: 1, sizeBytes: 91, atLeast: false },
    ],
    git: {
      head: objectIdOf('e'),
      branch: 'refs/heads/main',
      refs: [
        { name: 'refs/heads/main', id: objectIdOf('e') },
        { name: 'refs/heads/na\xefve', id: objectIdOf('f') },
        { name: 'refs/stash', id: objectIdOf('0') },
      ],
      extraRoots: [objectIdOf('9')],
      shallow: [],
      operations: ['rebase'],
      historyComplete: true,
    },
    ...changes,
  };
}
