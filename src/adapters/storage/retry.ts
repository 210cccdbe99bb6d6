import { isHoldfastError } from '../../model/errors.ts';
import type { HoldfastError } from '../../model/errors.ts';
import type { Clock, Random } from '../../ports/clock.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How long one call may go on trying; 15 minutes when absent, 0 for a single attempt. */
  readonly windowMs?: number | undefined;
  /** Told before each wait. */
  readonly onRetry?: ((retry: { readonly reason: string; readonly delayMs: number }) => void) | undefined;
}

export interface RetryCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Failures worth exactly one more try although time does not heal them. */
  readonly onceMore?: ((error: unknown) => boolean) | undefined;
}

/** Runs `work` until it succeeds, fails for good, or the window closes. */
export type Retrier = <Result>(work: () => Promise<Result>, options?: RetryCallOptions) => Promise<Result>;

const windowMsDefault = 15 * 60_000;
/** For a storage that never answered, likely offline, and for shortages of this machine: a person waits for the cause. */
const shortWindowMs = 8_000;
const firstDelayMs = 250;
const delayMsMax = 30_000;

/**
 * Retries what time may heal: exponential delays with jitter, never shorter than the storage asked for (`Retry-After`).
 * Nested retriers do not multiply: a failure one has given up on is final for the others.
 */
export function createRetrier(options: RetryOptions): Retrier {
  const { clock, random } = options;
  const windowMs = options.windowMs ?? windowMsDefault;
  const givenUp = new WeakSet<object>();
  let hasAnswered = false;

  return async (work, { signal, onceMore } = {}) => {
    const startMs = clock.monotonicMs();
    let wasReadAgain = false;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        const result = await work();
        hasAnswered = true;
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        if (windowMs > 0 && !wasReadAgain && onceMore?.(error) === true) {
          wasReadAgain = true;
          continue;
        }
        if (!isTransient(error) || givenUp.has(error)) throw error;
        const isOurs = error.code === 'descriptors_exhausted';
        if (!isOurs && error.data['reached'] !== false) hasAnswered = true;
        const delayMs = Math.max(jittered(attempt, random), retryAfterMs(error));
        const limitMs = hasAnswered && !isOurs ? windowMs : Math.min(windowMs, shortWindowMs);
        if (clock.monotonicMs() - startMs + delayMs > limitMs) {
          givenUp.add(error);
          throw error;
        }
        options.onRetry?.({ reason: error.message, delayMs });
        await clock.sleep(delayMs, signal);
      }
    }
  };
}

/** True for failures that may pass by themselves. */
export function isTransient(error: unknown): error is HoldfastError {
  return (
    isHoldfastError(error, 'storage_unavailable', 'storage_throttled', 'storage_timeout', 'descriptors_exhausted') &&
    error.data['transient'] !== false
  );
}

/** Between half and all of 250 ms, 500 ms, 1 s, ... 30 s. */
function jittered(attempt: number, random: Random): number {
  const fullMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(attempt, 20));
  const [byte = 0] = random.bytes(1);
  return Math.round(fullMs * (0.5 + byte / 510));
}

function retryAfterMs(error: HoldfastError): number {
  const value = error.data['retryAfterMs'];
  return typeof value === 'number' && value > 0 ? value : 0;
}
