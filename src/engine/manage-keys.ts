/*
 * The keys of an encrypted store. Every change is one new, immutable sheet: before it is there the old keys open the store,
 * after that the new ones, and nothing in between exists.
 */
import { unlockSheet, wrapMasters } from '../format/key-sheet.ts';
import { keyBytes, masterKeyOf } from '../format/keyring.ts';
import { HoldfastError } from '../model/errors.ts';
import type { KeyDerivation, KeySecret, KeySheet, KeySlot, UnlockedSheet } from '../model/store-keys.ts';
import {
  type KeyChange,
  type KeyDeps,
  type KeyOptions,
  type NewKey,
  newSlot,
  publishSheet,
  unreadable,
} from './publish-keys.ts';

/** Adds a key; the ones there go on opening the store. */
export async function addKey(deps: KeyDeps, key: NewKey, options: KeyOptions = {}): Promise<KeyChange> {
  await using _lock = await deps.vaultLock.acquire('key add');
  const current = await openNewest(deps, options);
  assertFreeName(current.sheet, key.name);
  await assertUnknown(current, key.secret);
  const slot = await newSlot(deps, {
    vaultId: current.sheet.vaultId,
    master: current.keyring.newest,
    key,
    replaces: null,
  });
  const change = await publishSlots(deps, current, [...current.sheet.slots, slot], options);
  await note(deps, { action: 'add', name: key.name, change });
  return change;
}

/**
 * Removes a key, named by its name or id. It goes on opening copies of the store that were made before.
 * @throws {HoldfastError} `key_needed` for the last one, `key_unknown`
 */
export async function removeKey(deps: KeyDeps, name: string, options: KeyOptions = {}): Promise<KeyChange> {
  await using _lock = await deps.vaultLock.acquire('key remove');
  const current = await openNewest(deps, options);
  const gone = findSlot(current.sheet, name);
  const rest = current.sheet.slots.filter((slot) => slot !== gone);
  if (rest.length === 0) {
    throw new HoldfastError('key_needed', 'This is the only key of the store; without it nothing could ever be read.', {
      hint: 'Add another first with: holdfast key add NAME. To change it: holdfast key rotate',
    });
  }
  const change = await publishSlots(deps, current, rest, options);
  await note(deps, { action: 'remove', name: gone.name, change });
  return change;
}

/**
 * Puts another secret in the place of the key in use (or of `name`): first both open the store, then only the new one. Killed
 * in between, both do, and `resumeRotation` finishes it.
 */
export async function rotateKey(
  deps: KeyDeps,
  rotation: { secret: KeySecret; name?: string | undefined; passphraseBy?: 'argon2id' | 'scrypt' },
  options: KeyOptions = {},
): Promise<KeyChange> {
  await using _lock = await deps.vaultLock.acquire('key rotate');
  const current = await openNewest(deps, options);
  assertNoRotation(current.sheet);
  const old = rotation.name === undefined ? current.slot : findSlot(current.sheet, rotation.name);
  await assertUnknown(current, rotation.secret);
  const key = { ...rotation, name: old.name };
  const slot = await newSlot(deps, {
    vaultId: current.sheet.vaultId,
    master: current.keyring.newest,
    key,
    replaces: old.id,
  });
  await publishSlots(deps, current, [...current.sheet.slots, slot], options);
  options.signal?.throwIfAborted();
  return await finishRotation(deps, { secret: rotation.secret, name: old.name }, options);
}

/** Finishes a rotation that was interrupted while both keys opened the store. Null when there is none. */
export async function resumeRotation(deps: KeyDeps, options: KeyOptions = {}): Promise<KeyChange | null> {
  await using _lock = await deps.vaultLock.acquire('key rotate');
  const current = await openNewest(deps, options);
  const slot = current.sheet.slots.find(({ replaces }) => replaces !== null);
  if (slot === undefined) return null;
  if (current.slot.id === slot.replaces) {
    throw new HoldfastError('key_needed', 'A rotation is finished with the new key: that proves that you have it.', {
      hint: 'Run holdfast key rotate --resume again with the new key. Until then both open the store.',
    });
  }
  return await finishRotation(deps, { secret: current.secret, name: slot.name }, options);
}

/**
 * Begins a new master key: what is stored from now on cannot be read with anything known before. Earlier objects keep theirs,
 * which the new one unlocks, so nothing has to be written again. Other slots cannot be carried over without their secrets;
 * they go, and `recovery` comes in their place.
 */
