import type { Clock, Random } from '../../src/ports/clock.ts';

/** A clock whose sleeps pass at once, moving its time; `slept` lists them in milliseconds. */
export function testClock(start: Date = new Date()): Clock & { readonly slept: number[] } {
  let elapsedMs = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(start.getTime() + elapsedMs),
    monotonicMs: () => elapsedMs,
    async sleep(durationMs, signal) {
      signal?.throwIfAborted();
      slept.push(durationMs);
      elapsedMs += durationMs;
    },
  };
}

/** Always the middle. */
export const testRandom: Random = { bytes: (size) => new Uint8Array(size).fill(128) };
