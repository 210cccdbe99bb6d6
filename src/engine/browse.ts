import { type ByteString, compareByteStrings } from '../lib/bytes.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { findEntry, pathUnknown } from './find-path.ts';
import { isDamage } from './read-many.ts';
import { type FolderMetadata, type MetadataNode, type MetadataReader, openMetadataReader } from './read-metadata.ts';
import { openTreeReader, type SnapshotEntry, type TreeReader } from './read-tree.ts';

/** One entry of a restore point. */
export interface ListedEntry {
  readonly path: ByteString;
  /** Null for folders that only metadata knows: empty ones. */
  readonly entry: SnapshotEntry | null;
  /** Permission bits and time; null where the metadata does not say. */
  readonly permissions: number | null;
  readonly mtimeMs: number | null;
}

/** A restore point open for looking around. */
export interface Browser {
  readonly reader: ObjectReader;
  readonly trees: TreeReader;
  /**
   * Yields what lies in a folder ('' for the vault), or one file itself, in byte order; with `recursive` everything below, each folder
   * before what is in it.
   * @throws {HoldfastError} `path_unknown`
   */
  list(path: ByteString, options?: { recursive?: boolean }): AsyncGenerator<ListedEntry>;
  /** @throws {HoldfastError} `path_unknown` */
  find(path: ByteString): Promise<SnapshotEntry>;
}

/** Opens a snapshot for `ls` and `cat`: every call reads only what it needs. */
export function openBrowser(
  reader: ObjectReader,
  record: Pick<SnapshotRecord, 'tree' | 'metadata'>,
  options: { signal?: AbortSignal | undefined } = {},
): Browser {
  const trees = openTreeReader(reader, options);
  const metadata = openMetadataReader(reader, options);
  const context: Context = { trees, metadata, signal: options.signal };

  async function* list(path: ByteString, { recursive = false } = {}): AsyncGenerator<ListedEntry> {
    const entry = await findEntry(trees, record.tree, path);
    const parent = await nodeOf(context, record, path.split('/').slice(0, -1));
    const name = path.slice(path.lastIndexOf('/') + 1);
    const known = path === '' ? null : await folderOf(context, parent);
    const line = known?.lines.find((candidate) => candidate.name === name);
    if (entry !== null && entry.kind !== 'folder') {
      yield { path, entry, permissions: line?.mode ?? null, mtimeMs: line?.mtimeMs ?? null };
      return;
    }
    if (entry === null && line?.kind !== 'folder') throw await pathUnknown(trees, record.tree, path);
    const node = path === '' ? await nodeOf(context, record, []) : (known?.subfolders.get(name) ?? null);
    yield* listFolder(context, { path, entry, node }, recursive);
  }

  return {
    reader,
    trees,
    list,
    async find(path) {
      const entry = await findEntry(trees, record.tree, path);
      if (entry === null) throw await pathUnknown(trees, record.tree, path);
      return entry;
    },
  };
}

interface Context {
  readonly trees: TreeReader;
  readonly metadata: MetadataReader;
  readonly signal: AbortSignal | undefined;
}

interface OpenedFolder {
  readonly path: ByteString;
  readonly entry: SnapshotEntry | null;
  readonly node: MetadataNode | null;
}

async function* listFolder(context: Context, folder: OpenedFolder, recursive: boolean): AsyncGenerator<ListedEntry> {
  context.signal?.throwIfAborted();
  const entries = folder.entry === null ? [] : await context.trees.folder(folder.entry.id);
  const known = await folderOf(context, folder.node);
  const lines = new Map(known?.lines.map((line) => [line.name, line]));
  const prefix = folder.path === '' ? '' : `${folder.path}/`;
  const rows: { name: ByteString; row: ListedEntry; isFolder: boolean }[] = [];
  for (const entry of entries) {
    const line = lines.get(entry.name);
    lines.delete(entry.name);
    const row = { path: prefix + entry.name, entry, permissions: line?.mode ?? null, mtimeMs: line?.mtimeMs ?? null };
    rows.push({ name: entry.name, row, isFolder: entry.kind === 'folder' });
  }
  for (const { kind, name, mode, mtimeMs } of lines.values()) {
    if (kind !== 'folder') continue;
    rows.push({ name, row: { path: prefix + name, entry: null, permissions: mode, mtimeMs }, isFolder: true });
  }
  rows.sort((a, b) => compareByteStrings(a.name, b.name));
  if (recursive) await prefetchFolders(context, rows, known);
  for (const { name, row, isFolder } of rows) {
    yield row;
    if (!recursive || !isFolder) continue;
    yield* listFolder(context, { path: row.path, entry: row.entry, node: known?.subfolders.get(name) ?? null }, true);
  }
}

async function prefetchFolders(
  context: Context,
  rows: readonly { name: ByteString; row: ListedEntry; isFolder: boolean }[],
  known: FolderMetadata | null,
): Promise<void> {
  const folders = rows.filter(({ isFolder }) => isFolder);
  await context.trees.prefetch(folders.flatMap(({ row }) => row.entry?.id ?? []));
  await context.metadata.prefetch(folders.flatMap(({ name }) => known?.subfolders.get(name) ?? []));
}

/** The metadata node of a folder; null where metadata is missing or damaged: names and contents are still worth listing. */
async function nodeOf(
  context: Context,
  record: Pick<SnapshotRecord, 'metadata'>,
  names: readonly ByteString[],
): Promise<MetadataNode | null> {
  let node = await unlessDamaged(() => context.metadata.root(record.metadata));
  for (const name of names) node = (await folderOf(context, node))?.subfolders.get(name) ?? null;
  return node;
}

async function folderOf(context: Context, node: MetadataNode | null): Promise<FolderMetadata | null> {
  return node === null ? null : unlessDamaged(() => context.metadata.folder(node));
}

async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}
