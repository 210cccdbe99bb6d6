import { sha256Of } from '../format/digest.ts';
import { encodePinMark } from '../format/pin-mark.ts';
import { condemnedPrefix, markKey, marksPrefix, parseStoreKey, recordKey } from '../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import { type Pin, pinReasonCharsMax } from '../model/pin.ts';
import type { StorageKey } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { isPruneRunning } from './prune/prune-lease.ts';
import { learnMarks, loadMarks } from './store-marks.ts';

export type PinOutcome = 'pinned' | 'unpinned' | 'unchanged';

const marksMax = 9999;
const racesMax = 20;

/** The pins this machine knows of. Asks nothing; every command that lists the store learns of new ones. */
export async function readPins(
  deps: Pick<Deps, 'recordCache'>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ReadonlyMap<SnapshotId, Pin>> {
  options.signal?.throwIfAborted();
  return (await loadMarks(deps)).pins;
}

/**
 * Pins a published snapshot, so that prune keeps it, or takes that back. Adds a mark beside the record: needs no right to
 * overwrite or delete, and of two machines that pin at once both are right.
 * @throws {HoldfastError} `store_busy` when a prune that is running drops it, `snapshot_unknown` when the store has no such snapshot (any more), `flag_invalid` for a reason that
 *   is too long, and of kinds storage and access when the store cannot be asked: then nothing was pinned
 */
export async function setPin(
  deps: Deps,
  id: SnapshotId,
  options: { pinned: boolean; reason?: string | null; signal?: AbortSignal | undefined },
): Promise<PinOutcome> {
  const { pinned, signal } = options;
  const reason = cleanReason(options.reason ?? null);
  const marks = await listMarks(deps, id, signal);
  await assertInStore(deps, id, signal);
  const learned = await learnMarks(deps, marks.keys, { signal });
  if (learned.marks.pins.has(id) === pinned) return 'unchanged';
  await putMark(deps, id, { after: marks.highest, pinned, reason, signal });
  // Prune says what it drops, and then looks for marks; this sets its mark, and then looks for what is said. One sees the other.
  await assertNotBeingDropped(deps, id, signal);
  await assertInStore(deps, id, signal);
  await deps.snapshotIndex.append({ event: 'pin', id, pinned, reason: reason ?? '' });
  return pinned ? 'pinned' : 'unpinned';
}

async function listMarks(
  deps: Deps,
  id: SnapshotId,
  signal: AbortSignal | undefined,
): Promise<{ readonly keys: readonly StorageKey[]; readonly highest: number }> {
  const keys: StorageKey[] = [];
  let highest = 0;
  for await (const { key } of deps.storage.list(marksPrefix(id), { signal })) {
    const parsed = parseStoreKey(key);
    if (parsed?.kind !== 'mark') continue;
    keys.push(key);
    highest = Math.max(highest, parsed.number);
  }
  return { keys, highest };
}

async function assertNotBeingDropped(deps: Deps, id: SnapshotId, signal: AbortSignal | undefined): Promise<void> {
  const planKeys: StorageKey[] = [];
  for await (const { key } of deps.storage.list(condemnedPrefix, { signal })) {
    if (parseStoreKey(key)?.kind === 'condemned') planKeys.push(key);
  }
  const { marks } = await learnMarks(deps, planKeys, { signal });
  if (!marks.plans.some(({ dropped }) => dropped.some((drop) => drop.id === id))) return;
  if (!(await isPruneRunning(deps, { signal }))) return;
  throw new HoldfastError('store_busy', `A prune that is running at this moment drops the snapshot ${id}.`, {
    hint: 'Run the command again in a while; it tells whether the pin came in time.',
  });
}

async function assertInStore(deps: Deps, id: SnapshotId, signal: AbortSignal | undefined): Promise<void> {
  if ((await deps.storage.head(recordKey(id), { signal })) !== null) return;
  throw new HoldfastError('snapshot_unknown', `The store does not have the snapshot ${id}.`, {
    hint: 'If it waits on this machine, publish it first with: holdfast snapshot. Otherwise it was pruned; see: holdfast list',
  });
}

/** Another machine may take a number in the same moment; the next one is free. */
async function putMark(
  deps: Deps,
  id: SnapshotId,
  options: { after: number; pinned: boolean; reason: string | null; signal: AbortSignal | undefined },
): Promise<void> {
  const { pinned, reason, signal } = options;
  const mark = pinned ? 'pin' : 'unpin';
  const { machine } = deps.identity;
  const at = deps.clock.now().toISOString();
  const bytes = encodePinMark({ snapshot: id, mark, at, machine: machine.name, user: machine.user, reason });
  const last = Math.min(marksMax, options.after + racesMax);
  for (let number = options.after + 1; number <= last; number++) {
    const key = markKey(id, number, mark);
    try {
      await deps.storage.putIfAbsent(key, { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, { signal });
      await deps.recordCache.saveMarks(new Map([[key, bytes]]));
      return;
    } catch (error) {
      if (!isHoldfastError(error, 'storage_conflict')) throw error;
    }
  }
  throw new HoldfastError('storage_conflict', `The snapshot ${id} is being pinned by others at this moment.`, {
    hint: 'Run the command again.',
  });
}

function cleanReason(reason: string | null): string | null {
  if (reason === null || reason === '') return null;
  if (reason.length <= pinReasonCharsMax && reason.isWellFormed()) return reason;
  throw new HoldfastError('flag_invalid', `A reason is at most ${pinReasonCharsMax} characters of text.`, {
    hint: 'Give a short sentence: holdfast pin latest --reason "before the audit"',
  });
}
