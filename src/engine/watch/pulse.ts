import { encodeHeartbeat } from '../../format/heartbeat.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { Heartbeat } from '../../model/heartbeat.ts';
import type { Deps } from '../deps.ts';

/** What changes while a watcher runs. */
export type PulseState = Omit<Heartbeat, 'pid' | 'processStart' | 'startedAt' | 'writtenAt' | 'stoppedAt'>;

/** Small changes (a file was saved) are written this seldom. */
const seldomMs = 30_000;

/** Keeps the heartbeat file: important changes are written at once, small ones now and then, nothing while nothing changes. */
export class Pulse {
  readonly #deps: Pick<Deps, 'clock' | 'watchState'>;
  readonly #startedAt: string;
  #state: PulseState = {
    sees: 'events',
    watchedFolders: 0,
    limit: null,
    changesSince: null,
    pause: null,
    waiting: 0,
    lastLookAt: null,
    lastSnapshot: null,
    lastError: null,
    nextJob: null,
    nextRescanAt: null,
  };
  #isDirty = true;
  #isUrgent = true;
  #writtenMs = 0;

  constructor(deps: Pick<Deps, 'clock' | 'watchState'>) {
    this.#deps = deps;
    this.#startedAt = deps.clock.now().toISOString();
  }

  get state(): PulseState {
    return this.#state;
  }

  /** Notes what changed; 'seldom' for what may be half a minute late. */
  note(change: Partial<PulseState>, when: 'now' | 'seldom' = 'now'): void {
    const differs = Object.entries(change).some(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(this.#state[key as keyof PulseState]),
    );
    if (!differs) return;
    this.#state = { ...this.#state, ...change };
    this.#isDirty = true;
    this.#isUrgent ||= when === 'now';
  }

  /** When a small change is to be written, by the monotonic clock; null when nothing waits. */
  get dueMs(): number | null {
    return this.#isDirty ? (this.#isUrgent ? 0 : this.#writtenMs + seldomMs) : null;
  }

  async write(options: { readonly isEnd?: boolean } = {}): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (options.isEnd !== true && (this.dueMs === null || this.dueMs > nowMs)) return;
    const { pid, start } = this.#deps.watchState.self();
    const at = this.#deps.clock.now().toISOString();
    this.#isDirty = false;
    this.#isUrgent = false;
    this.#writtenMs = nowMs;
    const heartbeat: Heartbeat = {
      pid,
      processStart: start,
      startedAt: this.#startedAt,
      writtenAt: at,
      stoppedAt: options.isEnd === true ? at : null,
      ...this.#state,
    };
    try {
      await this.#deps.watchState.save(encodeHeartbeat(heartbeat));
    } catch (error) {
      // A full or read-only disk must not end the watch; it is told where it matters, by the capture that fails as well.
      if (!isHoldfastError(error)) throw error;
      this.#isDirty = true;
    }
  }
}
