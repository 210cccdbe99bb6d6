import type { RollbackJournal } from '../../format/rollback-journal.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { LiveMover } from '../../ports/live-tree.ts';
import type { Deps } from '../deps.ts';
import { assertRepositoryQuiet } from './assert-quiet.ts';
import { finishBack, finishForward, type MovingOptions, type RollbackOutcome } from './finish-rollback.ts';
import { loadPendingRollback } from './pending-rollback.ts';

export interface PendingOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes on with an interrupted rollback. Needs neither the store nor a scan: everything is staged, and the disk shows how far it is.
 * @throws {HoldfastError} `rollback_none`, `vault_locked`, `live_changed`, `rollback_stopped`, as `assertRepositoryQuiet`
 */
export async function resumeRollback(deps: Deps, options: PendingOptions = {}): Promise<RollbackOutcome> {
  return withPending(deps, options, async (moving) => {
    await assertRepositoryQuiet(deps, options.signal);
    return finishForward(deps, moving);
  });
}

/**
 * Takes an interrupted rollback back: the vault is then as it was before, but for files somebody changed since, which stay and
 * are named. Works without the store.
 * @throws {HoldfastError} `rollback_none`, `vault_locked`, `rollback_stopped`
 */
export async function abortRollback(deps: Deps, options: PendingOptions = {}): Promise<RollbackOutcome> {
  return withPending(deps, options, async (moving) => finishBack(deps, moving));
}

async function withPending(
  deps: Deps,
  { signal }: PendingOptions,
  act: (moving: MovingOptions) => Promise<RollbackOutcome>,
): Promise<RollbackOutcome> {
  await using _lock = await deps.vaultLock.acquire('rollback');
  const journal = await loadPendingRollback(deps);
  if (journal === null) {
    throw new HoldfastError('rollback_none', 'No rollback is pending.', {
      hint: 'To take back the last finished one: holdfast rollback --undo',
    });
  }
  using mover = openWorkFolder(deps, journal);
  return await act({ journal, mover, signal, leftAlone: [] });
}

function openWorkFolder(deps: Deps, { folder }: RollbackJournal): LiveMover {
  return deps.liveTree.openMover(`${deps.identity.vault.root}/${deps.holdingArea.name}/${folder}`);
}
