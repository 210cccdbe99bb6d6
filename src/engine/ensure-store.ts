import { sha256Of } from '../format/digest.ts';
import { decryptorSource } from '../format/decryptor/decryptor-source.ts';
import { restoreGuide } from '../format/restore-guide.ts';
import { decodeStoreHeader, encodeStoreHeader, storeCipher, storeHeaderBytesMax } from '../format/store-header.ts';
import type { StoreHeader } from '../format/store-header.ts';
import { keySheetKey, storeKeys } from '../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { StorageBody } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { type StoreView, viewAgeMsMax } from './store-view.ts';

/**
 * Makes sure that the store is there and belongs to this vault before anything is written to it. A store that was
 * looked at recently costs no request; an empty place becomes a store.
 * @throws {HoldfastError} `store_foreign` when it belongs to another vault, `store_newer` when a newer holdfast wrote it
 */
export async function ensureStore(deps: Deps, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
  const sighting = await deps.recordCache.sighting();
  const ageMs = sighting === null ? Infinity : deps.clock.now().getTime() - Date.parse(sighting.seenAt);
  if (sighting?.headerSeen === true && ageMs >= 0 && ageMs < viewAgeMsMax) return;
  const header = await readStoreHeader(deps, options);
  if (header === null) await createStore(deps, options);
  else assertOwnStore(deps, header);
  if (header !== null) await deps.encryption.refresh(options);
  await deps.recordCache.saveSighting({
    snapshotIds: [],
    missingIds: [],
    generation: 0,
    prunes: 0,
    seenAt: deps.clock.now().toISOString(),
    ...sighting,
    headerSeen: true,
  });
}

/** The store's header, or null where there is no store yet. */
export async function readStoreHeader(
  deps: Pick<Deps, 'storage'>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<StoreHeader | null> {
  try {
    const bytes = await deps.storage.get(storeKeys.header, {
      sizeBytesMax: storeHeaderBytesMax,
      signal: options.signal,
    });
    return decodeStoreHeader(bytes);
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}

/** True when all the store holds is of another vault. Looking into it and restoring from it is fine; building on it is not. */
export function isForeign(deps: Pick<Deps, 'identity'>, view: StoreView): boolean {
  const stored = view.points.filter((point) => point.where === 'store');
  return stored.length > 0 && stored.every(({ record }) => record.vault.id !== deps.identity.vault.id);
}

/**
 * Fails before anything is captured or noted for a store of another vault (G04): its snapshots are no base for ours, and
 * have no place in our index. Costs no request.
 */
export function assertNotForeign(deps: Pick<Deps, 'identity' | 'storage'>, view: StoreView): void {
  if (!isForeign(deps, view)) return;
  const { vault } = view.points.find((point) => point.where === 'store')!.record;
  assertOwnStore(deps, { vaultId: vault.id, vaultName: vault.name });
}

function assertOwnStore(
  deps: Pick<Deps, 'identity' | 'storage'>,
  header: Pick<StoreHeader, 'vaultId' | 'vaultName'>,
): void {
  if (header.vaultId === deps.identity.vault.id) return;
  throw new HoldfastError(
    'store_foreign',
    `The store ${deps.storage.url} belongs to another vault ("${header.vaultName}").`,
    {
      hint: `To let this folder join it, run: holdfast init --store ${deps.storage.url} --adopt`,
      data: { storeVaultId: header.vaultId, vaultId: deps.identity.vault.id },
    },
  );
}

/** The guide goes first: a store that exists always tells how to get everything back without holdfast. */
async function createStore(deps: Deps, options: { signal?: AbortSignal | undefined }): Promise<void> {
  const keys = await deps.encryption.unlock(options);
  if (keys === null) assertMayBePlain(deps);
  const header: StoreHeader = {
    vaultId: deps.identity.vault.id,
    vaultName: deps.identity.vault.name,
    createdAt: deps.clock.now().toISOString(),
    createdBy: deps.identity.writer,
    cipher: keys === null ? null : storeCipher,
  };
  if (keys !== null) {
    await putOnce(deps, keySheetKey(keys.sheet.generation), keys.bytes, options);
    await putOnce(deps, storeKeys.decryptor, Buffer.from(decryptorSource), options);
  }
  const guide = restoreGuide({ isEncrypted: keys !== null });
  await putOnce(deps, storeKeys.restoreGuide, Buffer.from(guide), options);
  const outcome = await putOnce(deps, storeKeys.header, encodeStoreHeader(header), options);
  if (outcome === 'taken') {
    const theirs = await readStoreHeader(deps, options);
    if (theirs !== null) assertOwnStore(deps, theirs);
  }
}

/**
 * Fails where the settings demand encryption and there is no encrypted store yet.
 * @throws {HoldfastError} `config_invalid`
 */
export function assertMayBePlain(deps: Pick<Deps, 'encryption' | 'storage'>): void {
  if (!deps.encryption.isRequired) return;
  throw new HoldfastError('config_invalid', `The settings demand encryption, and ${deps.storage.url} has none yet.`, {
    hint: 'Make the store with: holdfast init --encrypt',
  });
}

async function putOnce(
  deps: Deps,
  key: string,
  bytes: Uint8Array,
  options: { signal?: AbortSignal | undefined },
): Promise<'stored' | 'taken'> {
  const body: StorageBody = { kind: 'bytes', bytes, sha256: sha256Of(bytes) };
  try {
    await deps.storage.putIfAbsent(key, body, options);
    return 'stored';
  } catch (error) {
    // Another machine made the store at the same moment, or an older holdfast wrote its own guide: both are fine here.
    if (isHoldfastError(error, 'storage_conflict')) return 'taken';
    throw error;
  }
}
