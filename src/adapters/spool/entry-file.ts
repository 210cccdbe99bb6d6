import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { checked, count, list, object, textLike } from '../../format/json-shape.ts';
import { prettyJson } from '../../format/pretty-json.ts';
import { fileNameOfPackKey, packIndexKey } from '../../format/store-layout.ts';
import { isSha256, isSnapshotId, type Sha256, type SnapshotId } from '../../model/ids.ts';
import type { PackRef, SnapshotRecord } from '../../model/snapshot.ts';

/** Name of the file that makes a folder of the spool an entry. */
export const entryFileName = 'entry.json';

/**
 * What lies in an entry's folder: which record, by checksum, and the identity of each pack file when it was known to be
 * right. A file that still has it needs no second reading of all its bytes.
 */
export interface SpoolEntry {
  readonly id: SnapshotId;
  readonly machine: string;
  readonly recordSha256: Sha256;
  readonly files: readonly FileIdentity[];
}

export interface FileIdentity {
  readonly name: string;
  readonly sizeBytes: number;
  readonly inode: string;
  /** Nanoseconds since the epoch. */
  readonly modified: string;
}

/** A file an entry must have, and what its bytes must be. */
export interface ExpectedFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** Name of the file with the exact record to publish. The checksum is in it so that a second version never overwrites the first. */
export function recordFileName(recordSha256: Sha256): string {
  return `snapshot-${recordSha256.slice(0, 16)}.json`;
}

export function encodeSpoolEntry(entry: SpoolEntry): Buffer {
  return Buffer.from(prettyJson({ format: 1, ...entry }), 'utf8');
}

/** @throws {SyntaxError | ShapeError} for anything `encodeSpoolEntry` did not write */
export function decodeSpoolEntry(bytes: Uint8Array): SpoolEntry {
  return entryFields(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/** The pack and index files of a record. */
export function expectedFiles(record: SnapshotRecord): ExpectedFile[] {
  return record.packs.flatMap((pack: PackRef) => [
    { name: fileNameOfPackKey(pack.key), sizeBytes: pack.sizeBytes, sha256: pack.sha256 },
    { name: fileNameOfPackKey(packIndexKey(pack.key)), sizeBytes: pack.indexSizeBytes, sha256: pack.indexSha256 },
  ]);
}

/** The identity of a regular file, or null when there is none of that name. */
export function identifyFile(directory: string, name: string): FileIdentity | null {
  const stat = lstatSync(join(directory, name), { bigint: true, throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return null;
  return { name, sizeBytes: Number(stat.size), inode: String(stat.ino), modified: String(stat.mtimeNs) };
}

const digits = textLike(/^-?\d{1,30}$/, 'a number in digits');

const entryFields = object<SpoolEntry>({
  id: checked(isSnapshotId, 'a snapshot id'),
  machine: textLike(/^[a-z0-9-]{1,64}$/, 'a machine id'),
  recordSha256: checked(isSha256, 'a SHA-256'),
  files: list(
    object<FileIdentity>({
      name: textLike(/^pack-[0-9a-f]{40}\.(?:pack|idx)$/, 'the name of a pack file'),
      sizeBytes: count,
      inode: digits,
      modified: digits,
    }),
    400_000,
  ),
});
