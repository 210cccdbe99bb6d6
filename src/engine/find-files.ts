import { type ByteString, compareByteStrings } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { isDamage } from './read-many.ts';
import { openTreeReader, type SnapshotEntry, type TreeReader } from './read-tree.ts';

/** A path that matched, in one or more restore points. */
export interface FoundPath {
  readonly path: ByteString;
  /** The newest version. */
  readonly entry: SnapshotEntry;
  /** Newest and oldest point that have the path. */
  readonly newest: RestorePoint;
  readonly oldest: RestorePoint;
  readonly pointCount: number;
  /** Distinct contents. */
  readonly versionCount: number;
  /** True when the newest of the points searched has it. */
  readonly isCurrent: boolean;
}

export interface FindOptions {
  /** Newest first. */
  readonly points: readonly RestorePoint[];
  /** Decides by the whole path of a file, link or folder. */
  readonly matches: (path: ByteString, name: ByteString) => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((pointsDone: number) => void) | undefined;
}

export interface FindResult {
  /** In byte order of paths. */
  readonly found: readonly FoundPath[];
  /** Folders that could not be read, by path and point: there may be more in them. */
  readonly unreadable: readonly { readonly path: ByteString; readonly point: RestorePoint }[];
}

/** Finds paths in restore points. A folder that many points share at one place is searched once. */
export async function findFiles(reader: ObjectReader, options: FindOptions): Promise<FindResult> {
  const { points, signal } = options;
  const search = new Search(openTreeReader(reader, { signal }), options);
  const found = new Map<ByteString, Tally>();
  const unreadable: { path: ByteString; point: RestorePoint }[] = [];
  for (const [i, point] of points.entries()) {
    signal?.throwIfAborted();
    for (const hit of await search.below('', point.record.tree)) {
      if (hit.entry === null) unreadable.push({ path: hit.path, point });
      else tally(found, { path: hit.path, entry: hit.entry, point, isCurrent: i === 0 });
    }
    options.onProgress?.(i + 1);
  }
  const paths = [...found.values()].map(({ versions, ...rest }) => ({ ...rest, versionCount: versions.size }));
  return { found: paths.toSorted((a, b) => compareByteStrings(a.path, b.path)), unreadable };
}

interface Hit {
  readonly path: ByteString;
  /** Null: a folder that could not be read. */
  readonly entry: SnapshotEntry | null;
}

interface Tally {
  readonly path: ByteString;
  readonly entry: SnapshotEntry;
  readonly newest: RestorePoint;
  oldest: RestorePoint;
  pointCount: number;
  readonly versions: Set<ObjectId>;
  readonly isCurrent: boolean;
}

function tally(
  found: Map<ByteString, Tally>,
  hit: { path: ByteString; entry: SnapshotEntry; point: RestorePoint; isCurrent: boolean },
): void {
  const { path, entry, point, isCurrent } = hit;
  const known = found.get(path);
  if (known === undefined) {
    const versions = new Set([entry.id]);
    found.set(path, { path, entry, newest: point, oldest: point, pointCount: 1, versions, isCurrent });
    return;
  }
  known.oldest = point;
  known.pointCount++;
  known.versions.add(entry.id);
}

class Search {
  readonly #trees: TreeReader;
  readonly #options: FindOptions;
  /** Hits below a folder, by its path and tree: equal in every point that has this tree there. */
  readonly #known = new Map<string, readonly Hit[]>();

  constructor(trees: TreeReader, options: FindOptions) {
    this.#trees = trees;
    this.#options = options;
  }

  async below(path: ByteString, tree: ObjectId): Promise<readonly Hit[]> {
    const key = `${tree} ${path}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const hits: Hit[] = [];
    const prefix = path === '' ? '' : `${path}/`;
    const entries = await this.#entries(tree);
    if (entries === null) hits.push({ path, entry: null });
    await this.#trees.prefetch(entries?.flatMap((entry) => (entry.kind === 'folder' ? [entry.id] : [])) ?? []);
    for (const entry of entries ?? []) {
      const entryPath = prefix + entry.name;
      if (this.#options.matches(entryPath, entry.name)) hits.push({ path: entryPath, entry });
      if (entry.kind === 'folder') hits.push(...(await this.below(entryPath, entry.id)));
    }
    this.#known.set(key, hits);
    return hits;
  }

  async #entries(tree: ObjectId): Promise<readonly SnapshotEntry[] | null> {
    this.#options.signal?.throwIfAborted();
    try {
      return await this.#trees.folder(tree);
    } catch (error) {
      if (isDamage(error)) return null;
      throw error;
    }
  }
}
