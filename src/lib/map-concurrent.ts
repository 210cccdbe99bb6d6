export interface MapConcurrentOptions {
  /** How many calls may run at once; at least 1. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Yields `fn(item)` for every item, in input order, with at most `limit` calls under way. Pulls input only as
 * results are taken, so memory stays bounded by `limit`. The first failure ends the iteration.
 */
export async function* mapConcurrent<In, Out>(
  items: Iterable<In> | AsyncIterable<In>,
  options: MapConcurrentOptions,
  fn: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const running: Promise<Out>[] = [];
  try {
    for await (const item of items) {
      options.signal?.throwIfAborted();
      const promise = fn(item);
      // A rejection that is not awaited yet must not count as unhandled; the await below still sees it.
      promise.catch(() => {});
      running.push(promise);
      if (running.length >= options.limit) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
  } finally {
    await Promise.allSettled(running);
  }
}
