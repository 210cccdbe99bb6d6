import { decodeEntryHeader, deflateRatioMax } from '../format/git/pack-entry.ts';
import { type ByteString, byteStringOf } from '../lib/bytes.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { Problem } from '../model/problem.ts';
import type { FileToWrite, HoldingWriter } from '../ports/holding-area.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import type { Deps } from './deps.ts';
import { describeDamage } from './describe-damage.ts';
import { type PackRange, planRanges } from './pack-ranges.ts';
import { readBlobs } from './read-file.ts';
import { isDamage, readMany } from './read-many.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Where planned files go: a holding directory, or the prover that only looks at them. */
export type FilesTarget = Pick<HoldingWriter, 'createFolder' | 'writePacked' | 'writeFile' | 'addLink'>;

export interface WriteOptions {
  readonly reader: ObjectReader;
  readonly target: FilesTarget;
  /** More must not be written: the space there is. Null without limit. */
  readonly sizeBytesMax: number | null;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteResult {
  /** Files and links written. */
  readonly files: number;
  readonly sizeBytes: number;
  readonly problems: readonly Problem[];
}

// Large enough to read a pack at full speed, small enough that two workers share the work evenly and memory stays low (2 MiB: 20 MB more).
const limits = { gapBytesMax: 256 * 1024, rangeBytesMax: 1024 * 1024 };
// Enough to keep the storage and both writing workers busy.
const rangesInFlightMax = 4;
// An entry this large is decoded by itself, so that a range in memory does not grow with it.
const entryBytesMax = 16 * 1024 * 1024;
const linkBytesMax = 64 * 1024;
const linksAtOnce = 4096;

/** Writes everything a plan lists: small files in runs of pack bytes, then large ones piece by piece, links, folders. */
export async function writeFiles(deps: Deps, plan: RestorePlan, options: WriteOptions): Promise<WriteResult> {
  const run = new WriteRun(deps, plan, options);
  await run.writeSmall();
  await run.writeAlone();
  await run.writeChunked();
  await run.addLinks();
  run.createFolders();
  return run.result();
}

class WriteRun {
  readonly #deps: Deps;
  readonly #plan: RestorePlan;
  readonly #options: WriteOptions;
  readonly #problems: Problem[] = [];
  /** Rows of files that cannot be decoded out of a range: deltas and huge entries. */
  readonly #alone: number[] = [];
  /** 1 for every row of the plan's folders that was created. */
  readonly #isCreated: Uint8Array;
  #filesDone = 0;
  #filesLost = 0;
  #sizeBytes = 0;

  constructor(deps: Deps, plan: RestorePlan, options: WriteOptions) {
    this.#deps = deps;
    this.#plan = plan;
    this.#options = options;
    this.#isCreated = new Uint8Array(plan.folders.length);
    this.#isCreated[0] = 1;
  }

  result(): WriteResult {
    return { files: this.#filesDone - this.#filesLost, sizeBytes: this.#sizeBytes, problems: this.#problems };
  }

  async writeSmall(): Promise<void> {
    const { files } = this.#plan;
    const order = files.inPackOrder();
    const ranges = planRanges(
      {
        count: order.length,
        pack: (i) => files.packs[order[i]!]!,
        start: (i) => files.starts[order[i]!]!,
        end: (i) => files.ends[order[i]!]!,
      },
      limits,
    );
    const { signal } = this.#options;
    const writes = mapConcurrent(ranges, { limit: rangesInFlightMax, signal }, async (range) => {
      await this.#writeRange(range, order.subarray(range.first, range.last));
    });
    for await (const _ of writes) this.#reportProgress();
  }

  async writeAlone(): Promise<void> {
    const { files } = this.#plan;
    for (const row of this.#alone) {
      const mtime = files.mtimes[row]!;
      await this.#writePieces([files.id(row)], {
        folder: files.folders[row]!,
        path: this.#pathOf(row),
        permissions: files.permissions[row]!,
        mtimeMs: Number.isNaN(mtime) ? null : mtime,
      });
    }
  }

