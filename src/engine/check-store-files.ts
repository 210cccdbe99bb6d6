import { restoreGuide } from '../format/restore-guide.ts';
import { storeHeaderBytesMax } from '../format/store-header.ts';
import { storeKeys } from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { Deps } from './deps.ts';
import { readStoreHeader } from './ensure-store.ts';
import type { VerifyFinding } from './verify-store.ts';

/** Checks what a store has once: the header, and the guide to getting everything back without holdfast. */
export async function checkStoreFiles(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<readonly VerifyFinding[]> {
  const findings: VerifyFinding[] = [];
  const report = (key: string, message: string): void => void findings.push({ key, snapshots: [], message });
  let createdBy: string | null = null;
  try {
    const header = await readStoreHeader(deps, options);
    createdBy = header?.createdBy ?? null;
    if (header === null) report(storeKeys.header, 'the header of the store is missing');
    else if (header.vaultId !== deps.identity.vault.id) report(storeKeys.header, 'the store belongs to another vault');
  } catch (error) {
    // A store of a newer holdfast is not damaged; this one cannot judge it at all.
    if (!isHoldfastError(error, 'header_invalid')) throw error;
    report(storeKeys.header, error.message);
  }
  const guide = await readGuide(deps, options.signal);
  if (guide === null) report(storeKeys.restoreGuide, 'the guide to restoring without holdfast is missing');
  // Another version of holdfast wrote another text; nothing here can tell whether that one is whole.
  else if (createdBy === deps.identity.writer && !guide.equals(Buffer.from(restoreGuide()))) {
    report(storeKeys.restoreGuide, 'the guide to restoring without holdfast was changed');
  }
  return findings;
}

async function readGuide(deps: Deps, signal: AbortSignal | undefined): Promise<Buffer | null> {
  try {
    const getOptions = { sizeBytesMax: storeHeaderBytesMax, signal };
    return Buffer.from(await deps.storage.get(storeKeys.restoreGuide, getOptions));
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}
