import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { chunkBytes, chunkCountOf, sealChunk, type SealedObject, sealedSizeOf } from '../../format/sealed-object.ts';
import type { Sha256 } from '../../model/ids.ts';
import { writeFully } from '../fs/durable-write.ts';
import { bodyDamaged, openRegular } from './directory-files.ts';

/** A file to seal into another; goes to a thread as it is. */
export interface SealJob {
  readonly from: string;
  /** Must not exist. */
  readonly to: string;
  /** Made for these very bytes. */
  readonly object: SealedObject;
  readonly sha256: Sha256;
}

export interface SealedFile {
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

const chunksAtOnce = 16;

/**
 * Seals a file, piece by piece. Nothing may leave this machine before it returns: only then is it proved that the file is the
 * one its checksum, and so the key, was made for.
 * @throws {HoldfastError} `spool_damaged` when it is not
 */
export function sealFile(job: SealJob): SealedFile {
  const source = openRegular(job.from);
  if (source === null) throw bodyDamaged(job.from);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  let to: number | null = null;
  try {
    if (source.sizeBytes !== job.object.sizeBytes) throw bodyDamaged(job.from);
    to = openSync(job.to, flags, 0o600);
    return sealInto(job, source.fd, to);
  } finally {
    closeSync(source.fd);
    if (to !== null) closeSync(to);
  }
}

function sealInto(job: SealJob, from: number, to: number): SealedFile {
  const { object } = job;
  const [plainHash, sealedHash] = [createHash('sha256'), createHash('sha256')];
  const write = (bytes: Uint8Array): void => {
    sealedHash.update(bytes);
    writeFully(to, bytes);
  };
  write(object.header);
  const buffer = Buffer.allocUnsafe(chunksAtOnce * chunkBytes);
  const chunkCount = chunkCountOf(object.sizeBytes);
  for (let first = 0; first < chunkCount; first += chunksAtOnce) {
    const start = first * chunkBytes;
    const piece = buffer.subarray(0, Math.min(buffer.length, object.sizeBytes - start));
    readAll(job.from, { fd: from, target: piece, position: start });
    plainHash.update(piece);
    const parts: Buffer[] = [];
    for (let at = 0, chunk = first; chunk < Math.min(chunkCount, first + chunksAtOnce); at += chunkBytes, chunk++) {
      parts.push(...sealChunk(object, chunk, piece.subarray(at, at + chunkBytes)));
    }
    write(Buffer.concat(parts));
  }
  if (plainHash.digest('hex') !== job.sha256) throw bodyDamaged(job.from);
  return { sizeBytes: sealedSizeOf(object.sizeBytes), sha256: sealedHash.digest('hex') as Sha256 };
}

function readAll(path: string, { fd, target, position }: { fd: number; target: Uint8Array; position: number }): void {
  for (let done = 0; done < target.length;) {
    const got = readSync(fd, target, done, target.length - done, position + done);
    if (got === 0) throw bodyDamaged(path);
    done += got;
  }
}
