import { type HoldfastError, isHoldfastError } from '../../model/errors.ts';
import { type Label, parseLabel } from '../../model/ids.ts';
import type { Scan } from '../../ports/working-tree.ts';
import { type SnapshotOutcome, takeSnapshot } from '../take-snapshot.ts';
import { WarmVault } from '../warm-vault.ts';
import { Backoff } from './backoff.ts';
import type { ExtensionCalls } from './extension-calls.ts';
import type { CaptureAdvice, CaptureChanges } from './extensions.ts';
import type { Marked, Marks } from './marks.ts';
import { roomProblem } from './space-floor.ts';
import type { WatchDeps } from './watch-deps.ts';

/** How one turn of looking and capturing ended. */
export type CaptureEnd =
  | {
      readonly kind: 'done';
      readonly outcome: SnapshotOutcome;
      /** Everything was looked at. */
      readonly isWhole: boolean;
      /** Snapshots that had been waiting are in the store now. */
      readonly hasUploaded: boolean;
      readonly fileCount: number;
    }
  /** Another command has the vault, or there is no room: looked at again later. */
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: HoldfastError }
  | { readonly kind: 'stopped' };

export interface CaptureTurnOptions {
  readonly marks: Marks;
  readonly calls: ExtensionCalls;
  readonly signal: AbortSignal;
  /** The marks were taken: what comes from here on is for the next turn. */
  readonly onTake: () => void;
  readonly onScan: (scan: Scan) => void;
}

/** Takes one snapshot after the other from a tree kept in memory, and knows when the store is worth asking again. */
export class CaptureTurn {
  readonly #deps: WatchDeps;
  readonly #options: CaptureTurnOptions;
  readonly #warm: WarmVault;
  readonly #uploads: Backoff;
  #taken: Marked | null = null;
  #scan: Scan | null = null;
  #waiting = 0;
  #sawRollback = false;

  constructor(deps: WatchDeps, options: CaptureTurnOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#uploads = new Backoff(deps.random, { firstMs: 5000, maxMs: 5 * 60_000 });
    this.#warm = new WarmVault({
      foldersToScan: () => {
        this.#taken = options.marks.take();
        options.onTake();
        return this.#taken.everything === null ? this.#taken.folders : null;
      },
      onScan: (scan) => {
        this.#scan = scan;
        options.onScan(scan);
      },
    });
  }

  /** When the store is to be asked again, by the monotonic clock; null while it takes what it is given. */
  get uploadDueMs(): number | null {
    return this.#uploads.dueMs;
  }

  /** Snapshots captured and not in the store. */
  get waiting(): number {
    return this.#waiting;
  }

  hurryUpload(): void {
    this.#uploads.hurry();
  }

  async run(): Promise<CaptureEnd> {
    const { signal, calls } = this.#options;
    const room = roomProblem(await this.#deps.freeSpace());
    if (room !== null) return { kind: 'paused', reason: `${room}: nothing is captured until there is more` };
    if (!this.#options.marks.isEmpty) await calls.beforeCapture();
    this.#taken = null;
    this.#scan = null;
    try {
      return await this.#capture(signal);
    } catch (error) {
      if (this.#taken !== null) this.#options.marks.putBack(this.#taken);
      return this.#failed(error);
    }
  }

  async #capture(signal: AbortSignal): Promise<CaptureEnd> {
    const { clock, spool } = this.#deps;
    const publish = !this.#uploads.isWaiting(clock.monotonicMs());
    const outcome = await takeSnapshot(this.#deps, {
      label: null,
      kind: 'auto',
      signal,
      warm: this.#warm,
      publish,
      onChanges: (changes) => this.#adviceOn(changes),
    });
    this.#sawRollback = false;
    const hadWaiting = this.#waiting > 0;
    if (outcome.publishError !== null) this.#uploads.fail(clock.monotonicMs());
    else if (publish) this.#uploads.succeed();
    const isLevel = publish && outcome.publishError === null;
    this.#waiting = isLevel ? 0 : (await spool.pending()).snapshots.length;
    await this.#options.calls.afterSnapshot(outcome);
    if (outcome.publishError !== null) await this.#options.calls.afterFailure(outcome.publishError);
    return {
      kind: 'done',
      outcome,
      isWhole: this.#scan?.part === undefined,
      hasUploaded: isLevel && hadWaiting,
      fileCount: this.#countEntries(),
    };
  }

  async #failed(error: unknown): Promise<CaptureEnd> {
    if (this.#options.signal.aborted) return { kind: 'stopped' };
    if (!isHoldfastError(error) || error.kind === 'internal') throw error;
    if (error.kind === 'busy' || error.kind === 'pending') {
      if (error.kind === 'pending' || error.data['purpose'] === 'rollback') this.#sawRollback = true;
      return { kind: 'paused', reason: error.message };
    }
    await this.#options.calls.afterFailure(error);
    return { kind: 'failed', error };
  }

  /** What a rollback left is a state of its own, worth a name; unless somebody has a better one. */
  async #adviceOn(changes: CaptureChanges): Promise<CaptureAdvice | null> {
    const advice = await this.#options.calls.afterScan(changes);
    return advice ?? (this.#sawRollback ? { label: afterRollback } : null);
  }

  /** Files and links; exact after a whole scan. */
  #countEntries(): number {
    return this.#scan === null ? 0 : this.#scan.tree.entryCount - this.#scan.tree.folderCount + 1;
  }
}

const afterRollback: Label = parseLabel('after rollback');
