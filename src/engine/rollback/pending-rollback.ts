import { decodeRollbackJournal, type RollbackJournal } from '../../format/rollback-journal.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { HealthReason } from '../../model/health.ts';
import type { Deps } from '../deps.ts';

/**
 * The journal of a rollback that was interrupted; null when none is pending.
 * @throws {HoldfastError} `journal_invalid` when it is damaged
 */
export async function loadPendingRollback(deps: Deps): Promise<RollbackJournal | null> {
  const bytes = await deps.rollbackJournal.load();
  return bytes === null ? null : decodeRollbackJournal(bytes);
}

/** @throws {HoldfastError} `rollback_pending` while a rollback is half done: what stands in the vault is neither side */
export async function assertNoPendingRollback(deps: Deps): Promise<void> {
  const bytes = await deps.rollbackJournal.load();
  if (bytes === null) return;
  const { target, startedAt } = decodeRollbackJournal(bytes);
  throw new HoldfastError('rollback_pending', `A rollback to "${target}" was interrupted and is half done.`, {
    hint: pendingHint,
    data: { target, startedAt },
  });
}

export const pendingHint =
  'Finish it with: holdfast rollback --resume   or take it back with: holdfast rollback --abort';

/** What `status` says of an interrupted rollback. */
export async function rollbackReasons(deps: Deps): Promise<HealthReason[]> {
  if ((await deps.rollbackJournal.load()) === null) return [];
  return [{ colour: 'red', text: 'a rollback was interrupted and is half done', remedy: 'holdfast rollback --resume' }];
}
