import { Worker } from 'node:worker_threads';
import { type ErrorCode, HoldfastError } from '../../model/errors.ts';
import { threadError } from '../fs/thread-error.ts';
import type { UmaskMemo } from './create-file.ts';
import type { RestoreRoot } from './own-folder.ts';
import { runWriteJob } from './run-write-job.ts';
import type { WriteFinding, WriteJob } from './write-job.ts';
import type { WriteAnswer } from './write-worker.ts';

const workersMax = 2;
// Garbage of single files is short-lived; left alone, V8 would let it grow to a hundred megabytes a worker.
const maxYoungGenerationSizeMb = 2;
// Starting two workers costs about as much as writing this many small files.
const filesInProcessMax = 500;

interface Waiting {
  resolve(findings: readonly WriteFinding[]): void;
  reject(error: Error): void;
}

interface Busy {
  readonly worker: Worker;
  /** Jobs sent and not yet answered, in the order they were sent. */
  readonly waiting: Waiting[];
}

/** Writes jobs: the first few files here, many in workers, so that inflating, hashing and creating files use both cores. */
export class WritePool implements AsyncDisposable {
  readonly #root: RestoreRoot;
  readonly #umask: UmaskMemo = new Map();
  readonly #workers: Busy[] = [];
  #filesSeen = 0;
  #failure: Error | null = null;

  constructor(root: RestoreRoot) {
    this.#root = root;
  }

  async write(job: WriteJob): Promise<readonly WriteFinding[]> {
    if (this.#failure !== null) throw this.#failure;
    this.#filesSeen += job.starts.length;
    if (this.#filesSeen <= filesInProcessMax) return runWriteJob(this.#root, job, this.#umask);
    const busy = this.#leastBusy();
    const sent = withOwnBytes(job);
    return new Promise((resolve, reject) => {
      busy.waiting.push({ resolve, reject });
      busy.worker.postMessage(sent, [sent.bytes.buffer]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new HoldfastError('invariant_broken', 'The restore was closed already.');
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #leastBusy(): Busy {
    if (this.#workers.length === 0) for (let i = 0; i < workersMax; i++) this.#workers.push(this.#start());
    return this.#workers.reduce((least, other) => (other.waiting.length < least.waiting.length ? other : least));
  }

  #start(): Busy {
    // The sources run as they are in development, and as JavaScript once built.
    const file = import.meta.url.endsWith('.ts') ? './write-worker.ts' : './write-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#root,
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    const busy: Busy = { worker, waiting: [] };
    worker.on('message', (answer: WriteAnswer) => {
      const waiting = busy.waiting.shift()!;
      if (answer.kind === 'written') waiting.resolve(answer.findings);
      else waiting.reject(failureOf(answer));
    });
    worker.on('error', (error) => this.#fail(busy, error));
    worker.on('exit', () => this.#fail(busy, null));
    return busy;
  }

  #fail(busy: Busy, cause: Error | null): void {
    this.#failure ??= threadError(cause, 'writes files');
    for (const waiting of busy.waiting.splice(0)) waiting.reject(this.#failure);
  }
}

function failureOf(answer: Extract<WriteAnswer, { kind: 'failed' }>): HoldfastError {
  const details = answer.hint === undefined ? {} : { hint: answer.hint };
  return new HoldfastError(answer.code as ErrorCode, answer.message, details);
}

/** The job with bytes of its own: a view of a larger buffer (a pooled one, say) would be sent with all of that buffer. */
function withOwnBytes(job: WriteJob): WriteJob & { readonly bytes: Uint8Array<ArrayBuffer> } {
  const { buffer } = job.bytes;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === job.bytes.byteLength;
  return { ...job, bytes: isOwn ? new Uint8Array(buffer) : new Uint8Array(job.bytes) };
}
