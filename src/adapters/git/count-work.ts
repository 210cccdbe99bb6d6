import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type GitIndexEntry, readGitIndexEntries } from '../../format/git-index-entries.ts';
import { parseGitIndex } from '../../format/git-index.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { entryFlags, modeBits, type VaultTree } from '../../model/vault-tree.ts';
import type { WorkCounts } from '../../ports/git-repository.ts';
import { joinBytePath } from '../fs/byte-path.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import type { Repository } from './inspect-repository.ts';
import { readGitFile } from './read-git-file.ts';

const indexBytesMax = 1 << 28;

/**
 * Counts tracked files that differ from the index and files of the vault that git does not track, from a scan of the vault: no git
 * program, no file read. A file whose stat data and content both differ counts as changed. Null where the index cannot tell
 * (SHA-256, split, sparse).
 */
export function countWork(
  repository: Repository,
  work: { readonly tree: VaultTree; readonly root: string; readonly except: ByteString },
): WorkCounts | null {
  if (repository.hashBytes !== 20 || !repository.isVaults) return null;
  try {
    const bytes = readGitFile(join(repository.place.gitDir, 'index'), { sizeBytesMax: indexBytesMax });
    const tracked = new Map<ByteString, GitIndexEntry>();
    if (bytes !== null && parseGitIndex(bytes, 20).link !== null) return null;
    for (const entry of bytes === null ? [] : readGitIndexEntries(bytes)) {
      // A folder as one entry: a sparse index.
      if (entry.path.endsWith('/')) return null;
      tracked.set(entry.path, entry);
    }
    return compare(tracked, work);
  } catch {
    return null;
  }
}

function compare(
  tracked: Map<ByteString, GitIndexEntry>,
  { tree, root, except }: { readonly tree: VaultTree; readonly root: string; readonly except: ByteString },
): WorkCounts {
  let dirty = 0;
  let untracked = 0;
  for (const { path, row } of filesOf(tree)) {
    const entry = tracked.get(path);
    if (entry === undefined) {
      if (!path.startsWith(`${except}/`)) untracked++;
      continue;
    }
    tracked.delete(path);
    if (!entry.isSkipped && (entry.stage > 0 || isChanged(tree, row, entry))) dirty++;
  }
  // What git tracks and no scan sees: gone, or out of our scope.
  for (const { path, isFile, isSkipped } of tracked.values()) {
    if (isFile && !isSkipped && isGone(root, path)) dirty++;
  }
  return { dirty, untracked };
}

function* filesOf(tree: VaultTree): Generator<{ path: ByteString; row: number }> {
  for (let folder = 0; folder < tree.folderCount; folder++) {
    const prefix = folder === 0 ? '' : `${tree.folderPath(folder)}/`;
    const start = tree.folderEntryStarts[folder]!;
    const end = start + tree.folderEntryCounts[folder]!;
    for (let row = start; row < end; row++) {
      if (!tree.isFolder(row)) yield { path: prefix + tree.name(row), row };
    }
  }
}

function isChanged(tree: VaultTree, row: number, entry: GitIndexEntry): boolean {
  if (tree.sizes[row] === entry.sizeBytes && Math.abs(tree.mtimes[row]! - entry.mtimeMs) < 1) return false;
  const flags = tree.flags[row]!;
  const isKnown = (flags & (entryFlags.hasId | entryFlags.chunked)) === entryFlags.hasId;
  const isSameKind = ((tree.modes[row]! & modeBits.kindMask) === modeBits.file) === entry.isFile;
  return !(isKnown && isSameKind && tree.id(row) === entry.id);
}

function isGone(root: string, path: ByteString): boolean {
  try {
    lstatSync(joinBytePath(root, path));
    return false;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(systemCode(error));
  }
}
