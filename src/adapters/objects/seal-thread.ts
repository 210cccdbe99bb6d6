import { extname } from 'node:path';
import type { Transferable } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, HoldfastError } from '../../model/errors.ts';
import type { SealedPack } from '../../ports/object-writer.ts';
import { threadError } from '../fs/thread-error.ts';
import type { PackJob, PackJobAnswer } from './pack-job.ts';

/** Runs jobs on packs, one after another, on a thread that is started when first needed. */
export interface SealThread {
  run(job: PackJob, transfer?: readonly Transferable[]): Promise<SealedPack>;
  /** Ends the thread; jobs under way are given up. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (pack: SealedPack) => void;
  readonly reject: (error: unknown) => void;
}

export function createSealThread(): SealThread {
  const waiting: Waiting[] = [];
  let worker: Worker | null = null;

  function start(): Worker {
    // The same extension as this file: the sources run as they are, the build has .js.
    const started = new Worker(new URL(`./seal-worker${extname(import.meta.url)}`, import.meta.url));
    started.on('message', (answer: PackJobAnswer) => {
      const first = waiting.shift();
      if (waiting.length === 0) started.unref();
      if ('pack' in answer) first?.resolve(answer.pack);
      else first?.reject(errorOf(answer.error));
    });
    started.on('error', (cause) => failAll(threadError(cause, 'writes packs')));
    started.on('exit', () => failAll(new HoldfastError('canceled', 'Writing a pack was given up.')));
    return started;
  }

  function failAll(error: unknown): void {
    worker = null;
    for (const { reject } of waiting.splice(0)) reject(error);
  }

  return {
    run(job, transfer = []) {
      worker ??= start();
      worker.ref();
      const { promise, ...settle } = Promise.withResolvers<SealedPack>();
      waiting.push(settle);
      worker.postMessage(job, transfer);
      return promise;
    },
    async stop() {
      await worker?.terminate();
    },
  };
}

function errorOf(parts: { code: string; message: string; hint: string | undefined }): HoldfastError {
  // The code was one of ours when the worker sent it.
  return new HoldfastError(
    parts.code as ErrorCode,
    parts.message,
    parts.hint === undefined ? {} : { hint: parts.hint },
  );
}
