import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fsyncSync, fstatSync, openSync, readFileSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { packCorrupt } from '../../format/git/corrupt.ts';
import { decodePackHeader, packHeaderBytes, packTrailerBytes } from '../../format/git/pack-entry.ts';
import { parsePackIndex } from '../../format/git/pack-index.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { SealedPack } from '../../ports/object-writer.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import type { CopyJob } from './pack-job.ts';
import { createTemporaryFile, removeQuietly, writeNewFile } from './temporary-file.ts';

const readBytes = 1024 * 1024;

/**
 * Copies a foreign pack and its index unchanged, proving on the way that its bytes match its trailing checksum and that
 * the index belongs to it. Blocks; checks `canceled` between pieces.
 * @throws {HoldfastError} `pack_corrupt` when something does not match, `canceled`
 */
export function copyPack(job: CopyJob): SealedPack {
  const source = openSync(job.packPath, constants.O_RDONLY);
  const { path, fd } = createTemporaryFile(job.directory);
  try {
    const copied = copyBytes(job, source, fd);
    const indexBytes = readFileSync(job.indexPath);
    const packIndex = parsePackIndex(indexBytes, { packSizeBytes: copied.sizeBytes });
    if (packIndex.packHash !== copied.trailer || packIndex.objectCount !== copied.objectCount) {
      throw packCorrupt('The index beside a pack of the repository belongs to another pack.');
    }
    fsyncSync(fd);
    const packPath = join(job.directory, `pack-${copied.trailer}.pack`);
    renameSync(path, packPath);
    return {
      hash: copied.trailer,
      packPath,
      sizeBytes: copied.sizeBytes,
      sha256: copied.sha256,
      indexPath: writeNewFile(job.directory, `pack-${copied.trailer}.idx`, indexBytes),
      indexSizeBytes: indexBytes.length,
      indexSha256: hash('sha256', indexBytes, 'hex') as Sha256,
      objectCount: packIndex.objectCount,
    };
  } catch (error) {
    removeQuietly(path);
    throw mapFsError(error, 'copy a pack of the repository');
  } finally {
    closeSync(fd);
    closeSync(source);
  }
}

interface CopiedBytes {
  readonly sizeBytes: number;
  readonly objectCount: number;
  readonly trailer: string;
  readonly sha256: Sha256;
}

function copyBytes(job: CopyJob, source: number, target: number): CopiedBytes {
  const sizeBytes = fstatSync(source).size;
  if (sizeBytes < packHeaderBytes + packTrailerBytes) throw broken('is too short');
  const hashedEnd = sizeBytes - packTrailerBytes;
  const sha1 = createHash('sha1');
  const sha256 = createHash('sha256');
  const buffer = Buffer.allocUnsafe(readBytes);
  const trailer = Buffer.alloc(packTrailerBytes);
  let objectCount: number | null = null;
  for (let at = 0; at < sizeBytes;) {
    if (Atomics.load(job.canceled, 0) === 1) throw new HoldfastError('canceled', 'Copying a pack was canceled.');
    const count = readFrom(source, buffer, at, sizeBytes);
    const piece = buffer.subarray(0, count);
    if (at === 0) objectCount = decodePackHeader(piece);
    if (objectCount === null) throw broken('does not begin as a version 2 pack');
    sha1.update(piece.subarray(0, Math.max(0, hashedEnd - at)));
    sha256.update(piece);
    for (let i = Math.max(0, hashedEnd - at); i < count; i++) trailer[at + i - hashedEnd] = piece[i]!;
    writeFully(target, piece);
    at += count;
  }
  if (!sha1.digest().equals(trailer)) throw broken('does not match its trailing checksum');
  return {
    sizeBytes,
    objectCount: objectCount!,
    trailer: trailer.toString('hex'),
    sha256: sha256.digest('hex') as Sha256,
  };
}

/** Fills the buffer as far as the file goes: a first piece cut short would hide the header. */
function readFrom(fd: number, buffer: Buffer, position: number, sizeBytes: number): number {
  const wanted = Math.min(buffer.length, sizeBytes - position);
  let done = 0;
  while (done < wanted) {
    const count = readSync(fd, buffer, done, wanted - done, position + done);
    if (count === 0) throw broken('became shorter while it was copied');
    done += count;
  }
  return done;
}

function broken(what: string): HoldfastError {
  return packCorrupt(`A pack of the repository ${what}.`);
}
