import { encodeKeySheet, slotContext, unlockSheet } from '../format/key-sheet.ts';
import { newDerivation, wrapKey } from '../format/key-slot.ts';
import { keyringOf } from '../format/keyring.ts';
import { sha256Of } from '../format/digest.ts';
import { keySheetKey, keysPrefix, parseStoreKey } from '../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { KeySecret, KeySheet, KeySlot, MasterKey, UnlockedSheet } from '../model/store-keys.ts';
import type { Deps } from './deps.ts';

/** What changing keys touches. */
export type KeyDeps = Pick<
  Deps,
  'clock' | 'encryption' | 'identity' | 'random' | 'rawStorage' | 'snapshotIndex' | 'vaultLock'
>;

export interface KeyOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface NewKey {
  readonly name: string;
  readonly secret: KeySecret;
  /** How a passphrase is stretched; argon2id unless told. */
  readonly passphraseBy?: 'argon2id' | 'scrypt';
}

/** What a change of keys came to. */
export interface KeyChange {
  readonly sheet: KeySheet;
  /** Earlier sheets that could not be deleted: who knows a removed key can still use it on those. */
  readonly sheetsLeft: number;
}

/** Wraps the master key with a new secret. */
export async function newSlot(
  deps: KeyDeps,
  parts: { vaultId: string; master: MasterKey; key: NewKey; replaces: string | null },
): Promise<KeySlot> {
  const { vaultId, master, key, replaces } = parts;
  const { secret, name, passphraseBy: by } = key;
  const random = (size: number): Uint8Array => deps.random.bytes(size);
  const derivation = newDerivation(secret, by === undefined ? { random } : { random, passphraseBy: by });
  const id = Buffer.from(random(4)).toString('hex');
  const wrapped = await wrapKey(master.bytes, { secret, derivation, context: slotContext({ vaultId }, id) });
  return { id, name, createdAt: deps.clock.now().toISOString(), replaces, derivation, wrapped };
}

/**
 * Puts a sheet into the store and takes it up. `secret` must open it; null when the key in use is the one that goes.
 * @throws {HoldfastError} `vault_locked` when another machine changed the keys at the same moment
 */
export async function publishSheet(
  deps: KeyDeps,
  next: { sheet: KeySheet; newest: MasterKey; secret: KeySecret | null; current?: UnlockedSheet },
  options: KeyOptions,
): Promise<KeyChange> {
  const { sheet, newest, secret, current } = next;
  const bytes = encodeKeySheet(sheet, newest);
  const opened = secret === null ? null : await unlockSheet({ sheet, bytes }, { secret });
  if (secret !== null && opened === null) throw unreadable();
  options.signal?.throwIfAborted();
  try {
    await deps.rawStorage.putIfAbsent(keySheetKey(sheet.generation), { kind: 'bytes', bytes, sha256: sha256Of(bytes) });
  } catch (error) {
    if (!isHoldfastError(error, 'storage_conflict')) throw error;
    throw new HoldfastError('vault_locked', 'Another machine is changing the keys of this store at the same moment.', {
      hint: 'Nothing was changed here. Run the command again.',
      cause: error,
    });
  }
  if (opened !== null) deps.encryption.adopt(opened);
  else if (current !== undefined) {
    const keyring = keyringOf(sheet.vaultId, [...current.keyring.masters.values()]);
    deps.encryption.adopt({ ...current, sheet, bytes, keyring });
  }
  return { sheet, sheetsLeft: await dropOlder(deps, sheet.generation, options) };
}

/** Best effort: a key without the right to delete, or a bucket that keeps versions, leaves them to be read. */
async function dropOlder(deps: KeyDeps, generation: number, options: KeyOptions): Promise<number> {
  let left = 0;
  try {
    for await (const { key } of deps.rawStorage.list(keysPrefix, options)) {
      const parsed = parseStoreKey(key);
      if (parsed?.kind !== 'keys' || parsed.generation >= generation) continue;
      left++;
      await deps.rawStorage.delete(key, options);
      left--;
    }
  } catch (error) {
    if (!isHoldfastError(error) || (error.kind !== 'access' && error.kind !== 'storage')) throw error;
  }
  return left;
}

export function unreadable(): HoldfastError {
  return new HoldfastError('invariant_broken', 'The new keys would not open the store; nothing was changed.');
}
