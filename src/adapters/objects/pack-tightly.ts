import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, HoldfastError } from '../../model/errors.ts';
import type { PackableObject, SealedPack } from '../../ports/object-writer.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { threadError } from '../fs/thread-error.ts';
import { DeltaPacker, type DeltaPackerOptions } from './delta-packer.ts';
import type { DeltaAnswer, DeltaJob } from './delta-worker.ts';

/** Below this, starting a thread takes longer than the work. */
const threadFromBytes = 1024 * 1024;
/** Batches given to the thread and not answered yet. */
const batchesAheadMax = 2;

interface Packing {
  add(batch: readonly PackableObject[]): Promise<void>;
  finish(): Promise<readonly SealedPack[]>;
  stop(): Promise<void>;
}

/** Packs batches of objects with deltas; see the port. Much work is done in a thread of its own. */
export async function packTightly(
  batches: AsyncIterable<readonly PackableObject[]>,
  options: { directory: string; mark: string; sizeBytes: number; signal?: AbortSignal | undefined },
): Promise<readonly SealedPack[]> {
  const { signal } = options;
  const packing = options.sizeBytes < threadFromBytes ? packHere(options) : packInThread(options);
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      await packing.add(batch);
    }
    const packs = await packing.finish();
    signal?.throwIfAborted();
    if (packs.length > 0) syncDirectory(options.directory);
    return packs;
  } catch (error) {
    signal?.throwIfAborted();
    // Reading the objects can fail too; only what the disk says is put into words here.
    throw systemCode(error) === '' ? error : mapFsError(error, 'write a pack');
  } finally {
    await packing.stop();
  }
}

function packHere(options: DeltaPackerOptions): Packing {
  const packer = new DeltaPacker(options);
  return {
    add: async (batch) => batch.forEach((object) => packer.add(object)),
    finish: async () => packer.finish(),
    stop: async () => packer.discard(),
  };
}

function packInThread({ directory, mark }: DeltaPackerOptions): Packing {
  // The same extension as this file: the sources run as they are, the build has .js.
  const worker = new Worker(new URL(`./delta-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { directory, mark },
  });
  const waiting: { resolve(packs: readonly SealedPack[]): void; reject(error: unknown): void }[] = [];
  const under: Promise<unknown>[] = [];
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure ??= error;
    for (const one of waiting.splice(0)) one.reject(failure);
  };
  worker.on('message', (answer: DeltaAnswer) => {
    if ('packs' in answer) waiting.shift()?.resolve(answer.packs);
    else fail(errorOf(answer.error));
  });
  worker.on('error', (cause) => fail(threadError(cause, 'packs objects')));
  worker.on('exit', () => fail(new HoldfastError('canceled', 'Packing objects was given up.')));
  const ask = (job: DeltaJob): Promise<readonly SealedPack[]> => {
    if (failure !== null) return Promise.reject(failure);
    const { promise, ...settle } = Promise.withResolvers<readonly SealedPack[]>();
    promise.catch(() => {});
    waiting.push(settle);
    worker.postMessage(job);
    return promise;
  };
  return {
    async add(batch) {
      // A view of a large buffer would be sent with all of it.
      const own = batch.map((object) => ({ ...object, content: new Uint8Array(object.content) }));
      under.push(ask({ kind: 'add', batch: own }));
      if (under.length > batchesAheadMax) await under.shift();
    },
    async finish() {
      await Promise.all(under);
      return ask({ kind: 'finish' });
    },
    async stop() {
      await worker.terminate();
    },
  };
}

function errorOf(parts: { code: string; message: string }): HoldfastError {
  // The code was one of ours when the worker sent it.
  return new HoldfastError(parts.code as ErrorCode, parts.message);
}
