import type { RollbackJournal } from '../../format/rollback-journal.ts';
import { byteStringOfText } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Deps } from '../deps.ts';
import { assertRepositoryQuiet } from './assert-quiet.ts';
import { finishBack, finishForward, type RollbackOutcome } from './finish-rollback.ts';
import { loadPendingRollback } from './pending-rollback.ts';

export interface PendingOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes on with an interrupted rollback. Needs neither the store nor a scan: everything is staged, and the disk shows how far it is.
 * @throws {HoldfastError} `rollback_none`, `vault_locked`, `live_changed`, `rollback_stopped`, as `assertRepositoryQuiet`
 */
export async function resumeRollback(deps: Deps, options: PendingOptions = {}): Promise<RollbackOutcome> {
  const startedMs = deps.clock.monotonicMs();
  return withPending(deps, options, async (journal) => {
    await assertRepositoryQuiet(deps, options.signal);
    using mover = deps.liveTree.openMover(workDirectory(deps, journal));
    return await finishForward(deps, { journal, mover, signal: options.signal, leftAlone: [], startedMs });
  });
}

/**
 * Takes an interrupted rollback back: the vault is then as it was before, but for files somebody changed since, which stay and
 * are named. Works without the store.
 * @throws {HoldfastError} `rollback_none`, `vault_locked`, `rollback_stopped`
 */
export async function abortRollback(deps: Deps, options: PendingOptions = {}): Promise<RollbackOutcome> {
  const startedMs = deps.clock.monotonicMs();
  return withPending(deps, options, async (journal) => {
    using mover = deps.liveTree.openMover(await ensureWorkFolder(deps, journal));
    return await finishBack(deps, { journal, mover, signal: options.signal, leftAlone: [], startedMs });
  });
}

async function withPending(
  deps: Deps,
  { signal }: PendingOptions,
  act: (journal: RollbackJournal) => Promise<RollbackOutcome>,
): Promise<RollbackOutcome> {
  await using _lock = await deps.vaultLock.acquire('rollback');
  signal?.throwIfAborted();
  const journal = await loadPendingRollback(deps);
  if (journal !== null) return await act(journal);
  throw new HoldfastError('rollback_none', 'No rollback is pending.', {
    hint: 'To take back the last finished one: holdfast rollback --undo',
  });
}

function workDirectory(deps: Deps, { folder }: RollbackJournal): string {
  return `${deps.identity.vault.root}/${deps.holdingArea.name}/${folder}`;
}

/** Somebody may have emptied the holding directory: what can be taken back is, and the rest is named. */
async function ensureWorkFolder(deps: Deps, journal: RollbackJournal): Promise<string> {
  const folder = byteStringOfText(`${deps.holdingArea.name}/${journal.folder}`);
  if (deps.liveTree.look(folder) !== null) return workDirectory(deps, journal);
  await using writer = await deps.holdingArea.begin(journal.folder);
  return (await writer.finish({ whole: true })).directory;
}
