import type { ObjectId } from '../model/ids.ts';
import type { TreeReader } from './read-tree.ts';

/** How many entries a tree unfolds to, every path counted. May be larger than any real vault: a number, not a promise. */
export interface UnfoldedCounts {
  readonly files: number;
  readonly folders: number;
}

/**
 * Counts what a tree unfolds to without unfolding it: each distinct folder is read once, and its totals are multiplied by
 * how often it is named. Ten objects can stand for a billion files; this finds out from the ten.
 */
export async function countUnfolded(trees: TreeReader, root: ObjectId): Promise<UnfoldedCounts> {
  const counts = new Map<ObjectId, UnfoldedCounts>();
  const path: ObjectId[] = [root];
  while (path.length > 0) {
    const id = path.at(-1)!;
    if (counts.has(id)) {
      path.pop();
      continue;
    }
    let files = 0;
    let folders = 0;
    let isReady = true;
    for (const entry of await trees.folder(id)) {
      if (entry.kind !== 'folder') {
        files++;
        continue;
      }
      const below = counts.get(entry.id);
      if (below === undefined) {
        path.push(entry.id);
        isReady = false;
        continue;
      }
      files += below.files;
      folders += below.folders + 1;
    }
    if (!isReady) continue;
    counts.set(id, { files, folders });
    path.pop();
  }
  return counts.get(root)!;
}
