import { AsyncLocalStorage } from 'node:async_hooks';
import type { MemoryStorage, StorageOperation } from './memory-storage.ts';

/** What two pieces of work on one storage ended with: a result, or the error. */
export interface Interleaved<First, Second> {
  readonly first: First | Error;
  readonly second: Second | Error;
  /** Each was long enough to be stopped where it should be. */
  readonly wasFirstPaused: boolean;
  readonly wasSecondPaused: boolean;
}

/**
 * Runs `first` up to one of its calls of the storage, then `second` up to one of its own, then the rest of `first`, then the
 * rest of `second`: each pair of calls is one meeting of two machines, and always the same one.
 */
export async function interleave<First, Second>(
  storage: MemoryStorage,
  work: {
    readonly first: () => Promise<First>;
    /** A number of its calls, or the first call that is like this. */
    readonly pauseFirstAt: number | ((operation: StorageOperation, key: string) => boolean);
    readonly second: () => Promise<Second>;
    readonly pauseSecondAt: number;
  },
): Promise<Interleaved<First, Second>> {
  const runner = new AsyncLocalStorage<'first' | 'second'>();
  const [firstPaused, secondPaused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [goOnFirst, goOnSecond] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const calls = { first: 0, second: 0 };
  let [wasFirstPaused, wasSecondPaused] = [false, false];
  const { pauseFirstAt } = work;
  const isFirstDue = (operation: StorageOperation, key: string): boolean =>
    typeof pauseFirstAt === 'number' ? calls.first >= pauseFirstAt : pauseFirstAt(operation, key);
  storage.hooks = {
    async beforeCall(operation, key) {
      const who = runner.getStore();
      if (who === 'first') calls.first++;
      if (who === 'first' && isFirstDue(operation, key)) {
        wasFirstPaused = true;
        firstPaused.resolve();
        await goOnFirst.promise;
      } else if (who === 'second' && ++calls.second >= work.pauseSecondAt) {
        wasSecondPaused = true;
        secondPaused.resolve();
        await goOnSecond.promise;
      }
    },
  };
  const settle = <Result>(promise: Promise<Result>): Promise<Result | Error> =>
    promise.catch((error: unknown) => error as Error);
  const first = settle(runner.run('first', work.first));
  await Promise.race([first, firstPaused.promise]);
  const second = settle(runner.run('second', work.second));
  await Promise.race([second, secondPaused.promise]);
  goOnFirst.resolve();
  const firstResult = await first;
  goOnSecond.resolve();
  const secondResult = await second;
  storage.hooks = {};
  return { first: firstResult, second: secondResult, wasFirstPaused, wasSecondPaused };
}
