import { decodeCommit } from '../format/git/commit-codec.ts';
import { objectCorrupt } from '../format/git/corrupt.ts';
import { decodeTree } from '../format/git/tree-codec.ts';
import { decodeMetadataLines, type MetadataLine, readMetadataTree } from '../format/metadata-node.ts';
import { ByteLru } from '../lib/byte-lru.ts';
import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { GitObject, ObjectReader } from '../ports/object-reader.ts';
import type { ObjectType } from '../ports/object-writer.ts';
import { readMany } from './read-many.ts';

/** A folder's place in the metadata tree: a blob of lines, or (with subfolders) a tree. */
export interface MetadataNode {
  readonly id: ObjectId;
  readonly isLeaf: boolean;
}

/** What the metadata tree says of the entries of one folder. */
export interface FolderMetadata {
  readonly lines: readonly MetadataLine[];
  readonly subfolders: ReadonlyMap<ByteString, MetadataNode>;
}

/** Times, full permissions and empty folders of a snapshot, read when asked for. */
export interface MetadataReader {
  /** The node of the vault itself. */
  root(commit: ObjectId): Promise<MetadataNode>;
  folder(node: MetadataNode): Promise<FolderMetadata>;
  /** The node of one subfolder, without reading the lines of its parent; null when there is none. */
  subfolder(node: MetadataNode, name: ByteString): Promise<MetadataNode | null>;
  /** Reads many nodes with few requests, for the `folder` calls that follow. */
  prefetch(nodes: readonly MetadataNode[]): Promise<void>;
}

const cacheBytes = 8 * 1024 * 1024;
const nodeBytesMax = 256 * 1024 * 1024;
const noSubfolders: ReadonlyMap<ByteString, MetadataNode> = new Map();

export function openMetadataReader(
  reader: ObjectReader,
  options: { signal?: AbortSignal | undefined } = {},
): MetadataReader {
  const kept = new ByteLru<ObjectId, GitObject>(cacheBytes);
  const { signal } = options;
  const readOptions = { sizeBytesMax: nodeBytesMax, ...(signal === undefined ? {} : { signal }) };

  async function read(id: ObjectId, type: ObjectType): Promise<Uint8Array> {
    const object = kept.get(id) ?? (await reader.read(id, readOptions));
    if (object.type !== type) throw objectCorrupt(`The object ${id} is a ${object.type} where a ${type} should be.`);
    return object.content;
  }

  async function prefetchObjects(ids: Iterable<ObjectId>): Promise<void> {
    const missing = [...ids].filter((id) => kept.get(id) === undefined);
    for (const [id, object] of await readMany(reader, missing, options)) kept.set(id, object, object.content.length);
  }

  return {
    async root(commit) {
      return { id: decodeCommit(await read(commit, 'commit')).tree, isLeaf: false };
    },
    async folder(node) {
      if (node.isLeaf) return { lines: decodeMetadataLines(await read(node.id, 'blob')), subfolders: noSubfolders };
      const { lines, subfolders } = readMetadataTree(decodeTree(await read(node.id, 'tree')));
      return { lines: decodeMetadataLines(await read(lines, 'blob')), subfolders };
    },
    async subfolder(node, name) {
      if (node.isLeaf) return null;
      return readMetadataTree(decodeTree(await read(node.id, 'tree'))).subfolders.get(name) ?? null;
    },
    async prefetch(nodes) {
      await prefetchObjects(nodes.map((node) => node.id));
      // The lines of a folder with subfolders are one step further.
      const lines: ObjectId[] = [];
      for (const { id, isLeaf } of nodes) {
        const object = isLeaf ? undefined : kept.get(id);
        if (object?.type === 'tree') lines.push(...linesOf(object.content));
      }
      await prefetchObjects(lines);
    },
  };
}

/** The blob of lines of a tree node; nothing when the node is damaged, which is found out when it is asked for. */
function linesOf(content: Uint8Array): ObjectId[] {
  try {
    return [readMetadataTree(decodeTree(content)).lines];
  } catch {
    return [];
  }
}
