import { storedChunkedName, storedName } from '../../format/chunked-name.ts';
import { decodeCommit, encodeCommit } from '../../format/git/commit-codec.ts';
import { objectCorrupt } from '../../format/git/corrupt.ts';
import { decodeTree, encodeTree } from '../../format/git/tree-codec.ts';
import { decodeMetadataLines, encodeMetadataTree, readMetadataTree } from '../../format/metadata-node.ts';
import { bytesOf, byteStringOf, type ByteString } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { ObjectWriter } from '../../ports/object-writer.ts';

/** A snapshot written anew without a path. */
export interface RewrittenSnapshot {
  readonly tree: ObjectId;
  readonly metadata: ObjectId;
  readonly commit: ObjectId;
}

export interface PathRemover {
  /** Null when the snapshot does not have any of the paths. */
  remove(record: SnapshotRecord): Promise<RewrittenSnapshot | null>;
  /** What stood at the paths: blobs, and trees of folders and chunks. */
  readonly removed: ReadonlySet<ObjectId>;
}

/** Writes snapshots anew without certain paths, folders included. What several snapshots share is rewritten once. */
export function createPathRemover(
  reader: ObjectReader,
  writer: ObjectWriter,
  paths: readonly ByteString[],
): PathRemover {
  const removed = new Set<ObjectId>();
  const trees = new Map<string, ObjectId | null>();
  const nodes = new Map<string, ObjectId>();
  const names = paths.map((path) => path.split('/'));

  /** The tree without the entry; null when nothing is left of it. */
  async function removeFromTree(id: ObjectId, path: readonly ByteString[]): Promise<ObjectId | null> {
    const key = `${id} ${path.join('/')}`;
    const known = trees.get(key);
    if (known !== undefined) return known;
    const [name, ...rest] = path as [ByteString, ...ByteString[]];
    const isWanted = new Set([storedName(name), ...(rest.length === 0 ? [storedChunkedName(name)] : [])]);
    const entries = decodeTree(await read(id, 'tree'));
    const left: typeof entries = [];
    for (const entry of entries) {
      if (!isWanted.has(entry.name)) left.push(entry);
      else if (rest.length === 0) removed.add(entry.id);
      else {
        const below = entry.mode === treeMode ? await removeFromTree(entry.id, rest) : entry.id;
        if (below !== null) left.push({ ...entry, id: below });
      }
    }
    const isSame = left.length === entries.length && left.every((entry, at) => entry.id === entries[at]!.id);
    const result = isSame ? id : left.length === 0 ? null : writer.add('tree', encodeTree(left));
    trees.set(key, result);
    return result;
  }

  async function removeFromNode(
    node: { readonly id: ObjectId; readonly isLeaf: boolean },
    path: readonly ByteString[],
    isRoot: boolean,
  ): Promise<{ readonly id: ObjectId; readonly isLeaf: boolean }> {
    const [name, ...rest] = path as [ByteString, ...ByteString[]];
    if (node.isLeaf) {
      return rest.length > 0 ? node : { id: await removeLine(node.id, name), isLeaf: true };
    }
    const { lines, subfolders } = readMetadataTree(decodeTree(await read(node.id, 'tree')));
    const left = new Map(subfolders);
    const linesLeft = rest.length === 0 ? await removeLine(lines, name) : lines;
    const below = left.get(name);
    if (below !== undefined) {
      if (rest.length === 0) left.delete(name);
      else left.set(name, await removeFromNode(below, rest, false));
    }
    if (left.size === 0 && !isRoot) return { id: linesLeft, isLeaf: true };
    const list = [...left].map(([subfolder, { id, isLeaf }]) => ({ name: subfolder, id, isLeaf }));
    return { id: writer.add('tree', encodeMetadataTree(linesLeft, list)), isLeaf: false };
  }

  async function removeLine(id: ObjectId, name: ByteString): Promise<ObjectId> {
    const key = `${id} ${name}`;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const lines = byteStringOf(await read(id, 'blob'))
      .split('\n')
      .slice(0, -1);
    const left = lines.filter((line) => decodeMetadataLines(bytesOf(`${line}\n`))[0]?.name !== name);
    const result = writer.add('blob', bytesOf(left.map((line) => `${line}\n`).join('')));
    nodes.set(key, result);
    return result;
  }

  async function read(id: ObjectId, type: 'tree' | 'blob' | 'commit'): Promise<Uint8Array> {
    const object = await reader.read(id);
    if (object.type !== type) throw objectCorrupt(`The object ${id} is a ${object.type} where a ${type} should be.`);
    return object.content;
  }

  async function rewriteCommit(id: ObjectId, tree: ObjectId, parentOf: (id: ObjectId) => ObjectId): Promise<ObjectId> {
    const { author, committer, parents, message } = decodeCommit(await read(id, 'commit'));
    if (author === null || committer === null) throw objectCorrupt(`The commit ${id} has no author.`);
    return writer.add('commit', encodeCommit({ tree, parents: parents.map(parentOf), author, committer, message }));
  }

  return {
    removed,
    async remove(record) {
      let tree: ObjectId = record.tree;
      const metadataTree = decodeCommit(await read(record.metadata, 'commit')).tree;
      let node = { id: metadataTree, isLeaf: false };
      for (const path of names) {
        const next = await removeFromTree(tree, path);
        if (next === tree) continue;
        tree = next ?? writer.add('tree', new Uint8Array(0));
        node = await removeFromNode(node, path, true);
      }
      if (tree === record.tree) return null;
      const metadata = await rewriteCommit(record.metadata, node.id, (id) => id);
      const commit = await rewriteCommit(record.commit, tree, (id) => (id === record.metadata ? metadata : id));
      return { tree, metadata, commit };
    },
  };
}

const treeMode = 0o040000;
