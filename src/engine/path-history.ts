import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { isDamage } from './read-many.ts';
import { openTreeReader, type SnapshotEntry, type TreeReader } from './read-tree.ts';

/** A run of restore points, one after the other in time, in which a path was the same. */
export interface PathVersion {
  /** Null: the path was not there. */
  readonly entry: SnapshotEntry | null;
  /** First and last point of the run. */
  readonly since: RestorePoint;
  readonly until: RestorePoint;
  readonly pointCount: number;
}

export interface PathHistory {
  /** Newest first. Times the path was not there are versions, too, except before it first was. */
  readonly versions: readonly PathVersion[];
  /** Points whose trees are damaged where the path lies: nothing is known of it there. */
  readonly unreadable: readonly RestorePoint[];
}

/**
 * Lists every distinct version of one path across restore points. Folders that several points share are read once, all points
 * of one depth in few requests.
 */
export async function readPathHistory(
  reader: ObjectReader,
  options: { points: readonly RestorePoint[]; path: ByteString; signal?: AbortSignal | undefined },
): Promise<PathHistory> {
  const { points, path, signal } = options;
  const trees = openTreeReader(reader, { signal });
  const names = path === '' ? [] : path.split('/');
  // By root tree: many snapshots differ elsewhere, and some do not differ at all.
  const found = await resolveAll(trees, { roots: new Set(points.map((point) => point.record.tree)), names, signal });

  const versions: { entry: SnapshotEntry | null; since: RestorePoint; until: RestorePoint; pointCount: number }[] = [];
  const unreadable: RestorePoint[] = [];
  for (const point of points.toReversed()) {
    const entry = found.get(point.record.tree);
    if (entry === undefined) {
      unreadable.push(point);
      continue;
    }
    const last = versions.at(-1);
    if (last === undefined && entry === null) continue;
    if (last !== undefined && isSame(last.entry, entry)) {
      last.until = point;
      last.pointCount++;
    } else {
      versions.push({ entry, since: point, until: point, pointCount: 1 });
    }
  }
  return { versions: versions.reverse(), unreadable };
}

/** What a path is below each root; roots whose folders cannot be read are not in the answer. */
async function resolveAll(
  trees: TreeReader,
  options: { roots: ReadonlySet<ObjectId>; names: readonly ByteString[]; signal: AbortSignal | undefined },
): Promise<Map<ObjectId, SnapshotEntry | null>> {
  const at = new Map<ObjectId, SnapshotEntry | null>();
  for (const root of options.roots) at.set(root, { name: '', kind: 'folder', id: root });
  for (const name of options.names) {
    options.signal?.throwIfAborted();
    const folders = new Set<ObjectId>();
    for (const entry of at.values()) if (entry?.kind === 'folder') folders.add(entry.id);
    await trees.prefetch(folders);
    for (const [root, entry] of at) {
      const below = await childOf(trees, entry, name);
      if (below === undefined) at.delete(root);
      else at.set(root, below);
    }
  }
  return at;
}

/** Undefined when the folder is damaged. */
async function childOf(
  trees: TreeReader,
  entry: SnapshotEntry | null,
  name: ByteString,
): Promise<SnapshotEntry | null | undefined> {
  if (entry?.kind !== 'folder') return null;
  try {
    return (await trees.folder(entry.id)).find((child) => child.name === name) ?? null;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function isSame(a: SnapshotEntry | null, b: SnapshotEntry | null): boolean {
  return a?.id === b?.id && a?.kind === b?.kind;
}
