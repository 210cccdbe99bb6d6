import { isHoldfastError } from '../../model/errors.ts';
import type { ListOptions, ObjectStorage, StorageKey, StorageOptions } from '../../ports/object-storage.ts';
import type { Retrier } from './retry.ts';

/**
 * Repeats calls that failed in a way time may heal. Every call of the port may be repeated: a create whose reply was lost
 * finds its own bytes and answers 'exists', a listing goes on after the last key it gave. A read whose answer made no sense
 * is made once more. When this process runs out of descriptors, fewer calls run at a time.
 */
export function withRetry(storage: ObjectStorage, retry: Retrier): ObjectStorage {
  const gate = createGate();

  const call = <Result>(work: () => Promise<Result>, options: StorageOptions = {}, onceMore?: typeof isBadAnswer) =>
    retry(() => gate(work), { signal: options.signal, onceMore });

  async function* list(prefix: StorageKey, options: ListOptions = {}) {
    let startAfter = options.startAfter;
    yield* resumed(
      options,
      () => storage.list(prefix, startAfter === undefined ? options : { ...options, startAfter }),
      {
        given: (object) => {
          startAfter = object.key;
        },
      },
    );
  }

  async function* versions(prefix: StorageKey, options: StorageOptions = {}) {
    // A listing of versions cannot be told where to go on, so it starts again and leaves out what it gave.
    const seen = new Set<string>();
    yield* resumed(options, () => storage.versions(prefix, options), {
      given: (version) => void seen.add(`${version.key}\n${version.storageVersionId}`),
      wasGiven: (version) => seen.has(`${version.key}\n${version.storageVersionId}`),
    });
  }

  async function* resumed<Item>(
    options: StorageOptions,
    open: () => AsyncIterable<Item>,
    memory: { given(item: Item): void; wasGiven?(item: Item): boolean },
  ): AsyncGenerator<Item> {
    let iterator: AsyncIterator<Item> | null = null;
    try {
      for (;;) {
        const step = await call(async () => {
          iterator ??= open()[Symbol.asyncIterator]();
          try {
            for (;;) {
              const next = await iterator.next();
              // What was given before is no progress: a listing that always breaks at one place must run out of tries.
              if (next.done === true || memory.wasGiven?.(next.value) !== true) return next;
            }
          } catch (error) {
            iterator = null;
            throw error;
          }
        }, options);
        if (step.done === true) return;
        memory.given(step.value);
        yield step.value;
      }
    } finally {
      await (iterator as AsyncIterator<Item> | null)?.return?.();
    }
  }

  return {
    url: storage.url,
    isLocal: storage.isLocal,
    requests: storage.requests,
    get createIsExclusive() {
      return storage.createIsExclusive;
    },
    putIfAbsent: (key, body, options) => call(() => storage.putIfAbsent(key, body, options), options),
    put: (key, body, options) => call(() => storage.put(key, body, options), options),
    ...(storage.copyFrom === undefined
      ? {}
      : {
          copyFrom: (sourceUrl, source, options) => call(() => storage.copyFrom!(sourceUrl, source, options), options),
        }),
    get: (key, options) => call(() => storage.get(key, options), options, isBadAnswer),
    head: (key, options) => call(() => storage.head(key, options), options),
    list,
    versions,
    delete: (key, options) => call(() => storage.delete(key, options), options),
    ...(storage.inspect === undefined ? {} : { inspect: (options) => call(() => storage.inspect!(options), options) }),
    versioning: (options) => call(() => storage.versioning(options), options),
    enableVersioning: (options) => call(() => storage.enableVersioning(options), options),
    abortStaleUploads: (options) => call(() => storage.abortStaleUploads(options), options),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

function isBadAnswer(error: unknown): boolean {
  return isHoldfastError(error, 'storage_answer_invalid', 'object_corrupt');
}

/** Lets everything through until descriptors run out; from then on half as many at a time, and so on down to one. */
function createGate(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let limit = Infinity;
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    while (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    running++;
    try {
      return await work();
    } catch (error) {
      if (isHoldfastError(error, 'descriptors_exhausted')) limit = Math.max(1, Math.floor(running / 2));
      throw error;
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}
