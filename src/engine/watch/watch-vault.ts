import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { HeldLock } from '../../ports/vault-lock.ts';
import type { WatchDeps } from './watch-deps.ts';
import { type WatchOptions, WatchLoop } from './watch-loop.ts';

/**
 * Watches the vault until the signal fires, and takes a snapshot whenever something changed: after a quiet period, at the latest
 * after the maximum wait. Hints of the system say where to look; at the start, every `rescanMs`, and whenever hints may have been lost,
 * everything is looked at. Nothing that the disk, the store or another command does ends it.
 * @throws {HoldfastError} `vault_locked` when the vault has a watcher already; `canceled` when the signal fired
 */
export async function watchVault(deps: WatchDeps, options: WatchOptions): Promise<never> {
  await using _lock = await lockWatch(deps);
  await using loop = new WatchLoop(deps, options);
  await loop.run();
  throw options.signal.reason;
}

async function lockWatch(deps: WatchDeps): Promise<HeldLock> {
  try {
    return await deps.watchLock.acquire('watch');
  } catch (error) {
    if (!isHoldfastError(error, 'vault_locked')) throw error;
    const { pid } = error.data;
    const who = typeof pid === 'number' ? ` (pid ${pid})` : '';
    throw new HoldfastError('vault_locked', `Another watcher${who} watches this vault already.`, {
      hint: 'One is enough. See how it is with: holdfast status',
      data: error.data,
    });
  }
}
