import type { ByteString } from '../lib/bytes.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { type MetadataNode, openMetadataReader } from './read-metadata.ts';

interface Pair {
  readonly folder: number;
  readonly node: MetadataNode;
  readonly path: ByteString;
}

/**
 * True when a folder came or went, or a folder or file has other permissions, than a stored snapshot says: what its trees of git do not
 * show. Our own log, and the way to it, made by a snapshot, do not count; nor do times.
 */
export async function metadataDiffers(
  tree: VaultTree,
  record: Pick<SnapshotRecord, 'metadata'>,
  options: { reader: ObjectReader; logFolder: ByteString; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const { logFolder } = options;
  const metadata = openMetadataReader(options.reader, options);
  const waiting: Pair[] = [{ folder: 0, node: await metadata.root(record.metadata), path: '' }];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    options.signal?.throwIfAborted();
    const { lines, subfolders } = await metadata.folder(pair.node);
    const stored = new Map(lines.map((line) => [line.name, line]));
    const first = tree.folderEntryStarts[pair.folder]!;
    for (let row = first; row < first + tree.folderEntryCounts[pair.folder]!; row++) {
      if ((tree.flags[row]! & entryFlags.absent) !== 0) continue;
      const name = tree.name(row);
      const path = `${pair.path}${name}`;
      const line = stored.get(name);
      stored.delete(name);
      if (path === logFolder) continue;
      const isOnLogPath = logFolder.startsWith(`${path}/`);
      const mode = tree.modes[row]! & 0o7777;
      if (line === undefined ? tree.isFolder(row) && !isOnLogPath : line.mode !== mode && isPermitted(tree, row))
        return true;
      const node = subfolders.get(name);
      if (tree.isFolder(row) && node !== undefined) {
        waiting.push({ folder: tree.childFolders[row]!, node, path: `${path}/` });
      }
    }
    for (const line of stored.values()) if (line.kind === 'folder') return true;
  }
  return false;
}

/** Links have no permissions of their own. */
function isPermitted(tree: VaultTree, row: number): boolean {
  return (tree.modes[row]! & modeBits.kindMask) !== modeBits.link;
}
