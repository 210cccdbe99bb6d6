import type { IndexRow } from '../../model/index-row.ts';
import type { Deps } from '../deps.ts';

/** Something the watcher does now and then. */
export interface ScheduledJob {
  readonly name: string;
  /** Milliseconds between runs; null: off. */
  readonly intervalMs: number | null;
  /** When it is due after a run, where that is a date rather than a distance. Milliseconds since the epoch. */
  dueAfter?(lastMs: number): number;
  /** When it last ran, by the index's rows (ISO time), so that a restart forgets nothing; null: never. */
  lastRun(rows: readonly IndexRow[]): string | null;
  /** Does it. Whatever it throws is told, and it is tried again later. */
  run(deps: Deps, signal: AbortSignal): Promise<void>;
}

export interface DueJob {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly dueMs: number;
}

/** A failed job is tried again after this long, or after its interval where that is shorter. */
const retryMs = 3_600_000;

/**
 * Knows which job is due when. A job never run is due one interval after the index begins, so that a new vault is not busy
 * with itself; one missed many times (the machine was off) is due once.
 */
export class Schedule {
  readonly #jobs: readonly ScheduledJob[];
  /** By name: wall time in milliseconds before which a failed job is not tried again. */
  readonly #notBefore = new Map<string, number>();
  #due: (DueJob & { readonly job: ScheduledJob })[] = [];

  constructor(jobs: readonly ScheduledJob[]) {
    this.#jobs = jobs;
  }

  /** Works out anew when jobs are due, from the index. */
  read(rows: readonly IndexRow[], nowMs: number): void {
    const beganMs = rows.length === 0 ? nowMs : Date.parse(rows[0]!.at);
    this.#due = this.#jobs.flatMap((job) => {
      if (job.intervalMs === null) return [];
      const last = job.lastRun(rows);
      // A time in the future (the clock was wrong) must not put a job off for years.
      const lastMs = Math.min(last === null ? beganMs : Date.parse(last), nowMs);
      const dueMs = Math.max(job.dueAfter?.(lastMs) ?? lastMs + job.intervalMs, this.#notBefore.get(job.name) ?? 0);
      return [{ name: job.name, dueMs, job }];
    });
    this.#due.sort((a, b) => a.dueMs - b.dueMs);
  }

  failed(job: ScheduledJob, nowMs: number): void {
    this.#notBefore.set(job.name, nowMs + Math.min(retryMs, job.intervalMs ?? retryMs));
  }

  /** The job that is due first, or null. */
  get next(): (DueJob & { readonly job: ScheduledJob }) | null {
    return this.#due[0] ?? null;
  }
}
