import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a small file of the vault's that may stand behind a link. Only a regular file is read, and only up to a size: a fifo
 * in its place would wait for ever, a device never end.
 * @throws the system's error when it cannot be opened
 */
export function readRegularFile(path: string, sizeBytesMax: number): Buffer | 'not_regular' | 'too_large' {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return 'not_regular';
    return stat.size > sizeBytesMax ? 'too_large' : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
