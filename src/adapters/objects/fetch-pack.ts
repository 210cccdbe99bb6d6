import { closeSync, constants, openSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packCorrupt } from '../../format/git/corrupt.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { PackSource } from '../../ports/object-access.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** Reads bytes `[start, end)` of one pack from where it is: at once for a directory, later for a store. */
export type FetchRange = (start: number, end: number, signal?: AbortSignal) => Uint8Array | Promise<Uint8Array>;

/** Returns the function that reads one pack, wherever it is. Its answers are new memory, not shared with anything. */
export function fetcherOf(source: PackSource, storage: ObjectStorage): FetchRange {
  const { ref, localDirectory } = source;
  const fromStore = async (start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> => {
    try {
      return await storage.get(ref.key, { range: { start, end }, signal });
    } catch (error) {
      throw isHoldfastError(error, 'object_missing') ? packMissing(ref.key, error) : error;
    }
  };
  if (localDirectory === null) return fromStore;
  const path = join(localDirectory, basename(ref.key));
  return (start, end, signal) => {
    try {
      return readFileRange(path, start, end);
    } catch (error) {
      // Gone from the spool since we looked: another process published it.
      if (isHoldfastError(error, 'pack_missing')) return fromStore(start, end, signal);
      throw error;
    }
  };
}

/** Key or local name of the index that belongs to a pack. */
export function indexNameOf(packName: string): string {
  return packName.replace(/\.pack$/, '.idx');
}

function readFileRange(path: string, start: number, end: number): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    throw systemCode(error) === 'ENOENT'
      ? packMissing(basename(path), error)
      : mapFsError(error, 'read a spooled pack');
  }
  try {
    const bytes = new Uint8Array(end - start);
    for (let done = 0; done < bytes.length;) {
      const count = readSync(fd, bytes, done, bytes.length - done, start + done);
      if (count === 0) throw packCorrupt(`The spooled pack ${basename(path)} is cut short.`);
      done += count;
    }
    return bytes;
  } catch (error) {
    throw mapFsError(error, 'read a spooled pack');
  } finally {
    closeSync(fd);
  }
}

function packMissing(key: string, cause: unknown): HoldfastError {
  // A storage that knows when it was deleted also knows how to bring it back (S12).
  if (isHoldfastError(cause, 'object_missing') && cause.data['recoverable'] === true) {
    const { message, hint, data } = cause;
    return new HoldfastError('pack_missing', message, { data, cause, ...(hint === undefined ? {} : { hint }) });
  }
  return new HoldfastError('pack_missing', `The pack ${key} is missing.`, {
    hint: 'Run `holdfast verify` to see which snapshots need it. A previous version in the bucket, or a replica, may still have it.',
    data: { key },
    cause,
  });
}
