import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { Deps } from '../deps.ts';
import { type DueJob, Schedule, type ScheduledJob } from './schedule.ts';

export interface JobRunnerOptions {
  readonly jobs: readonly ScheduledJob[];
  readonly signal: AbortSignal;
  readonly onEnd: (name: string, error: HoldfastError | null) => void;
}

/** A watcher that has just started has better things to do. */
const graceMs = 2 * 60_000;

/** Runs due jobs beside the loop, one at a time. */
export class JobRunner {
  readonly #deps: Deps;
  readonly #options: JobRunnerOptions;
  readonly #schedule: Schedule;
  readonly #notBeforeMs: number;
  #running: Promise<void> | null = null;

  constructor(deps: Deps, options: JobRunnerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#schedule = new Schedule(options.jobs);
    this.#notBeforeMs = deps.clock.monotonicMs() + graceMs;
  }

  get next(): DueJob | null {
    return this.#schedule.next;
  }

  /** Reads from the index when jobs last ran. An index that cannot be read puts them off. */
  async plan(): Promise<void> {
    try {
      const { rows } = await this.#deps.snapshotIndex.read();
      this.#schedule.read(rows, this.#deps.clock.now().getTime());
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
    }
  }

  startDue(): void {
    const next = this.#schedule.next;
    const { clock } = this.#deps;
    if (this.#running !== null || next === null || this.#options.signal.aborted) return;
    if (clock.monotonicMs() < this.#notBeforeMs || clock.now().getTime() < next.dueMs) return;
    this.#running = this.#run(next.job);
  }

  /** Waits until the job that runs has come to its end; it was told by the signal. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(job: ScheduledJob): Promise<void> {
    let failure: HoldfastError | null = null;
    try {
      await job.run(this.#deps, this.#options.signal);
    } catch (error) {
      failure = isHoldfastError(error) ? error : broken(job, error);
    }
    if (this.#options.signal.aborted) return;
    // Another command at work is no failure of the job, yet it must not be asked again every minute.
    if (failure !== null) this.#schedule.failed(job, this.#deps.clock.now().getTime());
    await this.plan();
    this.#running = null;
    this.#options.onEnd(job.name, failure);
  }
}

function broken(job: ScheduledJob, error: unknown): HoldfastError {
  return new HoldfastError('invariant_broken', `The scheduled ${job.name} failed: ${String(error)}.`, { cause: error });
}
