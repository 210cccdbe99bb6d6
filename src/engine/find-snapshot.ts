import { HoldfastError } from '../model/errors.ts';
import { snapshotIdOfFolderName } from '../format/store-layout.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { When } from '../model/when.ts';

const suggestionsMax = 3;

/**
 * Chooses the restore point a person means: its id (also as written on disk, or the beginning of one id only), its
 * label, `latest` or `latest~2`, or a time: then the newest point taken at or before it. `points` are newest first.
 * @throws {HoldfastError} `snapshot_unknown` (naming near ones), `when_invalid` when the text fits several points
 */
export function findSnapshot(points: readonly RestorePoint[], when: When): RestorePoint {
  if (points.length === 0) {
    throw new HoldfastError('store_empty', 'There is no snapshot yet.', {
      hint: 'Take the first one with: holdfast snapshot',
    });
  }
  return (
    byId(points, when) ??
    byLabel(points, when) ??
    byCount(points, when) ??
    byTime(points, when) ??
    failUnknown(points, when)
  );
}

function byId(points: readonly RestorePoint[], when: When): RestorePoint | null {
  const id = snapshotIdOfFolderName(when.raw) ?? when.raw;
  const exact = points.find((point) => point.record.id === id);
  if (exact !== undefined) return exact;
  if (when.raw.length < 'yyyy-mm-ddThh:mm:ssZ'.length) return null;
  const begun = points.filter((point) => point.record.id.startsWith(id));
  if (begun.length > 1) failAmbiguous(begun, when, 'begins the ids of');
  return begun[0] ?? null;
}

function byLabel(points: readonly RestorePoint[], when: When): RestorePoint | null {
  const labelled = points.filter((point) => point.record.label === when.raw);
  // Automatic labels repeat by design: the newest is meant. A label a person chose twice is not ours to guess.
  if (labelled.length > 1 && labelled[0]!.record.kind !== 'auto' && labelled[0]!.record.label !== 'manual') {
    failAmbiguous(labelled, when, 'is the label of');
  }
  return labelled[0] ?? null;
}

function byCount(points: readonly RestorePoint[], when: When): RestorePoint | null {
  if (when.latestMinus === null) return null;
  const point = points[when.latestMinus];
  if (point !== undefined) return point;
  throw new HoldfastError('snapshot_unknown', `There are only ${points.length} snapshots.`, {
    hint: 'See them with: holdfast list',
  });
}

function byTime(points: readonly RestorePoint[], when: When): RestorePoint | null {
  if (when.time === null) return null;
  const wanted = when.time.getTime();
  const point = points.find((candidate) => Date.parse(candidate.record.takenAt) <= wanted);
  if (point !== undefined) return point;
  const oldest = points.at(-1)!;
  throw new HoldfastError(
    'snapshot_unknown',
    `No snapshot is as old as ${when.time.toISOString()}; the oldest is "${oldest.record.id}".`,
    {
      hint: `To take the oldest: ${oldest.record.id}`,
      data: { nearest: [oldest.record.id] },
    },
  );
}

function failAmbiguous(found: readonly RestorePoint[], when: When, relation: string): never {
  const ids = found.map((point) => point.record.id);
  throw new HoldfastError('when_invalid', `${JSON.stringify(when.raw)} ${relation} ${found.length} snapshots.`, {
    hint: `Name one by its id: ${ids.slice(0, suggestionsMax).join(', ')}${ids.length > suggestionsMax ? ', ...' : ''}`,
    data: { matches: ids },
  });
}

function failUnknown(points: readonly RestorePoint[], when: When): never {
  const wanted = when.raw.toLowerCase();
  const near = points
    .filter((point) => point.record.id.includes(wanted) || point.record.label.toLowerCase().includes(wanted))
    .slice(0, suggestionsMax)
    .map((point) => point.record.id);
  const hint = near.length > 0 ? `Did you mean: ${near.join(', ')}` : 'See all of them with: holdfast list';
  throw new HoldfastError(
    'snapshot_unknown',
    `No snapshot is called ${JSON.stringify(when.raw)}, and it is not a time.`,
    {
      hint,
      data: { nearest: near },
    },
  );
}
