import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../../format/digest.ts';
import { ShapeError } from '../../format/json-shape.ts';
import { decodeRecord, recordSizeBytesMax } from '../../format/snapshot-record.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import {
  decodeSpoolEntry,
  entryFileName,
  expectedFiles,
  type FileIdentity,
  identifyFile,
  recordFileName,
  type SpoolEntry,
} from './entry-file.ts';

/** An entry that may be published. */
export interface CheckedEntry {
  readonly kind: 'whole';
  readonly entry: SpoolEntry;
  readonly record: SnapshotRecord;
  readonly recordBytes: Uint8Array;
}

/** Files proved by reading all their bytes, so that one process reads them once: identity by path. */
export type ProvedFiles = Map<string, FileIdentity>;

const readSizeBytes = 1024 * 1024;
const entrySizeBytesMax = 64 * 1024 * 1024;

/**
 * Checks everything an entry would publish (K19): the record by its checksum, the packs by the identity they had
 * when written, or by all their bytes where that changed.
 * @throws {HoldfastError} `store_newer` for an entry of a newer holdfast, which is not damage
 */
export function checkEntry(directory: string, proved: ProvedFiles): CheckedEntry | { kind: 'damaged'; reason: string } {
  try {
    if (!lstatSync(directory).isDirectory()) return damaged('it is not a folder');
    const entry = decodeSpoolEntry(readWhole(join(directory, entryFileName), entrySizeBytesMax));
    const recordBytes = readWhole(join(directory, recordFileName(entry.recordSha256)), recordSizeBytesMax);
    if (sha256Of(recordBytes) !== entry.recordSha256) return damaged('the record does not match its checksum');
    const record = decodeRecord(recordBytes, entry.id);
    const reason = checkFiles(directory, { entry, record, proved });
    return reason === null ? { kind: 'whole', entry, record, recordBytes } : damaged(reason);
  } catch (error) {
    if (isHoldfastError(error, 'record_invalid')) return damaged(error.message);
    if (error instanceof SyntaxError || error instanceof ShapeError) return damaged(`${entryFileName} is not valid`);
    if (error instanceof RangeError) return damaged(error.message);
    if (systemCode(error) === 'ENOENT') return damaged('a file is missing');
    if (systemCode(error) === 'ELOOP') return damaged('a file was replaced by a link');
    throw error;
  }
}

function checkFiles(
  directory: string,
  { entry, record, proved }: { entry: SpoolEntry; record: SnapshotRecord; proved: ProvedFiles },
): string | null {
  const known = new Map(entry.files.map((file) => [file.name, file]));
  for (const expected of expectedFiles(record)) {
    const found = identifyFile(directory, expected.name);
    if (found === null) return `${expected.name} is missing`;
    if (found.sizeBytes !== expected.sizeBytes) {
      return `${expected.name} has ${found.sizeBytes} of ${expected.sizeBytes} bytes`;
    }
    const path = join(directory, expected.name);
    if (isSame(found, known.get(expected.name)) || isSame(found, proved.get(path))) continue;
    if (sha256OfFile(path) !== expected.sha256) return `${expected.name} does not match its checksum`;
    proved.set(path, found);
  }
  return null;
}

function isSame(a: FileIdentity, b: FileIdentity | undefined): boolean {
  return b !== undefined && a.sizeBytes === b.sizeBytes && a.inode === b.inode && a.modified === b.modified;
}

function sha256OfFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(readSizeBytes);
    for (let size; (size = readSync(fd, buffer)) > 0;) hash.update(buffer.subarray(0, size));
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

function readWhole(path: string, sizeBytesMax: number): Uint8Array {
  // Non-blocking: a FIFO of that name must not hang us.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > sizeBytesMax) throw new RangeError('a file is of the wrong kind or size');
    const bytes = Buffer.alloc(stat.size);
    let done = 0;
    for (let size; (size = readSync(fd, bytes, done, bytes.length - done, null)) > 0;) done += size;
    return bytes.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

function damaged(reason: string): { kind: 'damaged'; reason: string } {
  return { kind: 'damaged', reason };
}
