import { decryptorSource } from '../format/decryptor/decryptor-source.ts';
import { restoreGuide } from '../format/restore-guide.ts';
import { storeHeaderBytesMax } from '../format/store-header.ts';
import { keySheetKey, storeKeys } from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { UnlockedSheet } from '../model/store-keys.ts';
import type { Deps } from './deps.ts';
import { readStoreHeader } from './ensure-store.ts';
import type { VerifyFinding } from './verify-store.ts';

/**
 * Checks what a store has once: the header, the keys of an encrypted one, and the guide (and program) for getting everything
 * back without holdfast.
 */
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
  const keys = await deps.encryption.unlock(options);
  if (keys !== null) findings.push(...(await keyFindings(deps, keys, options)));
  const guide = await readOnce(deps, storeKeys.restoreGuide, options.signal);
  if (guide === null) report(storeKeys.restoreGuide, 'the guide to restoring without holdfast is missing');
  // Another version of holdfast wrote another text; nothing here can tell whether that one is whole.
  else if (
    createdBy === deps.identity.writer &&
    !guide.equals(Buffer.from(restoreGuide({ isEncrypted: keys !== null })))
  ) {
    report(storeKeys.restoreGuide, 'the guide to restoring without holdfast was changed');
  }
  if (keys === null) return findings;
  const decryptor = await readOnce(deps, storeKeys.decryptor, options.signal);
  if (decryptor === null) report(storeKeys.decryptor, 'the program that decrypts without holdfast is missing');
  else if (createdBy === deps.identity.writer && !decryptor.equals(Buffer.from(decryptorSource))) {
    report(storeKeys.decryptor, 'the program that decrypts without holdfast was changed');
  }
  return findings;
}

/** The store's own copy of the keys must open with the key in use: this machine keeps one, others depend on that one. */
async function keyFindings(
  deps: Deps,
  keys: UnlockedSheet,
  options: { signal?: AbortSignal | undefined },
): Promise<VerifyFinding[]> {
  const key = keySheetKey(keys.sheet.generation);
  const finding = (message: string): VerifyFinding[] => [{ key, snapshots: [], message }];
  try {
    const stored = await deps.encryption.newestSheet(options);
    if (stored === null || stored.sheet.generation < keys.sheet.generation) {
      return finding('the keys of the store are missing: nobody else can open it');
    }
    if (Buffer.compare(stored.bytes, keys.bytes) === 0) return [];
    await deps.encryption.refresh(options);
    return [];
  } catch (error) {
    if (!isHoldfastError(error, 'keys_invalid')) throw error;
    return finding(error.message);
  }
}

async function readOnce(deps: Deps, key: string, signal: AbortSignal | undefined): Promise<Buffer | null> {
  try {
    const getOptions = { sizeBytesMax: storeHeaderBytesMax, signal };
    return Buffer.from(await deps.storage.get(key, getOptions));
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}
