import { availableParallelism } from 'node:os';
import type { ByteString } from '../../../lib/bytes.ts';
import { HoldfastError } from '../../../model/errors.ts';
import type { Notice, Problem } from '../../../model/problem.ts';
import type { IngestOptions } from '../../../ports/working-tree.ts';
import type { ReadHook } from '../../fs/stable-read.ts';
import { separateLogs } from '../database/database-files.ts';
import { FileEncoder } from './file-encoder.ts';
import { Findings } from './findings.ts';
import { type IngestResult, makeIngestResult } from './ingest-job.ts';
import { ingestDatabases } from './ingest-databases.ts';
import { IngestPool } from './ingest-pool.ts';
import { planJobs, type PlannedJob } from './plan-jobs.ts';

export interface IngestFilesOptions extends IngestOptions {
  /** Absolute path of the vault. */
  readonly root: string;
  /** Files larger than this are kept in chunks; at most 1 GiB. */
  readonly chunkAbove: number;
  /** See `FileEncoderOptions`. */
  readonly appendedFile: ByteString | null;
  /** Private folder for copies of databases; without one they are stored as the bytes they are. */
  readonly temporaryFolder?: string | undefined;
  /** For tests: how many threads read; 0 reads in this one. By default it depends on how much there is to read. */
  readonly workerCount?: number | undefined;
  /** For tests: called while files are read in this thread. */
  readonly hook?: ReadHook | undefined;
}

/**
 * Reads the dirty files and links of a scan, hands their objects to the writer, and fills the tree's `ids`, `flags` and
 * stat columns. Bytes are stored as they are on disk. What could not be read is marked absent and comes back as a problem
 * (or, when it simply went away, in a notice); what changed while it was read is stored as it was read, and marked.
 *
 * Memory is bounded whatever the number and size of files.
 * @throws {HoldfastError} `descriptors_exhausted` when not even one file can be opened at a time
 */
export async function ingestFiles(
  options: IngestFilesOptions,
): Promise<{ readonly problems: readonly Problem[]; readonly notices: readonly Notice[] }> {
  const { scan } = options;
  const { rows, logs } = separateLogs(scan.tree, scan.dirty);
  const plan = planJobs(scan.tree, rows, options);
  const workerCount = options.workerCount ?? workerCountFor(plan);
  const work = new IngestWork(options);
  if (workerCount === 0) await encodeHere(options, { jobs: plan.jobs, work });
  else await encodeInPool(options, { jobs: plan.jobs, work, workerCount });
  const again = work.takeRetries();
  // One at a time, with the threads' own descriptors free again.
  await encodeRows(options, { rows: again, work });
  const { plainRows, notices } = await ingestDatabases(options, { logs, findings: work.findings });
  await encodeRows({ ...options, temporaryFolder: undefined }, { rows: plainRows, work });
  if (work.takeRetries().length > 0) throw outOfDescriptors();
  const found = work.findings.summary();
  return { problems: found.problems, notices: [...found.notices, ...notices] };
}

/** Below this, starting threads costs more than they save. */
const filesHereMax = 1000;
const bytesHereMax = 16 * 1024 * 1024;
const workersMax = 4;
/** Jobs a thread has besides the one it works on, so that it never waits for the next. */
const jobsAhead = 2;

function workerCountFor(plan: { fileCount: number; sizeBytes: number }): number {
  if (plan.fileCount < filesHereMax && plan.sizeBytes < bytesHereMax) return 0;
  // Two even on one core: while one waits for the disk the other computes.
  return Math.min(workersMax, Math.max(2, availableParallelism()));
}

/** What has been read so far. */
class IngestWork {
  readonly findings: Findings;
  readonly #options: IngestFilesOptions;
  #retries: number[] = [];
  #filesDone = 0;
  #bytesDone = 0;

  constructor(options: IngestFilesOptions) {
    this.#options = options;
    this.findings = new Findings(options.scan.tree);
  }

  addBytes(byteCount: number): void {
    this.#bytesDone += byteCount;
    this.#options.onProgress?.(this.#filesDone, this.#bytesDone);
  }

  finish(job: PlannedJob, result: IngestResult): void {
    this.#retries.push(...this.findings.apply(job, result));
    this.#filesDone += job.rows.length;
    this.#options.onProgress?.(this.#filesDone, this.#bytesDone);
  }

  /** Rows that could not be opened for want of descriptors; they count as not done. */
  takeRetries(): Uint32Array {
    const rows = Uint32Array.from(this.#retries);
    this.#filesDone -= rows.length;
    this.#retries = [];
    return rows;
  }
}

async function encodeRows(
  options: IngestFilesOptions,
  { rows, work }: { rows: Uint32Array; work: IngestWork },
): Promise<void> {
  if (rows.length > 0) await encodeHere(options, { jobs: planJobs(options.scan.tree, rows, options).jobs, work });
}

async function encodeHere(
  options: IngestFilesOptions,
  { jobs, work }: { jobs: readonly PlannedJob[]; work: IngestWork },
): Promise<void> {
  if (jobs.length === 0) return;
  const { root, chunkAbove, appendedFile, hook, writer, signal } = options;
  const isKnown = (ids: Uint8Array, start: number): boolean => writer.has(ids, start);
  const encoder = new FileEncoder({
    root,
    chunkAbove,
    appendedFile,
    hook,
    isKnown,
    leavesDatabases: leavesDatabases(options),
  });
  for (const job of jobs) {
    const result = makeIngestResult(job.rows.length);
    for (const batch of encoder.encode(job.makeJob(), result)) {
      signal?.throwIfAborted();
      await writer.addEncoded(batch.view());
      encoder.takeBack(batch);
      work.addBytes(encoder.takeBytesRead());
    }
    work.finish(job, result);
  }
  signal?.throwIfAborted();
}

async function encodeInPool(
  options: IngestFilesOptions,
  { jobs, work, workerCount }: { jobs: readonly PlannedJob[]; work: IngestWork; workerCount: number },
): Promise<void> {
  const { root, chunkAbove, appendedFile, writer, known, signal } = options;
  await using pool = new IngestPool(
    { root, chunkAbove, appendedFile, leavesDatabases: leavesDatabases(options), known: known.table() },
    { workerCount, signal },
  );
  /** Jobs each thread has, oldest first. */
  const underWay: PlannedJob[][] = Array.from({ length: workerCount }, () => []);
  let next = 0;
  const giveJob = (worker: number): void => {
    const job = jobs[next++];
    if (job === undefined) return;
    underWay[worker]!.push(job);
    pool.send(worker, { kind: 'job', job: job.makeJob() });
  };
  for (let round = 0; round < jobsAhead; round++) for (let worker = 0; worker < workerCount; worker++) giveJob(worker);
  for (let finished = 0; finished < jobs.length;) {
    const { worker, message } = await pool.next();
    work.addBytes(message.bytesRead);
    if (message.kind === 'objects') {
      await writer.addEncoded(message.objects);
      pool.send(worker, { kind: 'taken' });
    } else {
      giveJob(worker);
      work.finish(underWay[worker]!.shift()!, message.result);
      finished++;
    }
  }
}

function leavesDatabases({ temporaryFolder }: IngestFilesOptions): boolean {
  return temporaryFolder !== undefined;
}

function outOfDescriptors(): HoldfastError {
  return new HoldfastError('descriptors_exhausted', 'Files of the vault cannot be read: too many files are open.', {
    hint: 'Close other programs or raise the limit (ulimit -n), then run the command again.',
  });
}
