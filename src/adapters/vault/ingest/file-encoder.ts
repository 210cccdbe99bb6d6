import { closeSync, readlinkSync, type Stats } from 'node:fs';
import { ChunkTreeBuilder } from '../../../format/chunk-tree.ts';
import { isShortened } from '../../../format/chunked-name.ts';
import { chunkSizes, findChunkEnd } from '../../../format/chunker.ts';
import { EntryBatch } from '../../../format/git/entry-batch.ts';
import { equalIds, idBytes, writeObjectId } from '../../../format/git/object-id.ts';
import { bytesOf, type ByteString } from '../../../lib/bytes.ts';
import { entryFlags } from '../../../model/vault-tree.ts';
import type { ObjectType } from '../../../ports/object-writer.ts';
import { withReachablePath } from '../../fs/byte-path.ts';
import { systemCode } from '../../fs/map-fs-error.ts';
import { hasStayed, openStable, readUpTo, type ReadHook, type StableFile } from '../../fs/stable-read.ts';
import { hasLog, isDatabaseStart } from '../database/database-files.ts';
import { type IngestJob, type IngestResult, outcomes, statColumnCount, statColumns } from './ingest-job.ts';

export interface FileEncoderOptions {
  /** Absolute path of the vault. */
  readonly root: string;
  /** Files larger than this are kept in chunks. */
  readonly chunkAbove: number;
  /** Path of a file that only ever grows at its end, kept in small pieces of one size: our own log. Null when there is none. */
  readonly appendedFile: ByteString | null;
  /** True when the object need not be stored; raw name at `ids[start .. start+20)`. */
  readonly isKnown: (ids: Uint8Array, start: number) => boolean;
  /** Batches go to another thread: they are put in shared memory. */
  readonly isShared?: boolean | undefined;
  /** Databases with a log beside them are not stored as they are: their outcome is `database`. */
  readonly leavesDatabases?: boolean | undefined;
  readonly hook?: ReadHook | undefined;
}

/**
 * Our log has a row more at every snapshot and is captured by every snapshot: kept whole, it would soon be most of what is
 * stored. In pieces, a snapshot stores the last one and the list.
 */
const appendedPieceBytes = 32 * 1024;
const databasePageMin = 512;
const batchBytes = 1024 * 1024;
// Twice the largest chunk: what is left of the window is moved at most once for every 4 MiB.
const windowBytes = 2 * chunkSizes.max;

/** Reads files and turns them into pack entries; the same code runs in the main thread and in workers. */
export class FileEncoder {
  readonly #options: FileEncoderOptions;
  #batch: EntryBatch;
  readonly #emptyBatches: EntryBatch[] = [];
  /** Names of the object stored last and of the one before. */
  #id = new Uint8Array(idBytes);
  #previousId = new Uint8Array(idBytes);
  #readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
  /** Bytes of files read since the last call of `takeBytesRead`. */
  #bytesRead = 0;

  constructor(options: FileEncoderOptions) {
    this.#options = options;
    this.#batch = this.#nextBatch();
  }

  /** Takes back a batch that `encode` yielded, when its entries are where they belong. */
  takeBack(batch: EntryBatch): void {
    batch.clear();
    this.#emptyBatches.push(batch);
  }

  /** Bytes of file content read since the last call. */
  takeBytesRead(): number {
    const taken = this.#bytesRead;
    this.#bytesRead = 0;
    return taken;
  }

  /**
   * Works through a job and fills its result. Yields batches of about 1 MiB of pack entries as they fill, so that a file
   * of any size needs bounded memory; the caller gives them back with `takeBack`, in its own time. In the end every object
   * the result names was yielded or is known.
   */
  *encode(job: IngestJob, result: IngestResult): Generator<EntryBatch> {
    const paths = job.paths.split('\0');
    for (let i = 0; i < paths.length; i++) {
      try {
        if (job.areLinks[i] === 1) yield* this.#encodeLink(paths[i]!, i, result);
        else yield* this.#encodeFile({ path: paths[i]!, inode: job.inodes[i]! }, i, result);
      } catch (error) {
        const code = systemCode(error);
        if (!isSystemCode(code)) throw error;
        result.outcomes[i] = outcomeOf(code);
        result.errorCodes.set(i, code);
      }
    }
    if (this.#batch.objectCount > 0) yield this.#detachBatch();
  }

  *#encodeLink(path: ByteString, number: number, result: IngestResult) {
    const target = withReachablePath(this.#options.root, path, (reachable) => readlinkSync(reachable, 'buffer'));
    yield* this.#store('blob', target);
    result.ids.set(this.#id, number * idBytes);
    result.flags[number] = entryFlags.hasId;
  }

  *#encodeFile(scanned: { path: ByteString; inode: number }, number: number, result: IngestResult) {
    const { root, appendedFile, hook } = this.#options;
    const isAppended = scanned.path === appendedFile;
    const chunkAbove = isAppended ? appendedPieceBytes : this.#options.chunkAbove;
    const file = openStable({ root, ...scanned }, hook);
    if (file === null) {
      result.outcomes[number] = outcomes.replaced;
      return;
    }
    try {
      for (let attempt = 1; ; attempt++) {
        const before = file.stat;
        const isLarge = before.size > chunkAbove;
        if (this.#isLoggedDatabase(file)) {
          result.outcomes[number] = outcomes.database;
          return;
        }
        if (isLarge) yield* this.#storeChunks(file, isAppended ? cutPiece : findChunkEnd);
        else yield* this.#storeWhole(file);
        const isSettled = hasStayed(file, hook);
        if (!isSettled && attempt === 1) continue;
        // What was read last is what is stored, under times from before it was read: the next scan sees that it changed.
        result.ids.set(this.#id, number * idBytes);
        result.flags[number] =
          entryFlags.hasId | (isLarge ? entryFlags.chunked : 0) | (isSettled ? 0 : entryFlags.unstable);
        writeStat(result.stats, number, before);
        return;
      }
    } finally {
      closeSync(file.fd);
    }
  }

  /** Databases are whole pages, so almost no other file is looked at. */
  #isLoggedDatabase({ fd, path, stat }: StableFile): boolean {
    const { leavesDatabases, root } = this.#options;
    if (leavesDatabases !== true || stat.size === 0 || stat.size % databasePageMin !== 0) return false;
    const start = this.#readBuffer.subarray(0, readUpTo(fd, this.#readBuffer.subarray(0, 16), 0));
    return isDatabaseStart(start) && hasLog(root, path);
  }

  *#storeWhole(file: StableFile) {
    const bytes = this.#roomFor(file.stat.size).subarray(0, file.stat.size);
    const got = readUpTo(file.fd, bytes, 0);
    this.#bytesRead += got;
    yield* this.#store('blob', bytes.subarray(0, got));
  }