  async writeChunked(): Promise<void> {
    for (const file of this.#plan.chunked) await this.#writePieces(file.chunks, file);
  }

  async addLinks(): Promise<void> {
    const { reader, target, signal } = this.#options;
    const { links } = this.#plan;
    for (let first = 0; first < links.length; first += linksAtOnce) {
      const batch = links.slice(first, first + linksAtOnce);
      const targets = await readMany(
        reader,
        batch.map(({ id }) => id),
        { signal },
      );
      for (const { path, folder, id, mtimeMs } of batch) {
        const content = targets.get(id)?.content ?? (await this.#tryRead(path, id));
        this.#filesDone++;
        if (content === null) continue;
        this.#createFolder(folder);
        if (isLinkTarget(content)) target.addLink(path, byteStringOf(content), mtimeMs);
        else this.#lose({ path, code: 'damaged', message: 'the target of the link is none' });
      }
      this.#reportProgress();
    }
  }

  createFolders(): void {
    for (let row = 0; row < this.#plan.folders.length; row++) this.#createFolder(row);
  }

  async #writeRange(range: PackRange, rows: Uint32Array): Promise<void> {
    const { files } = this.#plan;
    if (range.end - range.start > entryBytesMax && rows.length === 1) {
      this.#alone.push(rows[0]!);
      return;
    }
    const bytes = await this.#tryReadRange(range, rows);
    if (bytes === null) return;
    const batch: FileToWrite[] = [];
    for (const row of rows) {
      const start = files.starts[row]! - range.start;
      const end = files.ends[row]! - range.start;
      const sizeBytes = undeltifiedSize(bytes, start);
      // A size that nothing so short unfolds to is not counted against the disk: read alone, the entry is refused.
      if (sizeBytes === null || sizeBytes > (end - start) * deflateRatioMax) {
        this.#alone.push(row);
        continue;
      }
      this.#count(sizeBytes);
      this.#createFolder(files.folders[row]!);
      const mtime = files.mtimes[row]!;
      batch.push({
        path: this.#pathOf(row),
        id: files.id(row),
        permissions: files.permissions[row]!,
        mtimeMs: Number.isNaN(mtime) ? null : mtime,
        start,
        end,
      });
    }
    this.#filesDone += batch.length;
    if (batch.length === 0) return;
    const problems = await this.#options.target.writePacked({ bytes, files: batch });
    for (const problem of problems) this.#lose(problem);
  }

  async #writePieces(
    ids: readonly ObjectId[],
    file: { path: ByteString; folder: number; permissions: number; mtimeMs: number | null },
  ): Promise<void> {
    const { reader, target, signal } = this.#options;
    signal?.throwIfAborted();
    this.#createFolder(file.folder);
    this.#filesDone++;
    try {
      const { path, permissions, mtimeMs } = file;
      const pieces = this.#counted(readBlobs(reader, ids, { signal }));
      for (const problem of await target.writeFile({ path, permissions, mtimeMs }, pieces)) this.#lose(problem);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#lose({ path: file.path, code: 'damaged', message: describeDamage(error) });
    }
    this.#reportProgress();
  }

  async *#counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.#count(piece.length);
      yield piece;
    }
  }

  /** Bytes of a range, to give away; null (and every file in it lost) when the pack is damaged. */
  async #tryReadRange(range: PackRange, rows: Uint32Array): Promise<Uint8Array | null> {
    const { reader, signal } = this.#options;
    try {
      return await reader.readRange(range.pack, range.start, range.end, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#filesDone += rows.length;
      const message = describeDamage(error);
      for (const row of rows) this.#lose({ path: this.#pathOf(row), code: 'damaged', message });
      return null;
    }
  }

  async #tryRead(path: ByteString, id: ObjectId): Promise<Uint8Array | null> {
    const { reader, signal } = this.#options;
    try {
      const readOptions = { sizeBytesMax: linkBytesMax, ...(signal === undefined ? {} : { signal }) };
      return (await reader.read(id, readOptions)).content;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#lose({ path, code: 'damaged', message: describeDamage(error) });
      return null;
    }
  }

  /** Folders are created when the first file needs them, so that writing starts at once. */
  #createFolder(row: number): void {
    if (this.#isCreated[row] === 1) return;
    const { path, parent } = this.#plan.folders[row]!;
    this.#createFolder(parent);
    this.#options.target.createFolder(path);
    this.#isCreated[row] = 1;
  }

  #pathOf(row: number): ByteString {
    const { files, folders } = this.#plan;
    const { path } = folders[files.folders[row]!]!;
    return path === '' ? files.names[row]! : `${path}/${files.names[row]!}`;
  }

  /** Counts bytes before they are written: a snapshot that lies about its size must not fill the disk. */
  #count(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    const { sizeBytesMax } = this.#options;
    if (sizeBytesMax === null || this.#sizeBytes <= sizeBytesMax) return;
    throw new HoldfastError('disk_full', `The restore needs more than the ${sizeBytesMax} bytes that were free.`, {
      hint: 'Free some space, or restore single paths.',
      data: { freeBytes: sizeBytesMax },
    });
  }

  #lose(problem: Problem): void {
    this.#problems.push(problem);
    if (problem.code === 'damaged' || problem.code === 'not_restored') this.#filesLost++;
    this.#deps.events.emit({ type: 'problem_found', problem });
  }

  #reportProgress(): void {
    const { files, chunked, links } = this.#plan;
    const total = files.count + chunked.length + links.length;
    this.#deps.events.emit({ type: 'progress', phase: 'restore', done: this.#filesDone, total, unit: 'files' });
  }
}

/** Size of the object when the entry is whole (or malformed, which decoding finds out), null when it is a delta. */
function undeltifiedSize(bytes: Uint8Array, start: number): number | null {
  try {
    const header = decodeEntryHeader(bytes, start);
    return header.kind === 'object' ? header.sizeBytes : null;
  } catch (error) {
    if (isDamage(error)) return 0;
    throw error;
  }
}

function isLinkTarget(content: Uint8Array): boolean {
  return content.length > 0 && !content.includes(0);
}
