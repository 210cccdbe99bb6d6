import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a small file that a stranger may have put something else in the place of: a link is not followed, a fifo not waited
 * for, a device not read without end. Null for all of these, for a larger file, and for one that is missing or unreadable.
 */
export function readUnfollowed(path: string | Buffer, sizeBytesMax: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= sizeBytesMax ? readFileSync(fd) : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
