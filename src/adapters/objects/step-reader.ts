import { setImmediate } from 'node:timers/promises';
import { ByteLru } from '../../lib/byte-lru.ts';
import type { FetchRange } from './fetch-pack.ts';

export interface StepReaderOptions {
  readonly sizeBytes: number;
  readonly signal?: AbortSignal | undefined;
}

const stepBytes = 4 * 1024 * 1024;
const stepsAhead = 2;
const readsBetweenPauses = 256;
const keptBytesMax = 128 * 1024 * 1024;

/**
 * Wraps a fetcher for someone who reads all of a pack, front to back, and then goes back to parts of it (deltas and their
 * bases). Reads in steps, has the next ones on their way, and keeps the latest: a pack of usual size is fetched once.
 */
export function createStepReader(
  fetch: FetchRange,
  options: StepReaderOptions,
): (start: number, end: number) => Uint8Array | Promise<Uint8Array> {
  const { sizeBytes, signal } = options;
  const stepCount = Math.ceil(sizeBytes / stepBytes);
  const kept = new ByteLru<number, Uint8Array>(keptBytesMax);
  const coming = new Map<number, Promise<Uint8Array>>();
  let furthest = -1;

  function step(number: number): Uint8Array | Promise<Uint8Array> {
    if (number > furthest) {
      furthest = number;
      for (let next = number + 1; next <= number + stepsAhead && next < stepCount; next++) void start(next);
    }
    return kept.get(number) ?? start(number);
  }

  function start(number: number): Promise<Uint8Array> {
    const known = coming.get(number);
    if (known !== undefined) return known;
    const from = number * stepBytes;
    const bytes = fetchAfterPause(from).then((fetched) => {
      kept.set(number, fetched, fetched.length);
      coming.delete(number);
      return fetched;
    });
    // Seen when its turn comes; the reader may stop before.
    bytes.catch(() => {});
    coming.set(number, bytes);
    return bytes;
  }

  // A local pack answers at once every time: without pauses nothing else would run, not even a cancellation.
  async function fetchAfterPause(from: number): Promise<Uint8Array> {
    await setImmediate();
    return fetch(from, Math.min(sizeBytes, from + stepBytes), signal);
  }

  async function across(from: number, to: number): Promise<Uint8Array> {
    await setImmediate();
    const out = new Uint8Array(to - from);
    for (let at = from; at < to;) {
      const number = Math.floor(at / stepBytes);
      const within = at - number * stepBytes;
      const part = (await step(number)).subarray(within, within + to - at);
      out.set(part, at - from);
      at += part.length;
    }
    return out;
  }

  let reads = 0;
  return (from, to) => {
    const number = Math.floor(from / stepBytes);
    reads++;
    if (to > (number + 1) * stepBytes || reads % readsBetweenPauses === 0) return across(from, to);
    const bytes = step(number);
    const cut = (whole: Uint8Array): Uint8Array =>
      // A small part is copied, so that keeping it does not keep the step.
      to - from === whole.length
        ? whole
        : new Uint8Array(whole.subarray(from - number * stepBytes, to - number * stepBytes));
    return bytes instanceof Promise ? bytes.then(cut) : cut(bytes);
  };
}
