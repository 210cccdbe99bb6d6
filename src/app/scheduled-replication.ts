import { syncReplica } from '../engine/replicate/sync-replica.ts';
import { type HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { Deps } from '../engine/deps.ts';
import type { WatchExtension } from '../engine/watch/extensions.ts';
import type { Config } from './config.ts';
import { openReplica } from './open-replica.ts';

/** Brings every replica level; one that is away does not keep the others waiting, and is the failure told afterwards. */
export async function syncReplicas(deps: Deps, config: Config, signal: AbortSignal): Promise<void> {
  let failure: HoldfastError | null = null;
  for (const url of deps.settings.replicas) {
    try {
      await using replica = await openReplica(config, url, { events: deps.events, create: false });
      await syncReplica(deps, { replica, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!isHoldfastError(error)) throw error;
      failure = error;
    }
  }
  if (failure !== null) throw failure;
}

/** With "continuous": replicas follow each snapshot that reached the store. */
export function replicationExtension(deps: Deps, config: Config): WatchExtension {
  return {
    name: 'replicate',
    async afterSnapshot(outcome, signal) {
      if (deps.settings.replicateEveryMs !== 0 || outcome.kind !== 'taken' || outcome.where !== 'store') return;
      await syncReplicas(deps, config, signal);
    },
  };
}
