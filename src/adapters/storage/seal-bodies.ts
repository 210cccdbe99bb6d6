import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sha256Of } from '../../format/digest.ts';
import { beginSealing, chunkBytes, chunkCountOf, sealChunk } from '../../format/sealed-object.ts';
import { type ErrorCode, HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { Keyring } from '../../model/store-keys.ts';
import type { StorageBody } from '../../ports/object-storage.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { threadError } from '../fs/thread-error.ts';
import { readBody, sizeOfBody } from './body-reader.ts';
import { removeIfThere } from './directory-files.ts';
import type { SealedFile, SealJob } from './seal-file.ts';
import type { SealAnswer } from './seal-worker.ts';

/** Larger bodies are sealed on a thread, into a file. */
const inMemoryBytesMax = 4 << 20;
const staleMs = 24 * 3_600_000;
const suffix = '.sealed';

/** Seals what is about to be stored. */
export interface BodySealer extends AsyncDisposable {
  /** The sealed body; disposing of it removes its file. */
  seal(
    body: StorageBody,
    options: { keyring: Keyring; name: string; signal?: AbortSignal | undefined },
  ): Promise<{ readonly body: StorageBody } & Disposable>;
}

/** `directory` (created when first needed) holds sealed files until they are stored; what a kill left there is removed. */
export function createBodySealer(directory: string): BodySealer {
  let thread: SealThread | null = null;
  let isSwept = false;

  function nextPath(): string {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!isSwept) removeStale(directory);
      isSwept = true;
    } catch (error) {
      throw mapFsError(error, `encrypt in ${JSON.stringify(directory)}`);
    }
    return join(directory, `${randomBytes(12).toString('hex')}${suffix}`);
  }

  return {
    async seal(body, { keyring, name, signal }) {
      signal?.throwIfAborted();
      if (body.kind === 'bytes' || body.sizeBytes <= inMemoryBytesMax) {
        const plain = await readBody(body, signal);
        const sealed = sealBytes(plain, { body, keyring, name });
        return { body: { kind: 'bytes', bytes: sealed, sha256: sha256Of(sealed) }, [Symbol.dispose]() {} };
      }
      const to = nextPath();
      const remove = (): void => void removeIfThere(to);
      try {
        thread ??= startThread();
        const { path: from, sizeBytes, sha256 } = body;
        const object = beginSealing(keyring, { name, sizeBytes, sha256 });
        const sealed = await thread.run({ from, to, object, sha256 }, signal);
        return { body: { kind: 'file', path: to, ...sealed }, [Symbol.dispose]: remove };
      } catch (error) {
        // Its thread was ended, or ended itself; the next body gets another.
        if (!isHoldfastError(error) || error.kind === 'internal' || signal?.aborted === true) thread = null;
        remove();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      await thread?.stop();
    },
  };
}

function sealBytes(plain: Uint8Array, options: { body: StorageBody; keyring: Keyring; name: string }): Buffer {
  const { body, keyring, name } = options;
  // The checksum decides the key: two contents under one would undo the encryption of both.
  if (plain.length !== sizeOfBody(body) || sha256Of(plain) !== body.sha256) {
    throw new HoldfastError('invariant_broken', `The bytes to be stored as ${name} are not those of their checksum.`);
  }
  const object = beginSealing(keyring, { name, sizeBytes: plain.length, sha256: body.sha256 });
  const parts: Uint8Array[] = [object.header];
  for (let chunk = 0; chunk < chunkCountOf(plain.length); chunk++) {
    parts.push(...sealChunk(object, chunk, plain.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)));
  }
  return Buffer.concat(parts);
}

function removeStale(directory: string): void {
  const limit = Date.now() - staleMs;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (name.endsWith(suffix) && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? limit) < limit) {
      removeIfThere(path);
    }
  }
}

interface SealThread {
  run(job: SealJob, signal: AbortSignal | undefined): Promise<SealedFile>;
  stop(): Promise<void>;
}

function startThread(): SealThread {
  // The same extension as this file: the sources run as they are, the build has .js.
  const worker = new Worker(new URL(`./seal-worker${extname(import.meta.url)}`, import.meta.url));
  worker.unref();
  let last: Promise<unknown> = Promise.resolve();

  async function runNow(job: SealJob, signal: AbortSignal | undefined): Promise<SealedFile> {
    const { promise, resolve, reject } = Promise.withResolvers<SealAnswer>();
    const onError = (cause: unknown): void => reject(threadError(cause, 'encrypts packs'));
    const onAbort = (): void => {
      void worker.terminate();
      reject(signal!.reason);
    };
    worker.once('message', resolve);
    worker.once('error', onError);
    // A thread that ends without a word (no memory) must not be waited for.
    const onExit = (): void => onError(new Error('it ended'));
    worker.once('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    worker.ref();
    try {
      worker.postMessage(job);
      const answer = await promise;
      if ('sealed' in answer) return answer.sealed;
      const { code, message, hint } = answer.error;
      throw new HoldfastError(code as ErrorCode, message, hint === undefined ? {} : { hint });
    } finally {
      worker.unref();
      worker.off('message', resolve);
      worker.off('error', onError);
      worker.off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    run(job, signal) {
      const mine = last.then(() => {
        signal?.throwIfAborted();
        return runNow(job, signal);
      });
      last = mine.catch(() => {});
      return mine;
    },
    async stop() {
      await worker.terminate();
    },
  };
}
