import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { SnapshotOutcome } from '../take-snapshot.ts';
import type { CaptureAdvice, CaptureChanges, RefsVerdict, WatchExtension } from './extensions.ts';

/** Calls the extensions one after the other; what one throws is handed to `onError` and keeps no other from its turn. */
export class ExtensionCalls {
  readonly #extensions: readonly WatchExtension[];
  readonly #signal: AbortSignal;
  readonly #onError: (error: HoldfastError) => void;

  constructor(
    extensions: readonly WatchExtension[],
    options: { readonly signal: AbortSignal; readonly onError: (error: HoldfastError) => void },
  ) {
    this.#extensions = extensions;
    this.#signal = options.signal;
    this.#onError = options.onError;
  }

  async beforeCapture(): Promise<void> {
    await this.#each((extension) => extension.beforeCapture?.(this.#signal));
  }

  /** The first advice counts. */
  async afterScan(changes: CaptureChanges): Promise<CaptureAdvice | null> {
    const advice = await this.#each((extension) => extension.afterScan?.(changes));
    return advice.find((one) => one !== null) ?? null;
  }

  async afterSnapshot(outcome: SnapshotOutcome): Promise<void> {
    await this.#each((extension) => extension.afterSnapshot?.(outcome, this.#signal));
  }

  async afterFailure(error: HoldfastError): Promise<void> {
    await this.#each((extension) => extension.afterFailure?.(error, this.#signal));
  }

  /** The most pressing verdict counts; where nobody judges, refs are captured like files. */
  async refsChanged(): Promise<RefsVerdict> {
    const verdicts = await this.#each((extension) => extension.refsChanged?.(this.#signal));
    if (verdicts.includes('snapshot_now')) return 'snapshot_now';
    return verdicts.length === 0 || verdicts.includes('snapshot_soon') ? 'snapshot_soon' : 'nothing';
  }

  async tick(): Promise<void> {
    await this.#each((extension) => extension.tick?.(this.#signal));
  }

  async #each<T>(call: (extension: WatchExtension) => Promise<T> | undefined): Promise<T[]> {
    const answers: T[] = [];
    for (const extension of this.#extensions) {
      if (this.#signal.aborted) return answers;
      try {
        const answer = call(extension);
        if (answer !== undefined) answers.push(await answer);
      } catch (error) {
        if (!this.#signal.aborted) this.#onError(asError(error, extension.name));
      }
    }
    return answers;
  }
}

function asError(error: unknown, name: string): HoldfastError {
  if (isHoldfastError(error)) return error;
  return new HoldfastError('invariant_broken', `The watcher's ${name} failed: ${String(error)}.`, { cause: error });
}
