import type { ByteString } from '../lib/bytes.ts';
import { HoldfastError } from '../model/errors.ts';
import { isObjectId, isSnapshotId, type ObjectId, type SnapshotId } from '../model/ids.ts';
import { pathComponentProblem } from '../model/path-policy.ts';
import { sha256Of } from './digest.ts';
import { encodeJsonBytes } from './json-bytes.ts';
import { byteString, checked, count, flag, instant, list } from './json-shape.ts';
import { nullable, object, oneOf, type Shape, ShapeError, textLike } from './json-shape.ts';
import { lineJson } from './pretty-json.ts';

/*
 * The journal of a rollback says what stands before and what shall stand after, for every path that changes. It is written
 * once, whole, before the first live file moves, and says nothing of progress: what has been done shows on the disk, where
 * each file is at exactly one of three places (the vault, set aside, staged), known by its inode, size and times. So no path
 * costs a write of the journal, and there is no moment at which journal and disk could contradict each other.
 *
 * One JSON object a line: the head, the folders, the files, and {"sum":"<SHA-256 of all bytes before this line>"}.
 */

/** Permission bits and time of a folder. */
export interface FolderState {
  readonly permissions: number;
  /** Milliseconds since the epoch; null where unknown. */
  readonly mtimeMs: number | null;
}

/** One folder: made (`before` is null), removed (`after` is null), or given its permissions and time back. */
export interface FolderStep {
  readonly path: ByteString;
  readonly before: FolderState | null;
  readonly after: FolderState | null;
}

/** A live file or link as the safety snapshot captured it. */
export interface CapturedFile {
  readonly kind: 'file' | 'link';
  readonly id: ObjectId;
  /** `id` names the tree of its chunks. */
  readonly chunked: boolean;
  /** Its times cannot prove it unchanged. */
  readonly racy: boolean;
  readonly permissions: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
}

/** A file or link as it shall be. */
export interface PlacedFile {
  readonly kind: 'file' | 'link';
  readonly id: ObjectId;
  readonly chunked: boolean;
  readonly permissions: number;
  readonly mtimeMs: number | null;
  /** The copy that waits in the work folder; null when the live file stays and only gets permissions and time. */
  readonly staged: StagedFile | null;
}

