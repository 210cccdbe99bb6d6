import { hash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { objectCorrupt } from '../../format/git/corrupt.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { GitObject } from '../../ports/object-reader.ts';
import type { ObjectType } from '../../ports/object-writer.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { objectBytesInMemoryMax } from './local-pack.ts';
import { lstatIfThere, readGitFile } from './read-git-file.ts';

/**
 * Reads one loose object and checks it against its name. Null when it is gone; 'large' when it is more than memory
 * should hold.
 * @throws {HoldfastError} `object_corrupt` when it is empty, malformed or not what its name says; `local_io` when unreadable
 */
export function readLooseObject(path: string, name: string): GitObject | 'large' | null {
  const stat = lstatIfThere(path);
  if (stat === null) return null;
  if (stat.size > objectBytesInMemoryMax) return 'large';
  const compressed = readGitFile(path, { sizeBytesMax: objectBytesInMemoryMax });
  if (compressed === null) return null;
  if (compressed.length === 0) throw objectCorrupt('The file is empty.');
  let inflated: Buffer;
  try {
    const options = {
      maxOutputLength: objectBytesInMemoryMax + looseHeaderBytesMax,
      // Room for most objects in one piece, without 16 KiB of garbage for each of many small ones.
      chunkSize: Math.max(256, Math.min(compressed.length * 4, 1 << 20)),
      info: true,
    };
    // The types do not know that `info` changes the answer.
    const result = inflateSync(compressed, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    inflated = result.buffer;
    if (result.engine.bytesWritten !== compressed.length) throw objectCorrupt('Bytes follow the object.');
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') return 'large';
    throw isHoldfastError(error) ? error : objectCorrupt('It does not inflate.', error);
  }
  const header = parseLooseHeader(inflated);
  if (header.dataStart + header.sizeBytes !== inflated.length) throw objectCorrupt('It has another size than it says.');
  if (hash('sha1', inflated, 'hex') !== name) throw objectCorrupt('It does not have the content its name promises.');
  return { type: header.type, content: inflated.subarray(header.dataStart) };
}

/** Longest "type size\0" that a loose object can begin with. */
export const looseHeaderBytesMax = 32;

/** @throws {HoldfastError} `object_corrupt` when `bytes` does not begin as an object does */
export function parseLooseHeader(bytes: Buffer): { type: ObjectType; sizeBytes: number; dataStart: number } {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, looseHeaderBytesMax));
  const match = /^(commit|tree|blob|tag) (0|[1-9]\d{0,15})\0/.exec(text);
  if (match === null) throw objectCorrupt('It does not begin as an object does.');
  return { type: match[1] as ObjectType, sizeBytes: Number(match[2]), dataStart: match[0].length };
}
