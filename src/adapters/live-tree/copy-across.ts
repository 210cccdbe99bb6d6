import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  lutimesSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { writeFully } from '../fs/durable-write.ts';
import { systemCode } from '../fs/map-fs-error.ts';

const pieceBytes = 1024 * 1024;
const noFollow = constants.O_NOFOLLOW ?? 0;

/**
 * Moves a file or link to another file system: an exclusive copy with permissions and time, fsynced, and only then is the source
 * let go. False when something is at the target already. A crash in between leaves the source as it was.
 */
export function copyAcross(source: string | Buffer, target: string | Buffer): boolean {
  const stat = lstatSync(source);
  try {
    if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(source, 'buffer'), target);
      lutimesSync(target, stat.atime, stat.mtimeMs / 1000);
    } else {
      copyFile(source, target);
    }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  unlinkSync(source);
  return true;
}

function copyFile(source: string | Buffer, target: string | Buffer): void {
  const from = openSync(source, constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0));
  try {
    // Under a name of its own until it is whole: a crash must not leave half a file where a live one is expected.
    const draft = `.holdfast-moving-${process.pid}`;
    const temporary = typeof target === 'string' ? target + draft : Buffer.concat([target, Buffer.from(draft)]);
    const to = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow, 0o600);
    try {
      const stat = fstatSync(from);
      const piece = Buffer.allocUnsafe(pieceBytes);
      for (let count = readSync(from, piece); count > 0; count = readSync(from, piece)) {
        writeFully(to, piece.subarray(0, count));
      }
      fchmodSync(to, stat.mode & 0o777);
      futimesSync(to, stat.atime, stat.mtimeMs / 1000);
      fsyncSync(to);
      if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw taken();
      renameSync(temporary, target);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function taken(): Error {
  return Object.assign(new Error('something has the name'), { code: 'EEXIST' });
}
