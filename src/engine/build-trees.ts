import { equalIds, idBytes, objectIdAt, rawObjectId } from '../format/git/object-id.ts';
import { encodeMetadataLines, encodeMetadataTree } from '../format/metadata-node.ts';
import { encodeSnapshotTree } from '../format/snapshot-tree.ts';
import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import type { ObjectWriter } from '../ports/object-writer.ts';
import { pairRows } from './pair-rows.ts';

export interface BuiltTrees {
  /** The snapshot's tree. */
  readonly rootTree: ObjectId;
  /** The metadata tree. */
  readonly rootMetadata: ObjectId;
  /** What the trees hold: entries marked absent are not counted, empty folders are. */
  readonly counts: {
    readonly files: number;
    readonly folders: number;
    readonly links: number;
    readonly sizeBytes: number;
  };
}

/**
 * Builds the snapshot tree and the metadata tree, folders below before folders above, and leaves the ids in the tree:
 * `ids` of each folder's row and `metadataIds`. A folder that holds nothing git can keep (nothing, or only such folders)
 * has no id and is left out of the snapshot tree; the metadata tree has it.
 *
 * A folder in which nothing changed against `base` (another tree, built before), and whose objects the store still has,
 * takes its ids from there without being encoded. Every file and link must have its id or the absent mark.
 * @throws {HoldfastError} `invariant_broken` when one has neither
 */
export function buildTrees(tree: VaultTree, writer: ObjectWriter, base: VaultTree | null): BuiltTrees {
  const survey = surveyFolders(tree, base);
  for (let i = survey.order.length - 1; i > 0; i--) {
    const folder = survey.order[i]!;
    if (survey.unchanged[folder] === 1 && reuseFolder(tree, folder, { base: base!, survey, writer })) continue;
    survey.unchanged[tree.folderParents[folder]!] = 0;
    buildFolder(tree, folder, writer);
  }
  return { ...buildRoot(tree, writer), counts: survey.counts };
}

interface Survey {
  /** Every folder of the tree, each after the folder it is in. */
  readonly order: number[];
  /** The folder of the base at the same path, or -1. */
  readonly baseFolders: Int32Array;
  /** 1 while nothing in the folder, nor (once those are built) in the folders below, differs from the base. */
  readonly unchanged: Uint8Array;
  readonly counts: { files: number; folders: number; links: number; sizeBytes: number };
}

function surveyFolders(tree: VaultTree, base: VaultTree | null): Survey {
  const survey: Survey = {
    order: [0],
    baseFolders: new Int32Array(tree.folderCount).fill(-1),
    unchanged: new Uint8Array(tree.folderCount),
    counts: { files: 0, folders: 0, links: 0, sizeBytes: 0 },
  };
  if (base !== null) survey.baseFolders[0] = 0;
  // The list grows while it is walked.
  for (const folder of survey.order) {
    countRows(tree, folder, survey);
    const baseFolder = survey.baseFolders[folder]!;
    if (baseFolder >= 0)
      survey.unchanged[folder] = isSameFolder(tree, folder, { base: base!, baseFolder, survey }) ? 1 : 0;
  }
  return survey;
}

function countRows(tree: VaultTree, folder: number, survey: Survey): void {
  const { counts, order } = survey;
  const first = tree.folderEntryStarts[folder]!;
  const end = first + tree.folderEntryCounts[folder]!;
  for (let row = first; row < end; row++) {
    if ((tree.flags[row]! & entryFlags.absent) !== 0) continue;
    const kind = tree.modes[row]! & modeBits.kindMask;
    if (kind === modeBits.folder) {
      counts.folders++;
      order.push(tree.childFolders[row]!);
    } else if (kind === modeBits.link) {
      counts.links++;
    } else {
      counts.files++;
      counts.sizeBytes += tree.sizes[row]!;
    }
  }
}

/** Compares the rows of a folder with those of the base, and pairs its subfolders with the base's on the way. */
function isSameFolder(
  tree: VaultTree,
  folder: number,
  other: { base: VaultTree; baseFolder: number; survey: Survey },
): boolean {
  const { base, baseFolder, survey } = other;
  let isSame = true;
  pairRows({ tree, folder }, { tree: base, folder: baseFolder }, (row, baseRow) => {
    if (row < 0 || baseRow < 0) {
      isSame = false;
      return;
    }
    if (!isSameRow(tree, row, { base, baseRow })) isSame = false;
    const child = tree.childFolders[row]!;
    if (child >= 0) survey.baseFolders[child] = base.childFolders[baseRow]!;
  });
  return isSame;
}

