import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { StorageBody } from '../../ports/object-storage.ts';
import { bodyDamaged, openRegular, readFully } from './directory-files.ts';

/** Number of bytes of a body. */
export function sizeOfBody(body: StorageBody): number {
  return body.kind === 'bytes' ? body.bytes.length : body.sizeBytes;
}

/** The whole body in memory. A file that is not what it was sealed as is `spool_damaged`. */
export async function readBody(body: StorageBody, signal?: AbortSignal): Promise<Buffer> {
  for await (const part of readParts(body, Math.max(1, sizeOfBody(body)), signal)) return part.bytes;
  return Buffer.alloc(0);
}

/**
 * Yields the body in parts of `partSizeBytes` (the last may be shorter), each a buffer of its own, numbered from 1. After
 * the last the whole is checked against the body's SHA-256.
 * @throws {HoldfastError} `spool_damaged`
 */
export async function* readParts(
  body: StorageBody,
  partSizeBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly number: number; readonly bytes: Buffer }> {
  if (body.kind === 'bytes') {
    const all = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.byteLength);
    for (let start = 0, number = 1; start < all.length; start += partSizeBytes, number++) {
      yield { number, bytes: all.subarray(start, start + partSizeBytes) };
    }
    return;
  }
  const file = openRegular(body.path);
  if (file === null) throw bodyDamaged(body.path);
  try {
    if (file.sizeBytes !== body.sizeBytes) throw bodyDamaged(body.path);
    const hash = createHash('sha256');
    for (let start = 0, number = 1; start < body.sizeBytes; start += partSizeBytes, number++) {
      signal?.throwIfAborted();
      const bytes = Buffer.allocUnsafeSlow(Math.min(partSizeBytes, body.sizeBytes - start));
      if ((await readFully(file.fd, bytes, start, signal)) !== bytes.length) throw bodyDamaged(body.path);
      hash.update(bytes);
      // The last part is held back until the whole has proved right: without it nothing can be completed.
      if (start + bytes.length === body.sizeBytes && hash.digest('hex') !== body.sha256) throw bodyDamaged(body.path);
      yield { number, bytes };
    }
  } finally {
    closeSync(file.fd);
  }
}
