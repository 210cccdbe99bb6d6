import type { Clock } from '../../ports/clock.ts';

/** More than clocks drift or a busy machine delays a timer. */
const gapMs = 30_000;

/**
 * Notices that the machine slept, or the process was stopped: the wall clock went on without the monotonic one, or a timer
 * rang much too late. Hints from that time may be missing.
 */
export class GapDetector {
  readonly #clock: Clock;
  #wallMs: number;
  #monotonicMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallMs = clock.now().getTime();
    this.#monotonicMs = clock.monotonicMs();
  }

  /** Call after every wait; `dueMs` is the monotonic time the wait was to end. */
  isAfterGap(dueMs: number): boolean {
    const wallMs = this.#clock.now().getTime();
    const monotonicMs = this.#clock.monotonicMs();
    const drift = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs);
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    return Math.abs(drift) > gapMs || monotonicMs - dueMs > gapMs;
  }
}
