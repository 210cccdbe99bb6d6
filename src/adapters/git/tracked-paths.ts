import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '../../lib/bytes.ts';
import { joinSharedIndex } from '../../format/git-index-link.ts';
import { lowerBound, rowStartsWith } from '../../format/git-index-paths.ts';
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
  /** A sparse index keeps a folder as one entry, "folder/", for everything below it. */
  const isInSparseFolder = (path: ByteString, row: number): boolean => {
    const end = paths.ends[row - 1];
    if (end === undefined || paths.bytes[end - 1] !== slash) return false;
    return rowStartsWith(paths, row - 1, path.slice(0, end - paths.starts[row - 1]!));
  };
  const hasExactly = (path: ByteString, row: number): boolean =>
    paths.ends[row]! - paths.starts[row]! === path.length && rowStartsWith(paths, row, path);
  return {
    hasFile(relativePath) {
      const path = prefix + relativePath;
      const row = lowerBound(paths, path);
      return hasExactly(path, row) || isInSparseFolder(path, row);
    },
    hasFolder(relativePath) {
      const name = prefix + relativePath;
      const path = name === '' || name.endsWith('/') ? name : `${name}/`;
      const row = lowerBound(paths, path);
      if (rowStartsWith(paths, row, path) || isInSparseFolder(path, row)) return true;
      const bare = path.slice(0, -1);
      const bareRow = lowerBound(paths, bare);
      return hasExactly(bare, bareRow) && paths.submodule[bareRow] === 1;
    },
  };
}

const sizeBytesMax = 1 << 30;
const slash = 0x2f;
const empty = new Uint8Array(0);
const noRows = new Uint32Array(0);
