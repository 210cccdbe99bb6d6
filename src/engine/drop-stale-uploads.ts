import { isHoldfastError } from '../model/errors.ts';
import type { Deps } from './deps.ts';

/** Long enough for any upload that is still going on, another machine's included. */
const staleAfterMs = 24 * 3_600_000;

/**
 * Aborts large uploads that a killed command left half done: nobody sees their parts, but they are paid for (S09). Not having
 * managed is no failure of the command that tried; the next one tries again.
 */
export async function dropStaleUploads(deps: Deps, signal: AbortSignal | undefined): Promise<void> {
  try {
    await deps.storage.abortStaleUploads({ olderThanMs: staleAfterMs, signal });
  } catch (error) {
    if (!isHoldfastError(error) || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
  }
}
