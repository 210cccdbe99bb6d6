import { isHoldfastError } from '../model/errors.ts';
import type { Deps } from './deps.ts';
import { takeSnapshot, type SnapshotOutcome, type TakeSnapshotOptions } from './take-snapshot.ts';

const waitMsMax = 60_000;
const pauseMs = 250;

/**
 * Takes a snapshot, waiting up to a minute for another holdfast that is taking one: the watcher holds the vault for moments
 * only, and whoever asked must not be told to come again.
 * @throws {HoldfastError} as `takeSnapshot`
 */
export async function takeSnapshotPatiently(deps: Deps, options: TakeSnapshotOptions): Promise<SnapshotOutcome> {
  const startedMs = deps.clock.monotonicMs();
  for (;;) {
    try {
      return await takeSnapshot(deps, options);
    } catch (error) {
      const waitedMs = deps.clock.monotonicMs() - startedMs;
      if (!isHoldfastError(error, 'vault_locked') || waitedMs >= waitMsMax) throw error;
    }
    options.signal?.throwIfAborted();
    await deps.clock.sleep(pauseMs, options.signal);
  }
}
