import { displayName } from '../format/display-name.ts';
import { treeUnsafe } from '../format/git/corrupt.ts';
import type { MetadataLine } from '../format/metadata-node.ts';
import type { ByteString } from '../lib/bytes.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { Problem } from '../model/problem.ts';
import type { ObjectLocation, ObjectReader } from '../ports/object-reader.ts';
import { countUnfolded } from './count-tree.ts';
import { FileTable } from './file-table.ts';
import { describeDamage } from './describe-damage.ts';
import { findEntry, pathUnknown } from './find-path.ts';
import { isDamage } from './read-many.ts';
import { type FolderMetadata, type MetadataNode, type MetadataReader, openMetadataReader } from './read-metadata.ts';
import { openTreeReader, type SnapshotEntry, type TreeReader } from './read-tree.ts';
import { outermostByFolder } from './outermost-paths.ts';

/** A folder to create; the one it is in has a smaller number. Null: nothing is known, or it only leads to what is restored. */
export interface FolderToRestore {
  readonly path: ByteString;
  /** Row of the folder it is in; -1 for the root. */
  readonly parent: number;
  readonly permissions: number | null;
  readonly mtimeMs: number | null;
}

export interface LinkToRestore {
  readonly path: ByteString;
  readonly folder: number;
  readonly id: ObjectId;
  readonly mtimeMs: number | null;
}

export interface ChunkedToRestore {
  readonly path: ByteString;
  readonly folder: number;
  readonly chunks: readonly ObjectId[];
  readonly permissions: number;
  readonly mtimeMs: number | null;
}

/** Everything one restore will write, known before anything is written. */
export interface RestorePlan {
  /** Row 0 is the restore's root, path ''. */
  readonly folders: readonly FolderToRestore[];
  readonly files: FileTable;
  readonly chunked: readonly ChunkedToRestore[];
  readonly links: readonly LinkToRestore[];
  /** Bytes that must be read; the restore takes at least about as many on the disk. */
  readonly storedBytes: number;
  /** Paths that cannot be restored because the store lacks or damaged what they need. */
  readonly problems: readonly Problem[];
}

export interface PlanOptions {
  readonly tree: ObjectId;
  /** The metadata commit. */
  readonly metadata: ObjectId;
  /** Files or folders, byte paths without slashes at the ends; null for everything. */
  readonly paths: readonly ByteString[] | null;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((filesFound: number) => void) | undefined;
}

/** More than any vault holds. */
export const restoreEntriesMax = 20_000_000;
const foldersAtOnce = 512;
const pathBytesMax = 32 * 1024;
// Without metadata: what git gives files.
const plainPermissions = { file: 0o644, executable: 0o755 } as const;

/**
 * Reads the trees of a snapshot and lists what to restore; nothing is written, file contents are not read.
 * @throws {HoldfastError} `path_unknown`; `tree_unsafe` for names no one may trust; `restore_too_large` when the trees unfold
 * to more than any vault holds; what is wrong with the root when that is damaged
 */
export async function planRestore(reader: ObjectReader, options: PlanOptions): Promise<RestorePlan> {
  const planner = new RestorePlanner(reader, options);
  await planner.start();
  await planner.walk();
  return planner.plan();
}

interface PendingFolder {
  readonly row: number;
  /** Null where the snapshot tree has nothing: the folder is empty, and only metadata knows it. */
  readonly tree: ObjectId | null;
  readonly metadata: MetadataNode | null;
}

class RestorePlanner {
  readonly #reader: ObjectReader;
  readonly #options: PlanOptions;
  readonly #trees: TreeReader;
  readonly #metadata: MetadataReader;
  readonly #folders: FolderToRestore[] = [{ path: '', parent: -1, permissions: null, mtimeMs: null }];
  readonly #rowOfFolder = new Map<ByteString, number>([['', 0]]);
  readonly #files = new FileTable();
  readonly #chunked: ChunkedToRestore[] = [];
  readonly #links: LinkToRestore[] = [];
  readonly #problems: Problem[] = [];
  readonly #roots: ObjectId[] = [];
  #pending: PendingFolder[] = [];
  #storedBytes = 0;
  /** Counting what the trees unfold to is only worth it when there are more entries than objects could explain. */
  #countWhenOver: number;

