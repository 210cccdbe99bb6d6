import { objectIdAt, idBytes } from '../../format/git/object-id.ts';
import type { MetadataLine } from '../../format/metadata-node.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { Problem } from '../../model/problem.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import { type MetadataNode, type MetadataReader, openMetadataReader } from '../read-metadata.ts';
import { openTreeReader, type SnapshotEntry, type TreeReader } from '../read-tree.ts';
import { isSameEntry, isSameMeta, targetFileOf } from './entry-states.ts';
import type { FileChange, FolderChange, StateChanges, TargetFile } from './state-changes.ts';
import { ignoredThen, type LeavingReason, type RollbackScope } from './rollback-scope.ts';

export interface CompareOptions {
  readonly reader: ObjectReader;
  /** Trees of the snapshot to go back to. */
  readonly target: { readonly tree: ObjectId; readonly metadata: ObjectId };
  /** The vault as it is; built, so that folders have their ids. */
  readonly live: VaultTree;
  readonly scope: RollbackScope;
  readonly signal?: AbortSignal | undefined;
}

const foldersAtOnce = 512;

/**
 * Works out what must change for the vault to be as the snapshot was, contents, permissions, times and empty folders alike.
 * Only folders that differ are read, so the cost follows the change.
 * @throws {HoldfastError} when a tree of the snapshot cannot be read: half a target is none
 */
export async function compareStates(options: CompareOptions): Promise<StateChanges> {
  const comparison = new StateComparison(options);
  await comparison.walk();
  return comparison.changes;
}

/** One folder on either side; -1 and null where that side has none. */
interface FolderPair {
  readonly path: ByteString;
  readonly folder: number;
  readonly target: TargetFolder | null;
}

interface TargetFolder {
  /** Null for a folder that holds nothing but empty folders, or nothing. */
  readonly tree: ObjectId | null;
  readonly node: MetadataNode | null;
}

/** An entry of the target, from its tree and its metadata. */
interface TargetEntry {
  readonly name: ByteString;
  readonly entry: SnapshotEntry | null;
  readonly line: MetadataLine | null;
  readonly folder: TargetFolder | null;
}

class StateComparison {
  readonly changes: StateChanges = { files: [], folders: [], leftAlone: [], kept: [] };
  readonly #options: CompareOptions;
  readonly #trees: TreeReader;
  readonly #metadata: MetadataReader;
  #pending: FolderPair[] = [];

  constructor(options: CompareOptions) {
    this.#options = options;
    this.#trees = openTreeReader(options.reader, options);
    this.#metadata = openMetadataReader(options.reader, options);
  }

  async walk(): Promise<void> {
    const { target, signal } = this.#options;
    const root: TargetFolder = { tree: target.tree, node: await this.#metadata.root(target.metadata) };
    this.#pending.push({ path: '', folder: 0, target: root });
    while (this.#pending.length > 0) {
      signal?.throwIfAborted();
      const batch = this.#pending.splice(-foldersAtOnce).filter((pair) => !this.#isSame(pair));
      await this.#trees.prefetch(batch.flatMap(({ target: folder }) => folder?.tree ?? []));
      await this.#metadata.prefetch(batch.flatMap(({ target: folder }) => folder?.node ?? []));
      for (const pair of batch) await this.#comparePair(pair);
    }
  }

  /** Equal ids of both the tree and its metadata: nothing below differs. */
  #isSame({ folder, target }: FolderPair): boolean {
    if (folder <= 0 || target === null || target.node === null) return false;
    const { live } = this.#options;
    const row = live.folderRows[folder]!;
    const hasTree = (live.flags[row]! & entryFlags.hasId) !== 0;
    if (hasTree ? live.id(row) !== target.tree : target.tree !== null) return false;
    const isLeaf = live.metadataIsLeaf[folder] === 1;
    return isLeaf === target.node.isLeaf && objectIdAt(live.metadataIds, folder * idBytes) === target.node.id;
  }

