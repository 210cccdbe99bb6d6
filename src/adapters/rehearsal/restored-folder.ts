import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { type ByteString, bytesOf } from '../../lib/bytes.ts';
import type { RestoredEntry, RestoredFolder } from '../../ports/rehearsal.ts';
import { mapFsError } from '../fs/map-fs-error.ts';

const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Opens a restored folder for reading. */
export function openRestoredFolder(directory: string): RestoredFolder {
  const root = Buffer.from(`${directory}/`);
  const pathOf = (path: ByteString): Buffer => Buffer.concat([root, bytesOf(path)]);
  return {
    look(path) {
      try {
        const stat = lstatSync(pathOf(path), { throwIfNoEntry: false });
        return stat === undefined ? null : entryOf(stat);
      } catch (error) {
        throw mapFsError(error, 'look at what was restored');
      }
    },
    read(path, start, end) {
      try {
        return readPart(pathOf(path), start, end);
      } catch (error) {
        throw mapFsError(error, 'read what was restored');
      }
    },
    countEntries: () => countBelow(Buffer.from(directory), true),
  };
}

function entryOf(stat: Stats): RestoredEntry {
  const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'other';
  return { kind, sizeBytes: stat.size, permissions: stat.mode & 0o777, mtimeMs: stat.mtimeMs };
}

function readPart(path: Buffer, start: number, end: number): Uint8Array {
  if (lstatSync(path).isSymbolicLink()) return readlinkSync(path, { encoding: 'buffer' }).subarray(start, end);
  const fd = openSync(path, readFlags);
  try {
    const bytes = Buffer.allocUnsafe(end - start);
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(fd, bytes, done, bytes.length - done, start + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

function countBelow(folder: Buffer, isRoot: boolean): number {
  let count = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (isRoot && entry.name.toString('latin1') === '.git') continue;
    count++;
    if (entry.isDirectory()) count += countBelow(Buffer.concat([folder, Buffer.from('/'), entry.name]), false);
  }
  return count;
}
