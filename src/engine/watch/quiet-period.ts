/** When a snapshot follows a change: once nothing changed for `quietMs`, but no later than `maxWaitMs` after the first. */
export class QuietPeriod {
  readonly #quietMs: number;
  readonly #maxWaitMs: number;
  #firstMs: number | null = null;
  #lastMs = 0;

  constructor(options: { readonly quietMs: number; readonly maxWaitMs: number }) {
    this.#quietMs = options.quietMs;
    this.#maxWaitMs = options.maxWaitMs;
  }

  /** Notes a change; returns true when it is the first. */
  change(nowMs: number): boolean {
    const isFirst = this.#firstMs === null;
    this.#firstMs ??= nowMs;
    this.#lastMs = nowMs;
    return isFirst;
  }

  /** Asks for a snapshot without waiting for quiet. */
  hurry(nowMs: number): void {
    this.#firstMs = nowMs - this.#maxWaitMs;
    this.#lastMs = nowMs;
  }

  /** Monotonic time at which the snapshot is due; null when nothing changed. */
  get dueMs(): number | null {
    if (this.#firstMs === null) return null;
    return Math.min(this.#lastMs + this.#quietMs, this.#firstMs + this.#maxWaitMs);
  }

  reset(): void {
    this.#firstMs = null;
  }
}
