import { closeSync, constants, fstatSync, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { decodeStatCache, encodeStatCache } from '../../format/stat-cache-format.ts';
import type { StatCache, StatCacheFile } from '../../ports/working-tree.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';

const cacheBytesMax = 2 ** 32;

/**
 * Keeps the stat cache in one file. Saving replaces it by a rename without fsync: after a power cut the checksum
 * tells a torn file, and a cache that cannot be read only costs one full read of the vault.
 *
 * `load` returns null for a missing, damaged or older file and for one written on another machine, where equal inodes
 * and times mean nothing. `save` throws HoldfastError of kind local.
 */
export function openStatCacheFile(path: string, machineId: string): StatCacheFile {
  return {
    load: async () => load(path, machineId),
    save: async (cache) => save(path, machineId, cache),
  };
}

function load(path: string, machineId: string): StatCache | null {
  const bytes = readShared(path);
  const decoded = bytes === null ? null : decodeStatCache(bytes);
  if (decoded === null || decoded.header.machine !== machineId) return null;
  const { machine: _, ...about } = decoded.header;
  return { tree: decoded.tree, memory: decoded.memory, ...about };
}

/** Reads the whole file into shared memory, so that scanning threads can look at it without a copy of their own. */
function readShared(path: string): Uint8Array | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > cacheBytesMax) return null;
    const bytes = new Uint8Array(new SharedArrayBuffer(stat.size));
    for (let done = 0; done < bytes.length;) {
      const count = readSync(fd, bytes, done, Math.min(bytes.length - done, 1 << 30), null);
      if (count === 0) return null;
      done += count;
    }
    return bytes;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function save(path: string, machineId: string, cache: StatCache): void {
  const { tree, memory, ...about } = cache;
  const header = { machine: machineId, ...about };
  const temporary = `${path}.${process.pid}.tmp`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  try {
    const fd = openSync(temporary, flags, 0o600);
    try {
      for (const piece of encodeStatCache({ header, tree, memory })) writeFully(fd, piece);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // The first error is the one to report; a leftover temporary file is overwritten by the next save.
    }
    throw mapFsError(error, 'save the stat cache');
  }
}