export async function renewMaster(deps: KeyDeps, recovery: NewKey, options: KeyOptions = {}): Promise<KeyChange> {
  await using _lock = await deps.vaultLock.acquire('key rotate');
  const current = await openNewest(deps, options);
  assertNoRotation(current.sheet);
  const createdAt = deps.clock.now().toISOString();
  const master = masterKeyOf(deps.random.bytes(keyBytes));
  const older = current.sheet.masters.map((wrapped) => ({
    key: current.keyring.masters.get(wrapped.id)!,
    createdAt: wrapped.createdAt,
  }));
  const { vaultId, generation } = current.sheet;
  const own = { name: current.slot.name, secret: current.secret, passphraseBy: passphraseBy(current.slot.derivation) };
  const sheet: KeySheet = {
    vaultId,
    generation: generation + 1,
    masters: wrapMasters([...older, { key: master, createdAt }]),
    slots: [
      await newSlot(deps, { vaultId, master, key: own, replaces: null }),
      await newSlot(deps, { vaultId, master, key: recovery, replaces: null }),
    ],
  };
  const change = await publishSheet(deps, { sheet, newest: master, secret: current.secret }, options);
  await note(deps, { action: 'master', name: own.name, change });
  return change;
}

async function finishRotation(
  deps: KeyDeps,
  { secret, name }: { secret: KeySecret; name: string },
  options: KeyOptions,
): Promise<KeyChange> {
  const both = await deps.encryption.newestSheet(options);
  const current = both === null ? null : await unlockSheet(both, { secret });
  // What is read back from the store must open with the new key before the old one goes.
  if (current === null) throw unreadable();
  const replaced = current.sheet.slots.flatMap((slot) => slot.replaces ?? []);
  const slots = current.sheet.slots
    .filter(({ id }) => !replaced.includes(id))
    .map((slot) => ({ ...slot, replaces: null }));
  const change = await publishSlots(deps, current, slots, options);
  await note(deps, { action: 'rotate', name, change });
  return change;
}

async function openNewest(deps: KeyDeps, options: KeyOptions): Promise<UnlockedSheet> {
  const unlocked = await deps.encryption.unlock(options);
  if (unlocked === null) {
    throw new HoldfastError('config_invalid', `The store ${deps.rawStorage.url} is not encrypted: it has no keys.`, {
      hint: 'Encryption is chosen when a store is made: holdfast init --encrypt --store URL',
    });
  }
  await deps.encryption.refresh(options);
  return (await deps.encryption.unlock(options))!;
}

function passphraseBy({ id }: KeyDerivation): 'argon2id' | 'scrypt' {
  return id === 'scrypt' ? 'scrypt' : 'argon2id';
}

async function publishSlots(
  deps: KeyDeps,
  current: UnlockedSheet,
  slots: readonly KeySlot[],
  options: KeyOptions,
): Promise<KeyChange> {
  const sheet = { ...current.sheet, generation: current.sheet.generation + 1, slots };
  const isStillIn = slots.some(({ id }) => id === current.slot.id);
  return publishSheet(
    deps,
    { sheet, newest: current.keyring.newest, secret: isStillIn ? current.secret : null, current },
    options,
  );
}

/** The slot of this name or id. @throws {HoldfastError} `key_unknown` */
function findSlot(sheet: KeySheet, name: string): KeySlot {
  const found = sheet.slots.filter((slot) => slot.id === name || slot.name === name);
  if (found.length === 1) return found[0]!;
  const shown = JSON.stringify(name.slice(0, 60));
  throw new HoldfastError(
    'key_unknown',
    found.length === 0 ? `There is no key ${shown}.` : `Two keys are called ${shown}.`,
    {
      hint: 'See them, with their ids, with: holdfast key list',
    },
  );
}

function assertFreeName(sheet: KeySheet, name: string): void {
  if (!sheet.slots.some((slot) => slot.name === name)) return;
  throw new HoldfastError('flag_invalid', `There is a key called ${JSON.stringify(name)} already.`, {
    hint: 'Choose another name. To change that key: holdfast key rotate',
  });
}

async function assertUnknown(current: UnlockedSheet, secret: KeySecret): Promise<void> {
  if ((await unlockSheet(current, { secret })) === null) return;
  throw new HoldfastError('flag_invalid', 'This key opens the store already.', { hint: 'Nothing was changed.' });
}

function assertNoRotation(sheet: KeySheet): void {
  if (sheet.slots.every(({ replaces }) => replaces === null)) return;
  throw new HoldfastError('key_needed', 'An earlier rotation of a key was interrupted; both keys open the store.', {
    hint: 'Finish it first, with the new key: holdfast key rotate --resume',
  });
}

async function note(
  deps: KeyDeps,
  { action, name, change }: { action: 'add' | 'remove' | 'rotate' | 'master'; name: string; change: KeyChange },
): Promise<void> {
  await deps.snapshotIndex.append({ event: 'key', action, name, generation: change.sheet.generation });
}
