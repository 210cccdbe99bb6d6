import type { HoldfastError } from '../../model/errors.ts';
import type { Watcher, WatchHint } from '../../ports/watcher.ts';
import type { Scan } from '../../ports/working-tree.ts';
import { Backoff } from './backoff.ts';
import { type CaptureEnd, CaptureTurn } from './capture-turn.ts';
import { ExtensionCalls } from './extension-calls.ts';
import type { WatchExtension } from './extensions.ts';
import { GapDetector } from './gap-detector.ts';
import { JobRunner } from './job-runner.ts';
import { Marks } from './marks.ts';
import { Pulse } from './pulse.ts';
import { QuietPeriod } from './quiet-period.ts';
import type { ScheduledJob } from './schedule.ts';
import type { WatchDeps } from './watch-deps.ts';
import type { WatchEvent } from './watch-event.ts';
import { foldersRead } from './watched-folders.ts';

export interface WatchOptions {
  readonly quietMs: number;
  readonly maxWaitMs: number;
  readonly rescanMs: number;
  readonly jobs: readonly ScheduledJob[];
  readonly extensions: readonly WatchExtension[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent) => void;
}

/** Where the system does not watch everything, everything is looked at this often. */
const pollMs = 60_000;
/** How often the loop wakes for what gives no hint: a machine that slept, something mounted, a job that is due. */
const tickMs = 60_000;

/** The loop: waits for a hint or a due time, does what is due, waits again. One thing at a time, jobs aside. */
export class WatchLoop implements AsyncDisposable {
  readonly #deps: WatchDeps;
  readonly #options: WatchOptions;
  readonly #marks = new Marks();
  readonly #quiet: QuietPeriod;
  readonly #pulse: Pulse;
  readonly #calls: ExtensionCalls;
  readonly #turn: CaptureTurn;
  readonly #jobs: JobRunner;
  readonly #gap: GapDetector;
  readonly #watcher: Watcher;
  /** Before the next capture after one that failed, or found the vault busy. */
  readonly #captures: Backoff;
  #refsChanged = false;
  #isReady = false;
  #isLimitTold = false;
  #rescanDueMs = 0;
  #tickDueMs: number;
  #mountMark: string;
  #wake: AbortController | null = null;

