import { chunksMark } from '../format/chunked-name.ts';
import { equalIds, idBytes } from '../format/git/object-id.ts';
import { decodeTree } from '../format/git/tree-codec.ts';
import { encodeSnapshotTree } from '../format/snapshot-tree.ts';
import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import { fileModes, type TreeEntry } from '../model/tree.ts';
import { entryFlags, type VaultTree } from '../model/vault-tree.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { countChanges, type TreeChanges } from './compare-vault-trees.ts';
import { metadataDiffers } from './metadata-differs.ts';
import { pairRows } from './pair-rows.ts';

export interface ChangeCounts extends TreeChanges {
  /** True when there is something to store: a counted change, or a folder that came, went or has other permissions. */
  readonly anything: boolean;
}

export interface CountOptions {
  readonly previous: RestorePoint | null;
  /** The stat cache's tree, when it describes `previous`. */
  readonly base: VaultTree | null;
  readonly tree: VaultTree;
  readonly reader: ObjectReader;
  /** Our own log inside the vault: written by every snapshot, so it is no change of the vault. */
  readonly logFolder: ByteString;
  readonly signal?: AbortSignal | undefined;
}

/** Counts what changed since the machine's previous snapshot: from the stat cache, or by reading that snapshot's trees. */
export async function countChangesSince(options: CountOptions): Promise<ChangeCounts> {
  const { previous, base, tree, logFolder } = options;
  if (base !== null || previous === null) {
    const counted = countChanges(base, tree, { except: logFolder });
    return { ...counted, anything: hasAny(counted) || base === null || foldersDiffer(base, tree, logFolder) };
  }
  const counted = await countAgainstStored(options, previous.record.tree);
  return { ...counted, anything: hasAny(counted) || (await metadataDiffers(tree, previous.record, options)) };
}

function hasAny(counted: TreeChanges): boolean {
  return counted.added + counted.changed + counted.removed > 0;
}

/** True when a folder came, went or has other permissions. The way to our own log, made by a snapshot, does not count. */
function foldersDiffer(base: VaultTree, tree: VaultTree, logFolder: ByteString): boolean {
  const logPath = logFolder.split('/');
  const waiting = [{ folder: 0, baseFolder: 0, depth: 0 }];
  let differ = false;
  for (let pair = waiting.pop(); pair !== undefined && !differ; pair = waiting.pop()) {
    const { depth } = pair;
    pairRows({ tree, folder: pair.folder }, { tree: base, folder: pair.baseFolder }, (row, baseRow) => {
      const folder = row < 0 ? -1 : tree.childFolders[row]!;
      const baseFolder = baseRow < 0 ? -1 : base.childFolders[baseRow]!;
      if (folder < 0 && baseFolder < 0) return;
      const isSame = folder >= 0 && baseFolder >= 0 && tree.modes[row] === base.modes[baseRow];
      const name = row < 0 ? base.name(baseRow) : tree.name(row);
      const isOnLogPath = depth >= 0 && depth < logPath.length && name === logPath[depth];
      if (!isSame && !isOnLogPath) differ = true;
      if (isSame && isSameMetadata(tree, folder, { base, baseFolder })) return;
      if (folder >= 0 && baseFolder >= 0) waiting.push({ folder, baseFolder, depth: isOnLogPath ? depth + 1 : -1 });
    });
  }
  return differ;
}

/** The metadata of a folder holds all that lies below it, so nothing there differs. */
function isSameMetadata(tree: VaultTree, folder: number, other: { base: VaultTree; baseFolder: number }): boolean {
  return equalIds(tree.metadataIds, folder * idBytes, other.base.metadataIds, other.baseFolder * idBytes);
}

/** One folder of the stored snapshot beside the same folder of the vault; null and -1 where there is none. */
interface FolderPair {
  readonly stored: ObjectId | null;
  readonly folder: number;
  readonly path: ByteString;
}

async function countAgainstStored(options: CountOptions, rootTree: ObjectId): Promise<TreeChanges> {
  const counts = { added: 0, changed: 0, removed: 0 };
  const waiting: FolderPair[] = [{ stored: rootTree, folder: 0, path: '' }];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    options.signal?.throwIfAborted();
    const stored = await storedEntries(options, pair.stored);
    for (const entry of currentEntries(options.tree, pair.folder)) {
      const before = stored.get(keyOf(entry));
      stored.delete(keyOf(entry));
      if (isFolder(entry)) {
        if (before?.id !== entry.id) pushFolder(waiting, pair, { entry, before, options });
      } else if (before === undefined) counts.added++;
      else if (before.id !== entry.id || before.mode !== entry.mode) counts.changed++;
    }
    for (const gone of stored.values()) {
      if (isFolder(gone)) waiting.push({ stored: gone.id, folder: -1, path: `${pair.path}${gone.name}/` });
      else counts.removed++;
    }
  }
  return counts;
}

function pushFolder(
  waiting: FolderPair[],
  pair: FolderPair,
  found: { entry: TreeEntry; before: TreeEntry | undefined; options: CountOptions },
): void {
  const path = `${pair.path}${found.entry.name}/`;
  if (path === `${found.options.logFolder}/`) return;
  const folder = childNamed(found.options.tree, pair.folder, found.entry.id);
  waiting.push({ stored: found.before?.id ?? null, folder, path });
}

/** Subfolders are found again by their tree: two with one tree hold the same files, so either will do. */
function childNamed(tree: VaultTree, folder: number, id: ObjectId): number {
  const start = tree.folderEntryStarts[folder]!;
  const end = start + tree.folderEntryCounts[folder]!;
  for (let row = start; row < end; row++) {
    const isBuilt = tree.isFolder(row) && (tree.flags[row]! & entryFlags.hasId) !== 0;
    if (isBuilt && tree.id(row) === id) return tree.childFolders[row]!;
  }
  return -1;
}

async function storedEntries(options: CountOptions, id: ObjectId | null): Promise<Map<string, TreeEntry>> {
  if (id === null) return new Map();
  const { content } = await options.reader.read(id, options.signal === undefined ? {} : { signal: options.signal });
  return new Map(decodeTree(content).map((entry) => [keyOf(entry), entry]));
}

function currentEntries(tree: VaultTree, folder: number): readonly TreeEntry[] {
  return folder < 0 ? [] : decodeTree(encodeSnapshotTree(tree, folder));
}

/** A file that became a folder of the same name is one thing removed and another added. */
function keyOf(entry: TreeEntry): string {
  return isFolder(entry) ? `${entry.name}/` : entry.name;
}

/** Chunked files are trees to git and files to us. */
function isFolder(entry: TreeEntry): boolean {
  return entry.mode === fileModes.tree && !entry.name.endsWith(chunksMark);
}
