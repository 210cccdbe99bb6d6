import { Worker } from 'node:worker_threads';
import { threadError } from '../fs/thread-error.ts';
import type { PartResult, PartSetup, PartTasks } from './scan-part.ts';

/** Most of what a scan makes is thrown away at once, so a small nursery saves memory and costs no time. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/** Threads that scan parts of one vault. Dispose of them whatever happens. */
export class ScanThreads implements Disposable {
  readonly #setup: PartSetup;
  #tasks: PartTasks | null = null;
  readonly #threads: { readonly worker: Worker; readonly result: Promise<PartResult> }[] = [];

  constructor(setup: PartSetup) {
    this.#setup = setup;
  }

  /** Starts threads up to `count`; they load their code while this thread goes on. */
  start(count: number): void {
    while (this.#threads.length < count) {
      const file = import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js';
      const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#setup, resourceLimits });
      const result = new Promise<PartResult>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', (cause) => reject(threadError(cause, 'scans the vault')));
        worker.once('exit', () => reject(new Error('a scanning thread ended without an answer')));
      });
      // A rejection that is not awaited yet must not count as unhandled; `results` still sees it.
      result.catch(() => {});
      if (this.#tasks !== null) worker.postMessage(this.#tasks);
      this.#threads.push({ worker, result });
    }
  }

  /** Lets the threads take tasks, those started later too. */
  run(tasks: PartTasks): void {
    this.#tasks = tasks;
    for (const { worker } of this.#threads) worker.postMessage(tasks);
  }

  /** What each thread found, once it finds no more tasks. */
  results(): Promise<PartResult[]> {
    return Promise.all(this.#threads.map(({ result }) => result));
  }

  [Symbol.dispose](): void {
    for (const { worker } of this.#threads) void worker.terminate();
  }
}