  constructor(deps: WatchDeps, options: WatchOptions) {
    const { signal } = options;
    this.#deps = deps;
    this.#options = options;
    this.#quiet = new QuietPeriod(options);
    this.#pulse = new Pulse(deps);
    this.#calls = new ExtensionCalls(options.extensions, { signal, onError: (error) => this.#noteError(error) });
    this.#turn = new CaptureTurn(deps, {
      marks: this.#marks,
      calls: this.#calls,
      signal,
      onTake: () => this.#quiet.reset(),
      onScan: (scan) => this.#follow(scan),
    });
    this.#jobs = new JobRunner(deps, {
      jobs: options.jobs,
      signal,
      onEnd: (name, error) => this.#jobEnded(name, error),
    });
    this.#gap = new GapDetector(deps.clock);
    this.#captures = new Backoff(deps.random, { firstMs: 2000, maxMs: 60_000 });
    this.#tickDueMs = deps.clock.monotonicMs() + tickMs;
    this.#mountMark = deps.mountMark();
    this.#watcher = deps.openWatcher((hint) => this.#take(hint));
  }

  /** Returns when the signal fired. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    await this.#followKnown();
    this.#lookAtEverything('start');
    await this.#jobs.plan();
    while (!signal.aborted) {
      await this.#doWhatIsDue();
      await this.#wait();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher[Symbol.asyncDispose]();
    await this.#jobs.settle();
    await this.#pulse.write({ isEnd: true });
  }

  async #doWhatIsDue(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#tickDueMs) await this.#tick(nowMs);
    if (nowMs >= this.#rescanDueMs && this.#isReady && !this.#marks.isEverything) this.#lookAtEverything('interval');
    if (this.#refsChanged) await this.#judgeRefs();
    if (this.#captureDueMs() <= this.#deps.clock.monotonicMs()) await this.#capture();
    if (!this.#options.signal.aborted) this.#noteWaiting();
    if (this.#turn.uploadDueMs === null) this.#jobs.startDue();
    await this.#pulse.write();
  }

  /** When the next capture is due: changes that had their quiet, or snapshots that wait for another try of the store. */
  #captureDueMs(): number {
    const dueMs = Math.min(this.#quiet.dueMs ?? Infinity, this.#turn.uploadDueMs ?? Infinity);
    return Math.max(dueMs, this.#captures.dueMs ?? 0);
  }

  async #wait(): Promise<void> {
    const { clock } = this.#deps;
    const dueMs = Math.min(
      this.#captureDueMs(),
      this.#isReady ? this.#rescanDueMs : Infinity,
      this.#tickDueMs,
      this.#pulse.dueMs ?? Infinity,
    );
    const durationMs = dueMs - clock.monotonicMs();
    if (durationMs > 0 && !this.#refsChanged) {
      this.#wake = new AbortController();
      const signal = AbortSignal.any([this.#wake.signal, this.#options.signal]);
      try {
        await clock.sleep(Math.ceil(durationMs), signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      this.#wake = null;
    }
    if (this.#gap.isAfterGap(dueMs)) this.#wokeAfterGap();
  }

  #take(hint: WatchHint): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (hint.kind === 'limited') {
      this.#limit(hint);
      return;
    }
    if (hint.kind === 'repository') this.#refsChanged = true;
    else if (hint.kind === 'folder') this.#marks.mark(hint.path);
    else this.#lookAtEverything(hint.reason);
    // Later hints only put off what is already waited for.
    const isFirst = hint.kind === 'folder' && this.#quiet.change(nowMs);
    if (isFirst || hint.kind !== 'folder') this.#wake?.abort();
  }

  #lookAtEverything(reason: string): void {
    this.#marks.markEverything(reason);
    this.#quiet.hurry(this.#deps.clock.monotonicMs());
    if (this.#isReady) this.#options.onEvent({ type: 'rescan', reason });
  }

  #wokeAfterGap(): void {
    this.#lookAtEverything('the machine slept');
    this.#turn.hurryUpload();
  }

  async #tick(nowMs: number): Promise<void> {
    this.#tickDueMs = nowMs + tickMs;
    const mark = this.#deps.mountMark();
    if (mark !== this.#mountMark) {
      this.#mountMark = mark;
      this.#lookAtEverything('something was mounted or unmounted');
    }
    await this.#calls.tick();
  }

  async #judgeRefs(): Promise<void> {
    this.#refsChanged = false;
    const verdict = await this.#calls.refsChanged();
    const nowMs = this.#deps.clock.monotonicMs();
    if (verdict === 'snapshot_now') this.#quiet.hurry(nowMs);
    else if (verdict === 'snapshot_soon') this.#quiet.change(nowMs);
  }

  async #capture(): Promise<void> {
    const end = await this.#turn.run();
    const nowMs = this.#deps.clock.monotonicMs();
    this.#tell(end);
    if (end.kind === 'done') {
      this.#captures.succeed();
      if (end.isWhole) this.#rescanDueMs = nowMs + this.#rescanMs();
      if (end.isWhole && !this.#isReady) this.#ready(end);
    } else if (end.kind !== 'stopped') {
      this.#captures.fail(nowMs);
      // What was taken is marked again; without this, nothing would ask for it before the next change.
      this.#quiet.hurry(nowMs);
    }
  }

  #tell(end: CaptureEnd): void {
    const { onEvent } = this.#options;
    const at = this.#deps.clock.now().toISOString();
    if (end.kind === 'stopped') return;
    const pause = end.kind === 'paused' ? end.reason : null;
    if (pause !== this.#pulse.state.pause) onEvent({ type: 'paused', reason: pause });
    this.#pulse.note({ pause, waiting: this.#turn.waiting });
    if (end.kind === 'paused') return;
    const error = end.kind === 'failed' ? end.error : end.outcome.publishError;
    if (error !== null) this.#noteError(error);
    else if (this.#turn.uploadDueMs === null) this.#pulse.note({ lastError: null });
    if (end.kind === 'failed') return;
    this.#pulse.note({ lastLookAt: at }, 'seldom');
    if (end.hasUploaded) onEvent({ type: 'uploaded' });
    if (end.outcome.kind !== 'taken') return;
    const { record, where } = end.outcome;
    this.#pulse.note({ lastSnapshot: { id: record.id, at: record.takenAt, where } });
    onEvent({ type: 'taken', outcome: end.outcome });
  }

  #ready({ fileCount }: Extract<CaptureEnd, { kind: 'done' }>): void {
    this.#isReady = true;
    const { sees } = this.#pulse.state;
    this.#options.onEvent({ type: 'ready', files: fileCount, folders: this.#watcher.watchedCount, sees });
  }

  /** Before the first look, folders known from last time are watched, so that little has to be looked at twice. */
  async #followKnown(): Promise<void> {
    const cache = await this.#deps.statCache.load();
    if (cache !== null) this.#watcher.follow(foldersRead(cache), { isWhole: true });
  }

  /** What happened in a new folder before it was watched gave no hint: it is looked at once more. */
  #follow(scan: Scan): void {
    const isWhole = scan.part === undefined;
    if (isWhole) this.#pulse.note({ sees: 'events', limit: null }, 'seldom');
    const added = this.#watcher.follow(foldersRead(scan), { isWhole });
    for (const path of added) this.#take({ kind: 'folder', path });
    this.#pulse.note({ watchedFolders: this.#watcher.watchedCount }, 'seldom');
  }

  #limit({ unwatched, code, remedy }: Extract<WatchHint, { kind: 'limited' }>): void {
    const { limit } = this.#pulse.state;
    const isNews = limit === null && !this.#isLimitTold;
    this.#isLimitTold = true;
    this.#pulse.note({ sees: 'polling', limit: { code, unwatched, remedy } });
    // The next look at everything was planned for when hints could be relied on.
    this.#rescanDueMs = Math.min(this.#rescanDueMs, this.#deps.clock.monotonicMs() + this.#rescanMs());
    this.#wake?.abort();
    if (isNews) this.#options.onEvent({ type: 'limited', unwatched, code, remedy });
  }

  #rescanMs(): number {
    return this.#pulse.state.sees === 'polling' ? Math.min(pollMs, this.#options.rescanMs) : this.#options.rescanMs;
  }

  #jobEnded(name: string, error: HoldfastError | null): void {
    if (error !== null) this.#noteError(error);
    this.#options.onEvent({ type: 'job_ended', name, error });
    this.#wake?.abort();
  }

  #noteError(error: HoldfastError): void {
    if (error.code === 'canceled') return;
    const at = this.#deps.clock.now().toISOString();
    const isNews = this.#pulse.state.lastError?.message !== error.message;
    this.#pulse.note({ lastError: { at, code: error.code, message: error.message } }, isNews ? 'now' : 'seldom');
    if (isNews) this.#options.onEvent({ type: 'failed', error });
  }

  /** Small facts of the heartbeat: what waits, and what comes next. */
  #noteWaiting(): void {
    const { clock } = this.#deps;
    const at = (dueMs: number): string => new Date(clock.now().getTime() + dueMs - clock.monotonicMs()).toISOString();
    const next = this.#jobs.next;
    const isPending = !this.#marks.isEmpty || this.#quiet.dueMs !== null;
    this.#pulse.note(
      {
        changesSince: isPending ? (this.#pulse.state.changesSince ?? clock.now().toISOString()) : null,
        nextRescanAt: this.#isReady ? at(this.#rescanDueMs) : null,
        nextJob: next === null ? null : { name: next.name, dueAt: new Date(next.dueMs).toISOString() },
      },
      'seldom',
    );
  }
}
