import { hash } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../model/ids.ts';
import { removeQuietly, writeCacheFile } from './temporary-file.ts';

/**
 * Pack indexes and small packs on this machine's disk, named by their SHA-256 and proved by it on every reading. Only a
 * cache: what cannot be read or written here is as if it were not there.
 */
export interface PackCache {
  load(kind: CachedKind, sha256: Sha256): Uint8Array | null;
  save(kind: CachedKind, sha256: Sha256, bytes: Uint8Array): void;
  /** Takes over a finished file of ours that nothing writes to any more. */
  adopt(kind: CachedKind, sha256: Sha256, path: string): void;
}

export type CachedKind = 'idx' | 'pack';

const bytesMaxByKind: Readonly<Record<CachedKind, number>> = { idx: 512 * 1024 * 1024, pack: 512 * 1024 * 1024 };

/** Opens the cache in a directory (created when first needed); null gives a cache that keeps nothing. */
export function openPackCache(directory: string | null): PackCache {
  if (directory === null) return { load: () => null, save() {}, adopt() {} };
  const pathOf = (kind: CachedKind, sha256: Sha256): string => join(directory, `${sha256}.${kind}`);

  function store(kind: CachedKind, sha256: Sha256, write: () => void): void {
    try {
      mkdirSync(directory!, { recursive: true, mode: 0o700 });
      write();
      // Looking at every file costs too much for each saving; the name decides that one in 64 does it.
      if (sha256 < '04') trim(directory!, kind);
    } catch {
      // A full or read-only disk costs only the cache.
    }
  }

  return {
    load(kind, sha256) {
      const path = pathOf(kind, sha256);
      try {
        const bytes = readFileSync(path);
        if (hash('sha256', bytes, 'hex') === sha256) {
          if (kind === 'pack') markUsed(path);
          return bytes;
        }
        removeQuietly(path);
      } catch {
        // Not there, or not readable: not cached.
      }
      return null;
    },
    save: (kind, sha256, bytes) => store(kind, sha256, () => writeCacheFile(pathOf(kind, sha256), bytes)),
    adopt: (kind, sha256, path) => store(kind, sha256, () => linkOrCopy(path, pathOf(kind, sha256))),
  };
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system, or one without links; or it is there already.
    copyFileSync(from, to);
  }
}

/** The time of a cached pack is when it was last of use. */
function markUsed(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

/** Removes the files not used for longest until the rest fits. */
function trim(directory: string, kind: CachedKind): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(`.${kind}`))
    .map((name) => {
      const path = join(directory, name);
      const { size, mtimeMs } = statSync(path);
      return { path, size, mtimeMs };
    })
    .toSorted((a, b) => b.mtimeMs - a.mtimeMs);
  let keptBytes = 0;
  for (const { path, size } of files) {
    keptBytes += size;
    if (keptBytes > bytesMaxByKind[kind]) unlinkSync(path);
  }
}
