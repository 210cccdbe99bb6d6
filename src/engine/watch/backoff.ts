import type { Random } from '../../ports/clock.ts';

/** Waits between attempts: doubling from `firstMs` to `maxMs`, each between half and the whole, so that machines that lost a store together do not come back together. */
export class Backoff {
  readonly #options: { readonly firstMs: number; readonly maxMs: number };
  readonly #random: Random;
  #failures = 0;
  #dueMs: number | null = null;

  constructor(random: Random, options: { readonly firstMs: number; readonly maxMs: number }) {
    this.#random = random;
    this.#options = options;
  }

  fail(nowMs: number): void {
    const { firstMs, maxMs } = this.#options;
    const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures++, 30));
    this.#dueMs = nowMs + fullMs * (0.5 + this.#random.bytes(1)[0]! / 510);
  }

  succeed(): void {
    this.#failures = 0;
    this.#dueMs = null;
  }

  /** Lets the next attempt start at once; the waits after it stay as long as they had become. */
  hurry(): void {
    if (this.#dueMs !== null) this.#dueMs = 0;
  }

  /** Monotonic time of the next attempt; null when nothing failed. */
  get dueMs(): number | null {
    return this.#dueMs;
  }

  isWaiting(nowMs: number): boolean {
    return this.#dueMs !== null && nowMs < this.#dueMs;
  }
}
