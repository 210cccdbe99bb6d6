import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { ProblemCode } from '../../model/problem.ts';
import type { FileToWrite, PackedBatch } from '../../ports/holding-area.ts';
import type { OwnFolder } from './own-folder.ts';

/** A batch of files in columns: what a worker is sent. Cloning a few arrays costs a fraction of cloning an object a file. */
export interface WriteJob {
  readonly bytes: Uint8Array;
  readonly folders: readonly OwnFolder[];
  /** Row in `folders` of each file's parent. */
  readonly folderRows: Uint32Array;
  /** Names joined by NUL, which no name holds. */
  readonly names: ByteString;
  /** Object ids back to back, 40 digits each. */
  readonly ids: string;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly permissions: Uint16Array;
  /** NaN where the time is not to be set. */
  readonly mtimes: Float64Array;
}

/** Something about one file of a job. */
export interface WriteFinding {
  readonly file: number;
  readonly code: ProblemCode;
  readonly message: string;
}

/** Puts a batch into columns. `folderOf` returns the created folder of a path. */
export function makeWriteJob(batch: PackedBatch, folderOf: (path: ByteString) => OwnFolder): WriteJob {
  const count = batch.files.length;
  const rows = new Map<ByteString, number>();
  const folders: OwnFolder[] = [];
  const names: ByteString[] = [];
  const ids: string[] = [];
  const job = {
    folderRows: new Uint32Array(count),
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    permissions: new Uint16Array(count),
    mtimes: new Float64Array(count),
  };
  batch.files.forEach((file, i) => {
    const { folder, name } = splitPath(file.path);
    let row = rows.get(folder);
    if (row === undefined) {
      row = folders.length;
      folders.push(folderOf(folder));
      rows.set(folder, row);
    }
    assertRange(file, batch.bytes.length);
    job.folderRows[i] = row;
    names.push(name);
    ids.push(file.id);
    job.starts[i] = file.start;
    job.ends[i] = file.end;
    job.permissions[i] = file.permissions & 0o777;
    job.mtimes[i] = file.mtimeMs ?? Number.NaN;
  });
  return { ...job, bytes: batch.bytes, folders, names: names.join('\0'), ids: ids.join('') };
}

/** Splits a path at its last '/': parent ('' at the top) and name. */
export function splitPath(path: ByteString): { folder: ByteString; name: ByteString } {
  const slash = path.lastIndexOf('/');
  return { folder: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}

function assertRange(file: FileToWrite, sizeBytes: number): void {
  if (file.start >= 0 && file.start < file.end && file.end <= sizeBytes) return;
  throw new HoldfastError(
    'invariant_broken',
    `A file's pack entry lies outside its batch: ${file.start} to ${file.end}`,
  );
}
