import { decodeCommit } from '../format/git/commit-codec.ts';
import { objectCorrupt } from '../format/git/corrupt.ts';
import { treeLinks } from '../format/git/tree-links.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { ObjectLocation, ObjectReader } from '../ports/object-reader.ts';

/** Objects with the place their bytes lie at. */
export type ReachableObjects = ReadonlyMap<ObjectId, ObjectLocation>;

/**
 * Finds everything the roots (commits, tags or trees) lead to: commits with their whole history, trees, blobs. Blobs are located, not
 * read; memory grows with the number of objects.
 * @throws {HoldfastError} `object_missing` when something named is not there
 */
export async function findReachable(
  reader: ObjectReader,
  roots: readonly ObjectId[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ReachableObjects> {
  const found = new Map<ObjectId, ObjectLocation>();
  const toRead: ObjectId[] = [];
  const add = (id: ObjectId, isBlob: boolean): void => {
    if (found.has(id)) return;
    const location = reader.locate(id);
    if (location === null)
      throw new HoldfastError('object_missing', `The object ${id} is missing from the store.`, {
        hint: 'Look closer with: holdfast verify --full',
      });
    found.set(id, location);
    if (!isBlob) toRead.push(id);
  };
  for (const root of roots) add(root, false);
  for (let id = toRead.pop(); id !== undefined; id = toRead.pop()) {
    options.signal?.throwIfAborted();
    const { type, content } = await reader.read(id, options.signal === undefined ? {} : { signal: options.signal });
    if (type === 'commit') {
      const commit = decodeCommit(content);
      for (const next of [commit.tree, ...commit.parents]) add(next, false);
    } else if (type === 'tree') {
      for (const link of treeLinks(content)) {
        if (link.kind !== 'gitlink') add(link.id, link.kind === 'blob');
      }
    } else if (type === 'tag') {
      const target = /^object ([0-9a-f]{40})\ntype (\w+)\n/.exec(Buffer.from(content).toString('latin1'));
      if (target === null) throw objectCorrupt(`The tag ${id} names nothing.`);
      add(target[1] as ObjectId, target[2] === 'blob');
    }
  }
  return found;
}