  async #comparePair({ path, folder, target }: FolderPair): Promise<void> {
    const { live } = this.#options;
    const rows = new Map<ByteString, number>();
    if (folder >= 0) {
      const first = live.folderEntryStarts[folder]!;
      for (let row = first; row < first + live.folderEntryCounts[folder]!; row++) {
        if ((live.flags[row]! & entryFlags.absent) === 0) rows.set(live.name(row), row);
      }
    }
    const prefix = path === '' ? '' : `${path}/`;
    for (const entry of target === null ? [] : await this.#entriesOf(target)) {
      const row = rows.get(entry.name) ?? -1;
      rows.delete(entry.name);
      this.#compare(prefix + entry.name, row, entry);
    }
    for (const [name, row] of rows) this.#compare(prefix + name, row, null);
  }

  async #entriesOf({ tree, node }: TargetFolder): Promise<TargetEntry[]> {
    const known = node === null ? null : await this.#metadata.folder(node);
    const lines = new Map(known?.lines.map((line) => [line.name, line]));
    const found: TargetEntry[] = [];
    for (const entry of tree === null ? [] : await this.#trees.folder(tree)) {
      const { name } = entry;
      const subfolder = { tree: entry.id, node: known?.subfolders.get(name) ?? null };
      const line = lines.get(name) ?? null;
      lines.delete(name);
      found.push({ name, entry, line, folder: entry.kind === 'folder' ? subfolder : null });
    }
    for (const line of lines.values()) {
      if (line.kind !== 'folder') continue;
      const folder = { tree: null, node: known?.subfolders.get(line.name) ?? null };
      found.push({ name: line.name, entry: null, line, folder });
    }
    return found;
  }

  #compare(path: ByteString, row: number, target: TargetEntry | null): void {
    const { live, scope } = this.#options;
    const standing = scope.standingOf(path);
    if (standing === 'outside') return;
    const isLiveFolder = row >= 0 && live.isFolder(row);
    if (standing === 'left') return this.#leave(path, row, target);
    if (standing === 'way') return this.#compareOnTheWay(path, row, target);
    if (target?.folder != null) this.#toFolder(path, row, target);
    else if (target !== null) this.#toFile(path, row, targetFileOf(target.entry!, target.line));
    else if (!isLiveFolder) this.#removeFile(path, row);
    else {
      this.#addFolder({ path, row, target: null });
      this.#pending.push({ path, folder: live.childFolders[row]!, target: null });
    }
  }

  /** A folder that only leads to what the rollback is limited to: made where it is missing, otherwise left as it is. */
  #compareOnTheWay(path: ByteString, row: number, target: TargetEntry | null): void {
    const { live } = this.#options;
    const folder = row >= 0 && live.isFolder(row) ? live.childFolders[row]! : -1;
    if (row >= 0 && folder < 0) {
      if (target?.folder != null) this.#leaveAlone(path, 'it is no folder, and outside what was asked for');
      return;
    }
    if (target !== null && target.folder === null) {
      this.#leaveAlone(path, 'it is no folder in the snapshot, and outside what was asked for');
      return;
    }
    if (row < 0 && target !== null) this.#addFolder({ path, row, target: folderStateOf(target.line) });
    this.#pending.push({ path, folder, target: target?.folder ?? null });
  }

  #toFolder(path: ByteString, row: number, target: TargetEntry): void {
    const { live } = this.#options;
    const isFolder = row >= 0 && live.isFolder(row);
    if (row >= 0 && !isFolder) this.#addFile({ path, row, target: null });
    const state = folderStateOf(target.line);
    if (!isFolder) this.#addFolder({ path, row: -1, target: state });
    else if (!isSameMeta(live, row, state)) this.#addFolder({ path, row, target: state });
    this.#pending.push({ path, folder: isFolder ? live.childFolders[row]! : -1, target: target.folder });
  }

  #toFile(path: ByteString, row: number, target: TargetFile): void {
    const { live } = this.#options;
    if (row >= 0 && live.isFolder(row)) {
      this.#addFolder({ path, row, target: null });
      this.#pending.push({ path, folder: live.childFolders[row]!, target: null });
      this.#addFile({ path, row: -1, target });
      return;
    }
    if (row < 0 || !isSameEntry(live, row, target)) this.#addFile({ path, row, target });
    else if (!isSameMeta(live, row, target)) this.#addFile({ path, row, target, keepsContent: true });
  }

  #removeFile(path: ByteString, row: number): void {
    const { live, scope } = this.#options;
    if (scope.wasIgnored(path, live.ctimes[row]!)) this.#leaveBecause(path, ignoredThen);
    else this.#addFile({ path, row, target: null });
  }

  #addFile(change: FileChange): void {
    this.changes.files.push(change);
  }

  #addFolder(change: FolderChange): void {
    this.changes.folders.push(change);
  }

  /** Named only where something would have changed. */
  #leave(path: ByteString, row: number, target: TargetEntry | null): void {
    const { live, scope } = this.#options;
    const isSame =
      row >= 0 && target?.entry != null && target.folder === null
        ? isSameEntry(live, row, targetFileOf(target.entry, target.line))
        : false;
    const reason = scope.reasonFor(path);
    if (!isSame && reason !== null) this.#leaveBecause(path, reason);
  }

  #leaveBecause(path: ByteString, { message, isExpected }: LeavingReason): void {
    this.changes[isExpected ? 'kept' : 'leftAlone'].push({ path, code: 'left_alone', message });
  }

  #leaveAlone(path: ByteString, message: string): void {
    const problem: Problem = { path, code: 'left_alone', message };
    this.changes.leftAlone.push(problem);
  }
}

function folderStateOf(line: MetadataLine | null): { permissions: number | null; mtimeMs: number | null } {
  return { permissions: line?.mode ?? null, mtimeMs: line?.mtimeMs ?? null };
}
