import { displayName } from '../format/display-name.ts';
import type { ByteString } from '../lib/bytes.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { SnapshotEntry, TreeReader } from './read-tree.ts';

const suggestionsMax = 3;

/** Finds a path below a tree, reading only the folders that lead there; null when it is not there. '' is the tree itself. */
export async function findEntry(trees: TreeReader, root: ObjectId, path: ByteString): Promise<SnapshotEntry | null> {
  let entry: SnapshotEntry | null = { name: '', kind: 'folder', id: root };
  if (path === '') return entry;
  for (const name of path.split('/')) {
    if (entry.kind !== 'folder') return null;
    const entries: readonly SnapshotEntry[] = await trees.folder(entry.id);
    entry = entries.find((candidate) => candidate.name === name) ?? null;
    if (entry === null) return null;
  }
  return entry;
}

/** The error for a path a snapshot does not have, naming the nearest ones it has. */
export async function pathUnknown(trees: TreeReader, root: ObjectId, path: ByteString): Promise<HoldfastError> {
  const near = await nearestPaths(trees, root, path);
  const hint =
    near.length > 0
      ? `Did you mean: ${near.map((candidate) => displayName(candidate)).join(', ')}`
      : 'See what it holds with: holdfast ls, or look through all of them with: holdfast find';
  return new HoldfastError('path_unknown', `The snapshot has no "${displayName(path)}".`, {
    hint,
    data: { path: displayName(path), nearest: near.map((candidate) => displayName(candidate)) },
  });
}

/** Siblings, where the path leaves what is there, whose names come closest to what was asked for. */
async function nearestPaths(trees: TreeReader, root: ObjectId, path: ByteString): Promise<ByteString[]> {
  let folder = root;
  let parent = '';
  for (const name of path.split('/')) {
    const entries = await trees.folder(folder);
    const found = entries.find((entry) => entry.name === name);
    if (found === undefined) return closest(entries, name).map((near) => parent + near);
    // The path goes on below something that is no folder.
    if (found.kind !== 'folder') return [parent + name];
    folder = found.id;
    parent += `${name}/`;
  }
  return [];
}

function closest(entries: readonly SnapshotEntry[], wanted: ByteString): ByteString[] {
  const scored: { name: ByteString; distance: number }[] = [];
  const farthest = Math.max(2, Math.floor(wanted.length / 3));
  for (const { name } of entries) {
    const distance = isAlike(name, wanted) ? 0 : editDistance(name, wanted, farthest);
    if (distance <= farthest) scored.push({ name, distance });
  }
  scored.sort((a, b) => a.distance - b.distance);
  return scored.slice(0, suggestionsMax).map(({ name }) => name);
}

/** Differs only in case, or lacks its extension or part of the name. */
function isAlike(name: ByteString, wanted: ByteString): boolean {
  const lower = name.toLowerCase();
  return wanted.length >= 3 && lower.includes(wanted.toLowerCase());
}

/** Levenshtein distance, or something above `most` once it is clear that it is more. */
function editDistance(a: ByteString, b: ByteString, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    if (Math.min(...next) > most) return most + 1;
    row = next;
  }
  return row[b.length]!;
}