const comparedFlags = entryFlags.absent | entryFlags.chunked;

/** Same kind, mode, time and (for what is not a folder) content. */
function isSameRow(tree: VaultTree, row: number, other: { base: VaultTree; baseRow: number }): boolean {
  const { base, baseRow } = other;
  return (
    tree.modes[row] === base.modes[baseRow] &&
    tree.mtimes[row] === base.mtimes[baseRow] &&
    ((tree.flags[row]! ^ base.flags[baseRow]!) & comparedFlags) === 0 &&
    (tree.isFolder(row) || equalIds(tree.ids, row * idBytes, base.ids, baseRow * idBytes))
  );
}

/** Takes over the ids of an unchanged folder, unless the store lost the objects since. */
function reuseFolder(
  tree: VaultTree,
  folder: number,
  from: { base: VaultTree; survey: Survey; writer: ObjectWriter },
): boolean {
  const { base, writer } = from;
  const baseFolder = from.survey.baseFolders[folder]!;
  const baseRow = base.folderRows[baseFolder]!;
  const row = tree.folderRows[folder]!;
  const hasTree = (base.flags[baseRow]! & entryFlags.hasId) !== 0;
  if (hasTree && !writer.has(base.ids, baseRow * idBytes)) return false;
  if (!writer.has(base.metadataIds, baseFolder * idBytes)) return false;
  setTreeId(tree, row, hasTree ? base.ids.subarray(baseRow * idBytes, (baseRow + 1) * idBytes) : null);
  tree.metadataIds.set(base.metadataIds.subarray(baseFolder * idBytes, (baseFolder + 1) * idBytes), folder * idBytes);
  tree.metadataIsLeaf[folder] = base.metadataIsLeaf[baseFolder]!;
  return true;
}

/** Builds one folder whose files have their ids and whose folders are built. */
export function buildFolder(tree: VaultTree, folder: number, writer: ObjectWriter): void {
  const encoded = encodeSnapshotTree(tree, folder);
  setTreeId(tree, tree.folderRows[folder]!, encoded.length === 0 ? null : rawObjectId(writer.add('tree', encoded)));
  tree.metadataIds.set(rawObjectId(addMetadata(tree, folder, writer)), folder * idBytes);
}

function setTreeId(tree: VaultTree, row: number, id: Uint8Array | null): void {
  if (id === null) {
    tree.flags[row]! &= ~entryFlags.hasId;
    tree.ids.fill(0, row * idBytes, (row + 1) * idBytes);
  } else {
    tree.flags[row]! |= entryFlags.hasId;
    tree.ids.set(id, row * idBytes);
  }
}

/** Builds the vault's own folder, last of all. */
export function buildRoot(tree: VaultTree, writer: ObjectWriter): Pick<BuiltTrees, 'rootTree' | 'rootMetadata'> {
  return { rootTree: writer.add('tree', encodeSnapshotTree(tree, 0)), rootMetadata: addMetadata(tree, 0, writer) };
}

/** Adds the folder's node of the metadata tree; its subfolders have theirs already. */
function addMetadata(tree: VaultTree, folder: number, writer: ObjectWriter): ObjectId {
  const lines = writer.add('blob', encodeMetadataLines(tree, folder));
  const subfolders: { name: ByteString; id: ObjectId; isLeaf: boolean }[] = [];
  const first = tree.folderEntryStarts[folder]!;
  const end = first + tree.folderEntryCounts[folder]!;
  for (let row = first; row < end; row++) {
    const child = tree.childFolders[row]!;
    if (child < 0 || (tree.flags[row]! & entryFlags.absent) !== 0) continue;
    const id = objectIdAt(tree.metadataIds, child * idBytes);
    subfolders.push({ name: tree.name(row), id, isLeaf: tree.metadataIsLeaf[child] === 1 });
  }
  const isLeaf = subfolders.length === 0 && folder !== 0;
  tree.metadataIsLeaf[folder] = isLeaf ? 1 : 0;
  return isLeaf ? lines : writer.add('tree', encodeMetadataTree(lines, subfolders));
}
