import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '../../lib/bytes.ts';
import { joinSharedIndex } from '../../format/git-index-link.ts';
import { differingPaths, lowerBound, rowStartsWith } from '../../format/git-index-paths.ts';
import type { IndexPaths } from '../../format/git-index-paths.ts';
import { parseGitIndex } from '../../format/git-index.ts';
import type { TrackedPaths } from '../../ports/working-tree.ts';
import type { Repository } from './inspect-repository.ts';
import { cannotRead, readGitFile } from './read-git-file.ts';

/** Names the state of the index file: changes whenever git writes it. 'none' when there is no index yet. */
export function indexSignature({ place }: Repository): string {
  const stat = lstatSync(join(place.gitDir, 'index'), { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

/**
 * Reads the index of this work tree, joined with its shared index where it is split.
 * @throws {HoldfastError} `object_corrupt`, `local_io` when it cannot be read rightly
 */
export function readIndexPaths({ place, hashBytes }: Repository): IndexPaths {
  const bytes = readGitFile(join(place.gitDir, 'index'), { sizeBytesMax });
  if (bytes === null) return { bytes: empty, starts: noRows, ends: noRows, submodule: empty };
  const { paths, link } = parseGitIndex(bytes, hashBytes);
  if (link === null) return paths;
  const sharedPath = join(place.gitDir, `sharedindex.${link.base}`);
  const shared = readGitFile(sharedPath, { sizeBytesMax });
  if (shared === null) throw cannotRead(sharedPath, 'the index stands on it, and it is gone');
  return joinSharedIndex(paths, link, parseGitIndex(shared, hashBytes).paths);
}

/** Answers for paths relative to the vault, which lies at `prefix` ('' or ending in '/') within the work tree. */
export function trackedBelow(paths: IndexPaths, prefix: ByteString): TrackedPaths {
  return new TrackedBelow(paths, prefix);
}

class TrackedBelow implements TrackedPaths {
  readonly #paths: IndexPaths;
  readonly #prefix: ByteString;

  constructor(paths: IndexPaths, prefix: ByteString) {
    this.#paths = paths;
    this.#prefix = prefix;
  }

  hasFile(relativePath: ByteString): boolean {
    const path = this.#prefix + relativePath;
    const row = lowerBound(this.#paths, path);
    return this.#hasExactly(path, row) || this.#isInSparseFolder(path, row);
  }

  hasFolder(relativePath: ByteString): boolean {
    const name = this.#prefix + relativePath;
    const path = name === '' || name.endsWith('/') ? name : `${name}/`;
    const row = lowerBound(this.#paths, path);
    if (rowStartsWith(this.#paths, row, path) || this.#isInSparseFolder(path, row)) return true;
    const bare = path.slice(0, -1);
    const bareRow = lowerBound(this.#paths, bare);
    return this.#hasExactly(bare, bareRow) && this.#paths.submodule[bareRow] === 1;
  }

  changedSince(before: TrackedPaths, countMax: number): readonly ByteString[] | null {
    if (!(before instanceof TrackedBelow) || before.#prefix !== this.#prefix) return null;
    const prefix = this.#prefix;
    const found: ByteString[] = [];
    for (const path of differingPaths(before.#paths, this.#paths)) {
      // A folder that a sparse index keeps whole stands for everything below it.
      if (path.endsWith('/')) return null;
      if (!path.startsWith(prefix)) continue;
      if (found.length === countMax) return null;
      found.push(path.slice(prefix.length));
    }
    return found;
  }

  #hasExactly(path: ByteString, row: number): boolean {
    const { starts, ends } = this.#paths;
    return ends[row]! - starts[row]! === path.length && rowStartsWith(this.#paths, row, path);
  }

  /** A sparse index keeps a folder as one entry, "folder/", for everything below it. */
  #isInSparseFolder(path: ByteString, row: number): boolean {
    const { bytes, starts, ends } = this.#paths;
    const end = ends[row - 1];
    if (end === undefined || bytes[end - 1] !== slash) return false;
    return rowStartsWith(this.#paths, row - 1, path.slice(0, end - starts[row - 1]!));
  }
}

const sizeBytesMax = 1 << 30;
const slash = 0x2f;
const empty = new Uint8Array(0);
const noRows = new Uint32Array(0);
