import { setImmediate } from 'node:timers/promises';

const sliceMs = 40;

/**
 * Breaks long synchronous work into slices, so that signals and progress come through in between. Call `isDue` often
 * and `rest` when it says so.
 */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  readonly #onRest: () => void;
  #sliceEndsMs = performance.now() + sliceMs;

  constructor(signal: AbortSignal | undefined, onRest: () => void = () => {}) {
    this.#signal = signal;
    this.#onRest = onRest;
    signal?.throwIfAborted();
  }

  get isDue(): boolean {
    return performance.now() >= this.#sliceEndsMs;
  }

  /** Lets the event loop turn. Throws the signal's reason when it fired. */
  async rest(): Promise<void> {
    this.#onRest();
    await setImmediate();
    this.#signal?.throwIfAborted();
    this.#sliceEndsMs = performance.now() + sliceMs;
  }
}
