import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { packCorrupt } from '../../format/git/corrupt.ts';
import { idBytes } from '../../format/git/object-id.ts';
import { openPackAccess } from '../../format/git/pack-access.ts';
import type { PackAccess } from '../../format/git/pack-access.ts';
import { fanoutBytes, packIndexHeader, parsePackIndex } from '../../format/git/pack-index.ts';
import type { PackFiles } from './object-folders.ts';
import { readGitFile, readRange } from './read-git-file.ts';

/** A pack of the user's repository, open for reading single objects. */
export interface LocalPack extends Disposable {
  readonly access: PackAccess;
}

/** Objects above this size are not read into memory. */
export const objectBytesInMemoryMax = 64 << 20;

/**
 * Opens a pack and checks its index whole.
 * @throws {HoldfastError} `pack_corrupt` when the index breaks its format; `local_io` when a file cannot be read
 */
export function openLocalPack(
  files: PackFiles,
  { indexBytesMax = 2 ** 31 }: { indexBytesMax?: number } = {},
): LocalPack {
  const indexBytes = readGitFile(files.indexPath, { sizeBytesMax: indexBytesMax });
  if (indexBytes === null) throw packCorrupt('A pack has lost its index.');
  const fd = openSync(files.packPath, regularFileFlags);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw packCorrupt('A pack is not a regular file.');
    const packIndex = parsePackIndex(indexBytes, { packSizeBytes: stat.size });
    const access = openPackAccess({
      packIndex,
      readRange: (start, end) => readRange(fd, start, end - start),
      sizeBytesMax: objectBytesInMemoryMax,
    });
    return { access, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Yields the names of a pack's objects in order, in blocks of raw ids, without loading the index: it may be larger than
 * memory should hold. A block is only valid until the next one.
 * @throws {HoldfastError} `pack_corrupt` when it is not a version 2 index
 */
export function* readPackNames({ indexPath, name }: PackFiles): Generator<Uint8Array> {
  const fd = openSync(indexPath, regularFileFlags);
  try {
    const stat = fstatSync(fd);
    const namesStart = packIndexHeader.length + fanoutBytes;
    const head = stat.isFile() ? readRange(fd, 0, namesStart) : Buffer.alloc(0);
    if (head.length < namesStart || !head.subarray(0, packIndexHeader.length).equals(packIndexHeader)) {
      throw packCorrupt(`The index of ${name} is not of version 2.`);
    }
    const count = head.readUInt32BE(namesStart - 4);
    if (stat.size < namesStart + count * (idBytes + 8) + 2 * idBytes) {
      throw packCorrupt(`The index of ${name} is shorter than it says.`);
    }
    for (let done = 0; done < count; done += namesPerBlock) {
      const wanted = Math.min(namesPerBlock, count - done) * idBytes;
      const names = readRange(fd, namesStart + done * idBytes, wanted);
      if (names.length < wanted) throw packCorrupt(`The index of ${name} ends early.`);
      yield names;
    }
  } finally {
    closeSync(fd);
  }
}

const namesPerBlock = 65_536;
/** Opens what must be a regular file: no link is followed, and a FIFO does not hang. */
export const regularFileFlags =
  process.platform === 'win32' ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
