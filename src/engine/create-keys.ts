import { wrapMasters } from '../format/key-sheet.ts';
import { keyBytes, masterKeyOf } from '../format/keyring.ts';
import type { KeySecret, KeySheet, KeySlot } from '../model/store-keys.ts';
import type { Deps } from './deps.ts';
import { type KeyDeps, type KeyOptions, type NewKey, newSlot, publishSheet } from './publish-keys.ts';

/** 32 random bytes to write down: a key like any other, for the day the others are lost. */
export function makeRecoveryKey(deps: Pick<Deps, 'random'>): KeySecret & { kind: 'raw' } {
  return { kind: 'raw', bytes: deps.random.bytes(keyBytes) };
}

/**
 * Makes the keys of a store that is about to be: a new master key under each of `keys`. What an earlier attempt left, which
 * has protected nothing yet, is superseded.
 */
export async function createKeys(deps: KeyDeps, keys: readonly NewKey[], options: KeyOptions = {}): Promise<void> {
  const before = await deps.encryption.newestSheet(options);
  const master = masterKeyOf(deps.random.bytes(keyBytes));
  const vaultId = deps.identity.vault.id;
  const slots: KeySlot[] = [];
  for (const key of keys) slots.push(await newSlot(deps, { vaultId, master, key, replaces: null }));
  const sheet: KeySheet = {
    vaultId,
    generation: (before?.sheet.generation ?? 0) + 1,
    masters: wrapMasters([{ key: master, createdAt: deps.clock.now().toISOString() }]),
    slots,
  };
  await publishSheet(deps, { sheet, newest: master, secret: keys[0]!.secret }, options);
}