  constructor(reader: ObjectReader, options: PlanOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#trees = openTreeReader(reader, options);
    this.#metadata = openMetadataReader(reader, options);
    this.#countWhenOver = 10_000 + 4 * reader.packs.reduce((sum, pack) => sum + pack.objectCount, 0);
  }

  async start(): Promise<void> {
    const { tree, metadata, paths } = this.#options;
    // A root that cannot be read leaves nothing to restore: that is the operation's failure, not one path's.
    await this.#trees.folder(tree);
    const node = await this.#tryRead('', () => this.#metadata.root(metadata));
    if (paths === null || paths.includes('')) this.#push({ row: 0, tree, metadata: node });
    else for (const [parent, asked] of outermostByFolder(paths)) await this.#startIn(parent, asked, node);
  }

  async walk(): Promise<void> {
    const { signal, onProgress } = this.#options;
    while (this.#pending.length > 0) {
      signal?.throwIfAborted();
      const batch = this.#pending.splice(-foldersAtOnce);
      await this.#trees.prefetch(batch.flatMap(({ tree }) => (tree === null ? [] : [tree])));
      await this.#metadata.prefetch(batch.flatMap(({ metadata }) => (metadata === null ? [] : [metadata])));
      for (const folder of batch) await this.#addFolder(folder);
      await this.#assertBearable();
      onProgress?.(this.#files.count);
    }
  }

  plan(): RestorePlan {
    return {
      folders: this.#folders,
      files: this.#files,
      chunked: this.#chunked,
      links: this.#links,
      storedBytes: this.#storedBytes,
      problems: this.#problems,
    };
  }

  /** Begins at some entries of one folder, which is read once however many they are. */
  async #startIn(parent: ByteString, paths: readonly ByteString[], metadataRoot: MetadataNode | null): Promise<void> {
    const blamed = paths.length === 1 ? paths[0]! : parent;
    let node = metadataRoot;
    let row = 0;
    for (const folder of parent === '' ? [] : parent.split('/')) {
      row = this.#addFolderRow(row, folder, undefined);
      // The folders on the way are only containers here: their own times and modes may lie in packs nothing else needs.
      const above = node;
      node = above === null ? null : await this.#tryRead(blamed, () => this.#metadata.subfolder(above, folder));
    }
    const metadata = await this.#metadataOf(blamed, node);
    const lines = new Map(metadata?.lines.map((line) => [line.name, line]));
    const holder = await findEntry(this.#trees, this.#options.tree, parent);
    const held = holder?.kind === 'folder' ? await this.#trees.folder(holder.id) : [];
    const entries = new Map(held.map((entry) => [entry.name, entry]));
    for (const path of paths) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const entry = entries.get(name) ?? null;
      const line = lines.get(name);
      if (entry !== null && entry.kind !== 'folder') {
        await this.#addEntry(row, entry, line);
        continue;
      }
      if (entry === null && line?.kind !== 'folder') throw await pathUnknown(this.#trees, this.#options.tree, path);
      this.#push({
        row: this.#addFolderRow(row, name, line),
        tree: entry?.id ?? null,
        metadata: metadata?.subfolders.get(name) ?? null,
      });
    }
  }

  #push(folder: PendingFolder): void {
    if (folder.tree !== null) this.#roots.push(folder.tree);
    this.#pending.push(folder);
  }

  async #addFolder({ row, tree, metadata }: PendingFolder): Promise<void> {
    const { path } = this.#folders[row]!;
    const entries = tree === null ? [] : ((await this.#tryRead(path, () => this.#trees.folder(tree))) ?? []);
    const known = await this.#metadataOf(path, metadata);
    const lines = new Map(known?.lines.map((line) => [line.name, line]));
    for (const entry of entries) {
      const line = lines.get(entry.name);
      lines.delete(entry.name);
      if (entry.kind !== 'folder') {
        await this.#addEntry(row, entry, line);
        continue;
      }
      const child = this.#addFolderRow(row, entry.name, line);
      this.#pending.push({ row: child, tree: entry.id, metadata: known?.subfolders.get(entry.name) ?? null });
    }
    for (const line of lines.values()) {
      if (line.kind !== 'folder') continue;
      const child = this.#addFolderRow(row, line.name, line);
      this.#pending.push({ row: child, tree: null, metadata: known?.subfolders.get(line.name) ?? null });
    }
  }

  #addFolderRow(parent: number, name: ByteString, line: MetadataLine | undefined): number {
    const path = this.#pathOf(parent, name);
    const known = this.#rowOfFolder.get(path);
    // Several wanted paths may share the folders that lead to them.
    if (known !== undefined && line === undefined) return known;
    const row = this.#folders.length;
    this.#folders.push({ path, parent, permissions: line?.mode ?? null, mtimeMs: line?.mtimeMs ?? null });
    if (this.#options.paths !== null) this.#rowOfFolder.set(path, row);
    return row;
  }

  async #addEntry(folder: number, entry: SnapshotEntry, line: MetadataLine | undefined): Promise<void> {
    const path = this.#pathOf(folder, entry.name);
    const mtimeMs = line?.mtimeMs ?? null;
    if (entry.kind === 'chunked') {
      const chunks = await this.#tryRead(path, () => this.#trees.chunks(entry.id));
      if (chunks === null) return;
      for (const id of chunks.ids) this.#storedBytes += sizeOf(this.#reader.locate(id));
      const permissions = line?.mode ?? plainPermissions[chunks.executable ? 'executable' : 'file'];
      this.#chunked.push({ path, folder, chunks: chunks.ids, permissions, mtimeMs });
      return;
    }
    const at = this.#reader.locate(entry.id);
    this.#storedBytes += sizeOf(at);
    if (at === null) {
      this.#problems.push({ path, code: 'damaged', message: `object ${entry.id} is missing from the store` });
    } else if (entry.kind === 'link') {
      this.#links.push({ path, folder, id: entry.id, mtimeMs });
    } else {
      const permissions = line?.mode ?? plainPermissions[entry.kind === 'executable' ? 'executable' : 'file'];
      const { name, id } = entry;
      this.#files.add({ folder, name, id, permissions, mtimeMs: mtimeMs ?? Number.NaN, at });
    }
  }

  #pathOf(folder: number, name: ByteString): ByteString {
    const parent = this.#folders[folder]!.path;
    if (parent.length + name.length >= pathBytesMax) {
      throw treeUnsafe(
        `The snapshot holds paths longer than ${pathBytesMax} bytes: "${displayName(parent, { charsMax: 80 })}"`,
      );
    }
    return parent === '' ? name : `${parent}/${name}`;
  }

  async #metadataOf(path: ByteString, node: MetadataNode | null): Promise<FolderMetadata | null> {
    return node === null ? null : this.#tryRead(path, () => this.#metadata.folder(node));
  }

  /** Null, and a problem of this path, when what is asked for is damaged: the rest can still be restored. */
  async #tryRead<T>(path: ByteString, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      // An unsafe name is no accident: nothing of such a snapshot is written.
      if (!isDamage(error) || isHoldfastError(error, 'tree_unsafe')) throw error;
      this.#problems.push({ path, code: 'damaged', message: describeDamage(error) });
      return null;
    }
  }

  async #assertBearable(): Promise<void> {
    const entries = this.#files.count + this.#folders.length + this.#links.length + this.#chunked.length;
    if (entries > restoreEntriesMax) throw tooLarge(entries);
    if (entries <= this.#countWhenOver) return;
    this.#countWhenOver = Number.POSITIVE_INFINITY;
    let total = 0;
    for (const root of this.#roots) {
      const counts = await this.#tryRead('', () => countUnfolded(this.#trees, root));
      total += (counts?.files ?? 0) + (counts?.folders ?? 0);
    }
    if (total > restoreEntriesMax) throw tooLarge(total);
  }
}

function sizeOf(at: ObjectLocation | null): number {
  return at === null ? 0 : at.end - at.start;
}

function tooLarge(entries: number): HoldfastError {
  const count = entries.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return new HoldfastError(
    'restore_too_large',
    `This would restore ${count} files and folders; no vault holds that many.`,
    {
      hint: 'The snapshot looks made to fill a disk. Restore single paths of it, or look closer with: holdfast verify --full',
      data: { entries },
    },
  );
}
