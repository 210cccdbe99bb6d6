import { readStoredName, trueNameEntry } from '../format/chunked-name.ts';
import { displayName } from '../format/display-name.ts';
import { objectCorrupt, treeUnsafe } from '../format/git/corrupt.ts';
import { decodeTree } from '../format/git/tree-codec.ts';
import { ByteLru } from '../lib/byte-lru.ts';
import { byteStringOf, type ByteString } from '../lib/bytes.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import { pathComponentProblem } from '../model/path-policy.ts';
import { fileModes, type TreeEntry } from '../model/tree.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { isDamage, readMany } from './read-many.ts';

export type SnapshotEntryKind = 'file' | 'executable' | 'link' | 'folder' | 'chunked';

/** One entry of a folder of a snapshot, with its true name. `id` is a blob, for folders and chunked files a tree. */
export interface SnapshotEntry {
  readonly name: ByteString;
  readonly kind: SnapshotEntryKind;
  readonly id: ObjectId;
}

/** A file kept in chunks. */
export interface Chunks {
  /** Blobs in order; together they are the file. */
  readonly ids: readonly ObjectId[];
  readonly executable: boolean;
  /** Where the entry's name is shortened, the blob that holds the true one. */
  readonly trueName: ObjectId | null;
}

/**
 * The folders of snapshot trees, read when asked for and remembered, so that a look at one file reads only what leads
 * to it and a walk over many snapshots reads shared folders once. Every name is checked before it is given out.
 */
export interface TreeReader {
  /** @throws {HoldfastError} `tree_unsafe`, or why the tree cannot be read */
  folder(id: ObjectId): Promise<readonly SnapshotEntry[]>;
  chunks(id: ObjectId): Promise<Chunks>;
  /** Reads many folders with few requests, for the `folder` calls that follow. What fails here fails again there. */
  prefetch(ids: Iterable<ObjectId>): Promise<void>;
}

const cacheBytes = 16 * 1024 * 1024;
// A decoded entry costs more than its bytes: objects and strings.
const decodedFactor = 6;
const treeBytesMax = 256 * 1024 * 1024;
const nameBytesMax = 4096;
const chunkNamePattern = /^\d{8}$/;

export function openTreeReader(reader: ObjectReader, options: { signal?: AbortSignal | undefined } = {}): TreeReader {
  const folders = new ByteLru<ObjectId, readonly SnapshotEntry[]>(cacheBytes);
  const { signal } = options;
  const readOptions = { sizeBytesMax: treeBytesMax, ...(signal === undefined ? {} : { signal }) };

  async function keep(id: ObjectId, content: Uint8Array): Promise<readonly SnapshotEntry[]> {
    const entries = await namedEntries(decodeTree(content), { chunks, readName });
    folders.set(id, entries, content.length * decodedFactor);
    return entries;
  }

  async function readTree(id: ObjectId): Promise<Uint8Array> {
    const { type, content } = await reader.read(id, readOptions);
    if (type !== 'tree') throw objectCorrupt(`The object ${id} is a ${type} where a tree should be.`);
    return content;
  }

  async function readName(id: ObjectId): Promise<ByteString> {
    const { content } = await reader.read(id, { ...readOptions, sizeBytesMax: nameBytesMax });
    return byteStringOf(content);
  }

  async function chunks(id: ObjectId): Promise<Chunks> {
    return chunksOf(decodeTree(await readTree(id)));
  }

  return {
    async folder(id) {
      return folders.get(id) ?? (await keep(id, await readTree(id)));
    },
    chunks,
    async prefetch(ids) {
      const missing = [...ids].filter((id) => folders.get(id) === undefined);
      for (const [id, { type, content }] of await readMany(reader, missing, options)) {
        try {
          if (type === 'tree') await keep(id, content);
        } catch (error) {
          if (!isDamage(error)) throw error;
        }
      }
    },
  };
}

interface NameSources {
  chunks(id: ObjectId): Promise<Chunks>;
  readName(id: ObjectId): Promise<ByteString>;
}

/**
 * Gives entries their true names. A stored name may be harmless where the true one is not (".git" + mark), and two stored
 * names may stand for one true name, so both checks of the tree are made again.
 */
async function namedEntries(tree: readonly TreeEntry[], sources: NameSources): Promise<SnapshotEntry[]> {
  const entries: SnapshotEntry[] = [];
  let isRenamed = false;
  for (const { name: stored, mode, id } of tree) {
    const read = readStoredName(stored);
    if (read.kind === 'plain') {
      isRenamed ||= read.name !== stored;
      entries.push({ name: read.name, kind: kindOf(mode, stored), id });
      continue;
    }
    if (mode !== fileModes.tree)
      throw treeUnsafe(`"${displayName(stored)}" is marked as a file in chunks but is none.`);
    isRenamed = true;
    const name = read.kind === 'chunked-shortened' ? await trueName(id, read.isTrueName, sources) : read.name;
    entries.push({ name, kind: 'chunked', id });
  }
  if (isRenamed) assertNames(entries);
  return entries;
}

async function trueName(
  id: ObjectId,
  isTrueName: (name: ByteString) => boolean,
  sources: NameSources,
): Promise<ByteString> {
  const blob = (await sources.chunks(id)).trueName;
  const name = blob === null ? '' : await sources.readName(blob);
  if (!isTrueName(name)) throw treeUnsafe(`The file in chunks ${id} does not say its true name.`);
  return name;
}

function assertNames(entries: readonly SnapshotEntry[]): void {
  const seen = new Set<ByteString>();
  for (const { name, kind } of entries) {
    const problem = pathComponentProblem(name, kind === 'link') ?? (seen.has(name) ? 'it occurs twice' : null);
    if (problem !== null) throw treeUnsafe(`The name "${displayName(name)}" is refused: ${problem}.`);
    seen.add(name);
  }
}

function kindOf(mode: number, name: ByteString): SnapshotEntryKind {
  switch (mode) {
    case fileModes.file:
      return 'file';
    case fileModes.executable:
      return 'executable';
    case fileModes.link:
      return 'link';
    case fileModes.tree:
      return 'folder';
    default:
      throw treeUnsafe(`"${displayName(name)}" is a submodule pointer, which no snapshot holds.`);
  }
}

function chunksOf(entries: readonly TreeEntry[]): Chunks {
  const ids: ObjectId[] = [];
  let executable: boolean | null = null;
  let trueName: ObjectId | null = null;
  for (const { name, mode, id } of entries) {
    if (name === trueNameEntry && mode === fileModes.file) {
      trueName = id;
      continue;
    }
    const isExecutable = mode === fileModes.executable;
    const isChunk = (isExecutable || mode === fileModes.file) && chunkNamePattern.test(name);
    // Tree order is the order of these names, so a gap or a mixture is the only thing left to look for.
    if (!isChunk || Number(name) !== ids.length || (executable ?? isExecutable) !== isExecutable) {
      throw new HoldfastError('object_corrupt', 'The list of chunks of a large file is malformed.', {
        hint: 'Look closer with: holdfast verify --full',
      });
    }
    executable = isExecutable;
    ids.push(id);
  }
  return { ids, executable: executable ?? false, trueName };
}
