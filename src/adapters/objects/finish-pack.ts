import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { encodePackIndex } from '../../format/git/encode-pack-index.ts';
import { encodePackHeader } from '../../format/git/pack-entry.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { SealedPack } from '../../ports/object-writer.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import type { FinishJob } from './pack-job.ts';
import { createTemporaryFile, removeQuietly, writeNewFile } from './temporary-file.ts';

const readBytes = 1024 * 1024;

/**
 * Finishes a pack: object count, trailer, fsync, final name, and its index beside it. The directory's own fsync is left to
 * the caller, once for all packs. Blocks for as long as hashing and syncing take.
 */
export function finishPack(job: FinishJob): SealedPack {
  const temporaryPath = job.body.kind === 'file' ? job.body.path : null;
  try {
    const header = encodePackHeader(job.crcs.length);
    const pack = job.body.kind === 'file' ? finishFile(job.body, header) : finishMemory(job, job.body.bytes, header);
    const packHash = pack.trailer.toString('hex');
    const packPath = join(job.directory, `pack-${packHash}.pack`);
    renameSync(pack.path, packPath);
    const indexBytes = encodePackIndex({
      ids: job.ids,
      crcs: job.crcs,
      offsets: job.offsets,
      packTrailer: pack.trailer,
    });
    return {
      hash: packHash,
      packPath,
      sizeBytes: pack.sizeBytes,
      sha256: pack.sha256,
      indexPath: writeNewFile(job.directory, `pack-${packHash}.idx`, indexBytes),
      indexSizeBytes: indexBytes.length,
      indexSha256: hash('sha256', indexBytes, 'hex') as Sha256,
      objectCount: job.crcs.length,
    };
  } catch (error) {
    if (temporaryPath !== null) removeQuietly(temporaryPath);
    throw mapFsError(error, 'write a pack');
  }
}

interface FinishedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly trailer: Buffer;
  readonly sha256: Sha256;
}

function finishMemory(job: FinishJob, bytes: Uint8Array, header: Uint8Array): FinishedFile {
  bytes.set(header);
  const trailer = Buffer.from(hash('sha1', bytes, 'hex'), 'hex');
  const sha256 = createHash('sha256').update(bytes).update(trailer).digest('hex') as Sha256;
  const { path, fd } = createTemporaryFile(job.directory);
  try {
    writeFully(fd, bytes);
    writeFully(fd, trailer);
    fsyncSync(fd);
  } catch (error) {
    removeQuietly(path);
    throw error;
  } finally {
    closeSync(fd);
  }
  return { path, sizeBytes: bytes.length + trailer.length, trailer, sha256 };
}

/** The object count stands in the header and the trailer covers it, so a streamed pack is read once more to be hashed. */
function finishFile(body: { path: string; sizeBytes: number }, header: Uint8Array): FinishedFile {
  const fd = openSync(body.path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  try {
    writeFully(fd, header, 0);
    const sha1 = createHash('sha1');
    const sha256 = createHash('sha256');
    const buffer = Buffer.allocUnsafe(readBytes);
    for (let at = 0; at < body.sizeBytes;) {
      const count = readSync(fd, buffer, 0, Math.min(buffer.length, body.sizeBytes - at), at);
      if (count === 0) throw new HoldfastError('local_io', 'A pack being written became shorter.');
      const piece = buffer.subarray(0, count);
      sha1.update(piece);
      sha256.update(piece);
      at += count;
    }
    const trailer = sha1.digest();
    writeFully(fd, trailer, body.sizeBytes);
    fsyncSync(fd);
    const digest = sha256.update(trailer).digest('hex') as Sha256;
    return { path: body.path, sizeBytes: body.sizeBytes + trailer.length, trailer, sha256: digest };
  } finally {
    closeSync(fd);
  }
}
