import { isHoldfastError } from '../../model/errors.ts';
import type { Deps } from '../deps.ts';
import type { PruneLease } from './prune-lease.ts';

/** After this many refusals the rest is not tried: the answer is known (A06). */
const blockedMax = 3;

/** Returns false when the storage does not let it go; any other failure ends the run. */
export async function deleteUnlessBlocked(
  deps: Deps,
  key: string,
  work: { lease: PruneLease; blocked: string[]; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { lease, blocked, signal } = work;
  if (blocked.length < blockedMax) {
    await lease.assertHeld();
    try {
      await deps.storage.delete(key, { signal });
      return true;
    } catch (error) {
      if (!isHoldfastError(error) || error.kind !== 'access') throw error;
    }
  }
  blocked.push(key);
  return false;
}
