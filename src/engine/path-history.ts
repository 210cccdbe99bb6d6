import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { GitObject, ObjectReader } from '../ports/object-reader.ts';
import { findInTree, type WantedName, wantedName } from './find-in-tree.ts';
import { isDamage, readMany } from './read-many.ts';
import type { SnapshotEntry } from './read-tree.ts';

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

// Few enough to be kept in memory while they are looked at, enough to be read with few requests.
const foldersAtOnce = 256;

/**
 * Lists every distinct version of one path across restore points. Folders that several points share are read once, all points
 * of one depth in few requests.
 */
export async function readPathHistory(
  reader: ObjectReader,
  options: { points: readonly RestorePoint[]; path: ByteString; signal?: AbortSignal | undefined },
): Promise<PathHistory> {
  const { points, path, signal } = options;
  const names = path === '' ? [] : path.split('/');
  // By root tree: many snapshots differ elsewhere, and some do not differ at all.
  const found = await resolveAll(reader, { roots: new Set(points.map((point) => point.record.tree)), names, signal });

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
  reader: ObjectReader,
  options: { roots: ReadonlySet<ObjectId>; names: readonly ByteString[]; signal: AbortSignal | undefined },
): Promise<Map<ObjectId, SnapshotEntry | null>> {
  const at = new Map<ObjectId, SnapshotEntry | null>();
  for (const root of options.roots) at.set(root, { name: '', kind: 'folder', id: root });
  for (const name of options.names) {
    const folders = new Set<ObjectId>();
    for (const entry of at.values()) if (entry?.kind === 'folder') folders.add(entry.id);
    const children = await findChildren(reader, [...folders], { wanted: wantedName(name), signal: options.signal });
    for (const [root, entry] of at) {
      const child = entry?.kind === 'folder' ? children.get(entry.id) : null;
      if (child === undefined) at.delete(root);
      else at.set(root, child);
    }
  }
  return at;
}

/** The entry of one name in each folder, null where there is none; damaged folders are not in the answer. */
async function findChildren(
  reader: ObjectReader,
  folders: readonly ObjectId[],
  options: { wanted: WantedName; signal: AbortSignal | undefined },
): Promise<Map<ObjectId, SnapshotEntry | null>> {
  const children = new Map<ObjectId, SnapshotEntry | null>();
  for (let first = 0; first < folders.length; first += foldersAtOnce) {
    options.signal?.throwIfAborted();
    const batch = folders.slice(first, first + foldersAtOnce);
    const objects = await readMany(reader, batch, { signal: options.signal });
    for (const id of batch) {
      const tree = objects.get(id) ?? (await tryRead(reader, id, options.signal));
      if (tree?.type === 'tree') children.set(id, findInTree(tree.content, options.wanted));
    }
  }
  return children;
}

async function tryRead(reader: ObjectReader, id: ObjectId, signal: AbortSignal | undefined): Promise<GitObject | null> {
  try {
    return await reader.read(id, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function isSame(a: SnapshotEntry | null, b: SnapshotEntry | null): boolean {
  return a?.id === b?.id && a?.kind === b?.kind;
}