export interface StagedFile {
  readonly number: number;
  readonly inode: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** One file or link: brought back (`before` is null), set aside (`after` is null), replaced, or only touched. */
export interface FileStep {
  readonly path: ByteString;
  readonly before: CapturedFile | null;
  readonly after: PlacedFile | null;
}

export interface RollbackJournal {
  /** The snapshot gone back to. */
  readonly target: SnapshotId;
  /** The snapshot taken just before. */
  readonly safety: SnapshotId;
  readonly startedAt: string;
  /** Name of the work folder in the holding directory. */
  readonly folder: string;
  /** What it was limited to; null for everything. */
  readonly paths: readonly ByteString[] | null;
  /** Paths left as they are, for the note in the index. */
  readonly leftAlone: number;
  readonly folders: readonly FolderStep[];
  readonly files: readonly FileStep[];
}

/** Version of the journals this code writes, and the only one it reads. */
export const rollbackJournalVersion = 1;
/** Longer texts V8 does not hold: some two million changed paths. */
export const rollbackJournalBytesMax = 2 ** 29 - 25;
const entriesMax = 20_000_000;
const pathBytesMax = 32 * 1024;

export function encodeRollbackJournal(journal: RollbackJournal): Buffer {
  const { folders, files, paths, ...rest } = journal;
  const head = {
    format: rollbackJournalVersion,
    ...rest,
    paths: paths === null ? null : paths.map(encodeJsonBytes),
    folders: folders.length,
    files: files.length,
  };
  const pieces = [lineJson(head)];
  for (const step of [...folders, ...files]) pieces.push(lineJson({ ...step, path: encodeJsonBytes(step.path) }));
  const body = Buffer.from(`${pieces.join('\n')}\n`, 'utf8');
  return Buffer.concat([body, Buffer.from(`${lineJson({ sum: sha256Of(body) })}\n`, 'utf8')]);
}

/**
 * Decodes a journal. It decides where files are moved, so every path in it is checked again.
 * @throws {HoldfastError} `journal_invalid` for anything `encodeRollbackJournal` did not write
 */
export function decodeRollbackJournal(bytes: Uint8Array): RollbackJournal {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sumLine = buffer.lastIndexOf('{"sum":');
  const body = sumLine < 0 ? null : buffer.subarray(0, sumLine);
  if (body === null || buffer.toString('latin1', sumLine) !== `${lineJson({ sum: sha256Of(body) })}\n`) {
    throw invalid('its checksum does not match');
  }
  try {
    const [first, ...lines] = body.toString('utf8').trimEnd().split('\n');
    const head = headFields(JSON.parse(first!));
    if (head.folders + head.files !== lines.length) throw new ShapeError('not the lines it counts');
    const folders = lines.slice(0, head.folders).map((line) => folderFields(JSON.parse(line)));
    const files = lines.slice(head.folders).map((line) => fileFields(JSON.parse(line)));
    const { format: _, ...rest } = head;
    return { ...rest, folders, files };
  } catch (error) {
    throw invalid(error instanceof ShapeError ? error.message : 'it is not JSON');
  }
}

function invalid(reason: string): HoldfastError {
  return new HoldfastError('journal_invalid', `The journal of the interrupted rollback cannot be used: ${reason}.`, {
    hint:
      'Nothing is lost: what was set aside is in the holding directory, in a folder that begins with "rollback-", and the state ' +
      'before is the newest snapshot labelled "pre-rollback-...". Restore what you need, then remove state/.holdfast/run/rollback.ndjson',
  });
}

interface HeadFields extends Omit<RollbackJournal, 'folders' | 'files'> {
  readonly format: number;
  readonly folders: number;
  readonly files: number;
}

const path: Shape<ByteString> = (value) => {
  const read = byteString(pathBytesMax)(value);
  for (const name of read.split('/')) {
    const problem = pathComponentProblem(name);
    if (problem !== null) throw new ShapeError(`a name is refused: ${problem}`);
  }
  return read;
};
const id = checked(isSnapshotId, 'a snapshot id');
const objectId = checked(isObjectId, 'an object id');
const time = checked((value): value is number => Number.isFinite(value), 'a time');
const permissions = checked(
  (value): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777,
  'permission bits',
);
const inode = checked((value): value is number => Number.isFinite(value) && (value as number) >= 0, 'an inode');

const headFields = object<HeadFields>({
  format: checked((value): value is number => value === rollbackJournalVersion, 'a format this version knows'),
  target: id,
  safety: id,
  startedAt: instant,
  folder: textLike(/^[\w][\w.~=+-]{0,199}$/, 'the name of a folder'),
  paths: nullable(list(path, 100_000)),
  leftAlone: count,
  folders: checked((value): value is number => Number.isInteger(value) && (value as number) <= entriesMax, 'a count'),
  files: checked((value): value is number => Number.isInteger(value) && (value as number) <= entriesMax, 'a count'),
});

const folderState = nullable(object<FolderState>({ permissions, mtimeMs: nullable(time) }));
const folderFields = object<FolderStep>({ path, before: folderState, after: folderState });

const fileKind = oneOf(['file', 'link']);
const fileFields = object<FileStep>({
  path,
  before: nullable(
    object<CapturedFile>({
      kind: fileKind,
      id: objectId,
      chunked: flag,
      racy: flag,
      permissions,
      sizeBytes: count,
      mtimeMs: time,
      ctimeMs: time,
      inode,
    }),
  ),
  after: nullable(
    object<PlacedFile>({
      kind: fileKind,
      id: objectId,
      chunked: flag,
      permissions,
      mtimeMs: nullable(time),
      staged: nullable(object<StagedFile>({ number: count, inode, sizeBytes: count, mtimeMs: time })),
    }),
  ),
});