  /** Stores a large file as a tree of chunks, looking at it through a window: memory does not grow with the file. */
  *#storeChunks(file: StableFile, findCut: typeof findChunkEnd) {
    const sizeBytes = file.stat.size;
    const window = this.#roomFor(windowBytes);
    const tree = new ChunkTreeBuilder({ isExecutable: (file.stat.mode & 0o100) !== 0 });
    let isAtEnd = false;
    let position = 0;
    let start = 0;
    let end = 0;
    do {
      if (end - start < chunkSizes.max && !isAtEnd) {
        window.copyWithin(0, start, end);
        end -= start;
        start = 0;
        const wanted = Math.min(window.length - end, sizeBytes - position);
        const got = readUpTo(file.fd, window.subarray(end, end + wanted), position);
        end += got;
        position += got;
        this.#bytesRead += got;
        isAtEnd = got < wanted || position >= sizeBytes;
      }
      const cut = findCut(window, start, end);
      yield* this.#store('blob', window.subarray(start, cut));
      tree.add(this.#id);
      start = cut;
    } while (start < end || !isAtEnd);
    yield* this.#store('tree', tree.finish(yield* this.#storeTrueName(file.path)));
  }

  *#storeTrueName(path: ByteString) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!isShortened(name)) return null;
    yield* this.#store('blob', bytesOf(name));
    return this.#id.slice();
  }

  /** Leaves the object's name in `#id`, and its entry in the batch unless it is known or was the last one stored. */
  *#store(type: ObjectType, content: Uint8Array) {
    const id = this.#previousId;
    this.#previousId = this.#id;
    this.#id = id;
    writeObjectId(type, content, { out: id, start: 0 });
    // A long run of one byte (a sparse file) gives the same chunk again and again.
    if (equalIds(this.#previousId, 0, id, 0) || this.#options.isKnown(id, 0)) return;
    // A large object goes into a batch of its own rather than make one that is nearly full grow to twice its size.
    if (this.#batch.objectCount > 0 && this.#batch.sizeBytes + content.length > batchBytes) yield this.#detachBatch();
    this.#batch.add(type, content, { ids: id, start: 0 });
    if (this.#batch.sizeBytes >= batchBytes) yield this.#detachBatch();
  }

  #detachBatch(): EntryBatch {
    const full = this.#batch;
    this.#batch = this.#nextBatch();
    return full;
  }

  #nextBatch(): EntryBatch {
    return (
      this.#emptyBatches.pop() ?? new EntryBatch(batchBytes + 64 * 1024, { isShared: this.#options.isShared === true })
    );
  }

  #roomFor(sizeBytes: number): Buffer {
    // Never shrinks, so that a job's largest file decides, and files of ordinary size cost nothing.
    if (sizeBytes > this.#readBuffer.length)
      this.#readBuffer = Buffer.allocUnsafeSlow(Math.ceil(sizeBytes / 65536) * 65536);
    return this.#readBuffer;
  }
}

function cutPiece(_bytes: Uint8Array, start: number, end: number): number {
  return Math.min(end, start + appendedPieceBytes);
}

/** Writes what a row keeps of a file: what tells next time whether it changed. */
export function writeStat(stats: Float64Array, number: number, stat: Stats): void {
  const start = number * statColumnCount;
  stats[start + statColumns.mode] = stat.mode;
  stats[start + statColumns.size] = stat.size;
  stats[start + statColumns.mtime] = stat.mtimeMs;
  stats[start + statColumns.ctime] = stat.ctimeMs;
  stats[start + statColumns.inode] = stat.ino;
}

/** Errors of Node ("ERR_OUT_OF_RANGE") and ours have codes too, but are not about the file. */
function isSystemCode(code: string): boolean {
  return /^E[A-Z0-9]+$/.test(code);
}

function outcomeOf(code: string): number {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return outcomes.vanished;
    case 'EINVAL':
      // readlink says so of what is no link any more.
      return outcomes.replaced;
    case 'ENAMETOOLONG':
      return outcomes.nameTooLong;
    case 'EMFILE':
    case 'ENFILE':
      return outcomes.outOfDescriptors;
    default:
      return outcomes.unreadable;
  }
}
