import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { objectHeader, objectIdOf } from '../../format/git/object-id.ts';
import type { ObjectId } from '../../model/ids.ts';

const pieceBytes = 256 * 1024;
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The git name of a regular file's bytes, or of a link's target; null for anything else. Memory does not grow with the file. */
export function hashBlob(path: string | Buffer): ObjectId | null {
  const seen = lstatSync(path, { throwIfNoEntry: false });
  if (seen === undefined) return null;
  if (seen.isSymbolicLink()) return objectIdOf('blob', readlinkSync(path, 'buffer'));
  if (!seen.isFile()) return null;
  const fd = openSync(path, flags);
  try {
    const { size } = fstatSync(fd);
    const hash = createHash('sha1').update(objectHeader('blob', size), 'latin1');
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(1, size)));
    let done = 0;
    for (let count = 1; count > 0; done += count) {
      count = readSync(fd, piece, 0, piece.length, done);
      hash.update(piece.subarray(0, count));
    }
    // It grew or shrank meanwhile: no name is that of its bytes.
    return done === size ? (hash.digest('hex') as ObjectId) : null;
  } finally {
    closeSync(fd);
  }
}
