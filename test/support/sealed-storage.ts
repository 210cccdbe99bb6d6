import { randomBytes } from 'node:crypto';
import { openSealedStorage, type SealedStorageOptions } from '../../src/adapters/storage/open-sealed-storage.ts';
import { encodeKeySheet, wrapMasters, slotContext } from '../../src/format/key-sheet.ts';
import { newDerivation, wrapKey } from '../../src/format/key-slot.ts';
import { keyringOf, masterKeyOf } from '../../src/format/keyring.ts';
import { encodeStoreHeader, storeCipher } from '../../src/format/store-header.ts';
import { keySheetKey, storeKeys } from '../../src/format/store-layout.ts';
import type { KeySecret, UnlockedSheet } from '../../src/model/store-keys.ts';
import type { ObjectStorage } from '../../src/ports/object-storage.ts';
import { bytesBody } from '../contracts/object-storage.contract.ts';
import { scratchFolder } from './scratch.ts';

/** A raw key: opening with one takes no time. */
export const testSecret: KeySecret = { kind: 'raw', bytes: Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1) };

/** Keys of a store as `init --encrypt` would make them: one slot, one master key. */
export async function makeTestKeys(vaultId = 'vault-1', secret = testSecret): Promise<UnlockedSheet> {
  const master = masterKeyOf(randomBytes(32));
  const createdAt = '2026-03-01T09:00:00.000Z';
  const derivation = newDerivation(secret, { random: randomBytes });
  const context = slotContext({ vaultId }, '00000001');
  const slot = {
    id: '00000001',
    name: 'test',
    createdAt,
    replaces: null,
    derivation,
    wrapped: await wrapKey(master.bytes, { secret, derivation, context }),
  };
  const sheet = { vaultId, generation: 1, masters: wrapMasters([{ key: master, createdAt }]), slots: [slot] };
  return { sheet, bytes: encodeKeySheet(sheet, master), keyring: keyringOf(vaultId, [master]), slot, secret };
}

/** Makes `raw` an encrypted store. */
export async function makeSealedStore(raw: ObjectStorage, vaultId = 'vault-1'): Promise<UnlockedSheet> {
  const keys = await makeTestKeys(vaultId);
  await raw.put(keySheetKey(1), bytesBody(keys.bytes));
  const header = {
    vaultId,
    vaultName: 'notes',
    createdAt: '2026-03-01T09:00:00.000Z',
    createdBy: 'holdfast test',
    cipher: storeCipher,
  };
  await raw.put(storeKeys.header, bytesBody(Buffer.from(encodeStoreHeader(header))));
  return keys;
}

/** The plain view of `raw`, opened with the test's key unless told otherwise. */
export function openTestSealed(raw: ObjectStorage, options: Partial<SealedStorageOptions> = {}) {
  return openSealedStorage(raw, {
    knownFile: null,
    readSecret: async () => testSecret,
    isRequired: false,
    hideLabels: false,
    temporaryDirectory: scratchFolder(),
    ...options,
  });
}
