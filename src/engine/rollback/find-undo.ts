import { HoldfastError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { Deps } from '../deps.ts';

/**
 * The safety snapshot of this machine's last finished rollback: going back to it takes the rollback back.
 * @throws {HoldfastError} `rollback_none` when the index knows of none
 */
export async function findUndo(deps: Deps): Promise<SnapshotId> {
  const { rows } = await deps.snapshotIndex.read();
  const takenBack = new Set<SnapshotId>();
  for (const { machine, event } of rows.toReversed()) {
    if (event.event !== 'rollback' || machine !== deps.identity.machine.id) continue;
    // A rollback can be noted as done, be killed before its journal is closed, and then be taken back.
    if (event.outcome === 'aborted') takenBack.add(event.safety);
    else if (!takenBack.has(event.safety)) return event.safety;
  }
  throw new HoldfastError('rollback_none', 'There is no finished rollback on this machine to take back.', {
    hint: 'Every rollback takes a snapshot first; find it with: holdfast list --kind pre-rollback',
  });
}
