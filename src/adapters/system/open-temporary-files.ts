import { createHash } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../model/ids.ts';
import type { TemporaryFile, TemporaryFiles } from '../../ports/temporary-files.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';

/** Keeps temporary files in one private folder, made when first needed. One process uses it at a time. */
export function openTemporaryFiles(directory: string): TemporaryFiles {
  let count = 0;
  return {
    async collect(pieces) {
      if (count === 0) prepare(directory);
      return collect(join(directory, `${process.pid}-${++count}`), pieces);
    },
  };
}

/** Files of a process that was killed are nobody's. */
function prepare(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  } catch (error) {
    throw mapFsError(error, 'prepare the folder for temporary files');
  }
}

async function collect(path: string, pieces: AsyncIterable<Uint8Array>): Promise<TemporaryFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0), 0o600);
    for await (const piece of pieces) {
      hash.update(piece);
      writeFully(fd, piece);
      sizeBytes += piece.length;
    }
  } catch (error) {
    removeQuietly(path);
    throw mapFsError(error, 'keep bytes on their way to the replica');
  } finally {
    if (fd !== null) closeSync(fd);
  }
  const sha256 = hash.digest('hex') as Sha256;
  return { path, sizeBytes, sha256, [Symbol.dispose]: () => removeQuietly(path) };
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The next use of the folder removes what is left in it.
  }
}
