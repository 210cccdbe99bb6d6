import { decodeKeySheet, keySheetBytesMax, unlockSheet } from '../../format/key-sheet.ts';
import { hiddenSlug } from '../../format/keyring.ts';
import { decodeStoreHeader, type StoreHeader, storeHeaderBytesMax } from '../../format/store-header.ts';
import { keySheetKey, keysPrefix, parseStoreKey, storeKeys } from '../../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { KeySecret, StoredSheet, UnlockedSheet } from '../../model/store-keys.ts';
import type { ObjectStorage, StorageOptions } from '../../ports/object-storage.ts';
import type { StoreEncryption } from '../../ports/store-encryption.ts';
import { type KnownCipher, loadKnownCipher, saveKnownCipher } from './known-cipher-file.ts';

export interface EncryptionOptions {
  /** File that remembers what this machine has seen of the store; null to remember nothing. */
  readonly knownFile: string | null;
  /** Where the person's key comes from; asked once, and only for an encrypted store. Null: nobody gave one. */
  readonly readSecret: () => Promise<KeySecret | null>;
  readonly isRequired: boolean;
  readonly hideLabels: boolean;
}

/** What the sealing storage needs besides the port. */
export interface EncryptionControl extends StoreEncryption {
  /** True for a store that seals; looks at the header when nothing is known. */
  decide(options?: StorageOptions): Promise<boolean>;
  /** The header as it was read to decide, given out once: whoever asks for it next need not read it again. */
  takeHeader(): { readonly bytes: Uint8Array } | null;
  /** Somebody read the header. @throws {HoldfastError} `encryption_downgraded` */
  notice(header: StoreHeader): void;
  /** Something sealed was found where nothing should be: looks for keys whatever the header says. */
  reconsider(options?: StorageOptions): Promise<boolean>;
}

/** Opens the encryption of a store. Makes no request yet, reads no key yet. */
export function openEncryption(raw: ObjectStorage, options: EncryptionOptions): EncryptionControl {
  const { knownFile } = options;
  let known: KnownCipher | null = knownFile === null ? null : loadKnownCipher(knownFile);
  let header: { readonly bytes: Uint8Array } | null = null;
  let deciding: Promise<boolean> | null = null;
  let unlocking: Promise<UnlockedSheet | null> | null = null;
  let unlocked: UnlockedSheet | null = null;
  let secret: Promise<KeySecret | null> | null = null;

  function remember(next: KnownCipher): void {
    const isNew =
      known?.isSealed !== next.isSealed ||
      known.slotId !== next.slotId ||
      !sameBytes(known.stored?.bytes, next.stored?.bytes);
    known = next;
    if (isNew && knownFile !== null) saveKnownCipher(knownFile, next);
  }

  async function decide(storageOptions: StorageOptions = {}): Promise<boolean> {
    if (known !== null) return known.isSealed;
    deciding ??= look(storageOptions).finally(() => {
      deciding = null;
    });
    return deciding;
  }

  /** Where there is no store yet nothing is remembered: it may become either. */
  async function look(storageOptions: StorageOptions): Promise<boolean> {
    const bytes = await getIfThere(storeKeys.header, { ...storageOptions, sizeBytesMax: storeHeaderBytesMax });
    if (bytes === null) return false;
    header = { bytes };
    let isPlain = false;
    try {
      const decoded = decodeStoreHeader(bytes);
      notice(decoded);
      isPlain = decoded.cipher === null;
    } catch (error) {
      // Whether it is encrypted can be told without the header; what else it says is for others to miss.
      if (!isHoldfastError(error, 'header_invalid')) throw error;
    }
    return isPlain ? false : reconsider(storageOptions);
  }

  function notice({ cipher }: StoreHeader): void {
    if (cipher === null && (known?.isSealed === true || options.isRequired)) throw downgraded(raw.url);
    if (cipher === null) remember({ isSealed: false, stored: null, slotId: null });
    else if (known?.isSealed === false) known = null;
  }

  async function reconsider(storageOptions: StorageOptions = {}): Promise<boolean> {
    const stored = await newestSheet(storageOptions);
    if (stored !== null) remember({ isSealed: true, stored, slotId: known?.slotId ?? null });
    return stored !== null;
  }

  /** From the newest the listing shows, or this machine knows, on upwards: a listing can be behind the store (S10). */
  async function newestSheet(storageOptions: StorageOptions = {}): Promise<StoredSheet | null> {
    const generation = Math.max(known?.stored?.sheet.generation ?? 0, await newestListed(storageOptions));
    let newest: StoredSheet | null = null;
    for (let next = Math.max(1, generation); ; next++) {
      const found = await readSheet(next, storageOptions);
      if (found === null) return newest;
      newest = found;
    }
  }

  async function newestListed({ signal }: StorageOptions): Promise<number> {
    let generation = 0;
    try {
      for await (const { key } of raw.list(keysPrefix, { signal })) {
        const parsed = parseStoreKey(key);
        if (parsed?.kind === 'keys') generation = Math.max(generation, parsed.generation);
      }
    } catch (error) {
      // Without the right to list (A03), what is known, or the first, is where to begin.
      if (!isHoldfastError(error, 'access_denied')) throw error;
    }
    return generation;
  }

  async function readSheet(generation: number, storageOptions: StorageOptions): Promise<StoredSheet | null> {
    const bytes = await getIfThere(keySheetKey(generation), { ...storageOptions, sizeBytesMax: keySheetBytesMax });
    if (bytes === null) return null;
    const stored = decodeKeySheet(bytes);
    if (stored.sheet.generation === generation) return stored;
    throw new HoldfastError(
      'keys_invalid',
      `${keySheetKey(generation)} in the store is another generation of its keys.`,
      {
        hint: 'Bring back the earlier version of that object, or use a replica.',
      },
    );
  }

  async function getIfThere(
    key: string,
    { signal, sizeBytesMax }: StorageOptions & { sizeBytesMax: number },
  ): Promise<Uint8Array | null> {
    try {
      // Nothing but these: the caller's options may be those of a read of its own, with a range.
      return await raw.get(key, { signal, sizeBytesMax });
    } catch (error) {
      if (isHoldfastError(error, 'object_missing')) return null;
      throw error;
    }
  }

  async function open(storageOptions: StorageOptions): Promise<UnlockedSheet | null> {
    if (!(await decide(storageOptions))) return null;
    const { stored, slotId } = known!;
    secret ??= options.readSecret();
    const given = await secret;
    if (given === null) throw keyMissing(raw.url);
    const at = (stored_: StoredSheet | null) =>
      stored_ === null ? null : unlockSheet(stored_, { secret: given, slotFirst: slotId });
    return (await at(stored)) ?? (await at(await newerSheet(storageOptions))) ?? failWrong(raw.url);
  }

  /** The keys may have been changed elsewhere; a store that cannot be reached does not say. */
  async function newerSheet(storageOptions: StorageOptions): Promise<StoredSheet | null> {
    try {
      const newest = await newestSheet(storageOptions);
      return newest === null || sameBytes(newest.bytes, known?.stored?.bytes) ? null : newest;
    } catch (error) {
      if (isHoldfastError(error) && (error.kind === 'storage' || error.kind === 'access')) return null;
      throw error;
    }
  }

  function take(opened: UnlockedSheet): void {
    unlocked = opened;
    unlocking = Promise.resolve(opened);
    remember({ isSealed: true, stored: { sheet: opened.sheet, bytes: opened.bytes }, slotId: opened.slot.id });
  }

  return {
    get isSealed() {
      return known?.isSealed ?? null;
    },
    isRequired: options.isRequired,
    decide,
    notice,
    reconsider,
    newestSheet,
    takeHeader() {
      const taken = header;
      header = null;
      return taken;
    },
    async unlock(storageOptions = {}) {
      unlocking ??= open(storageOptions);
      try {
        const opened = await unlocking;
        if (opened !== null && opened !== unlocked) take(opened);
        // No store yet, or a plain one: that may still change while this process runs.
        if (opened === null) unlocking = null;
        return opened;
      } catch (error) {
        unlocking = null;
        throw error;
      }
    },
    async refresh(storageOptions = {}) {
      if (known?.isSealed !== true) return;
      const newest = await newestSheet(storageOptions);
      const seen = known.stored!;
      // Keys that vanished, or older ones, change nothing for this machine: verify tells of them.
      if (newest === null || newest.sheet.generation < seen.sheet.generation) return;
      if (sameBytes(newest.bytes, seen.bytes)) return;
      secret ??= options.readSecret();
      const given = await secret;
      if (given === null) throw keyMissing(raw.url);
      take((await unlockSheet(newest, { secret: given, slotFirst: known.slotId })) ?? failWrong(raw.url));
    },
    adopt: take,
    hiddenSlug: (label, taken) =>
      options.hideLabels && unlocked !== null ? hiddenSlug(unlocked.keyring, label, taken) : null,
  };
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}

function keyMissing(url: string): HoldfastError {
  return new HoldfastError('key_missing', `The store ${url} is encrypted, and no key was given.`, {
    hint:
      'Give it in HOLDFAST_PASSPHRASE, in HOLDFAST_KEY (64 hex digits), with --key-file FILE or with ' +
      '--key-command COMMAND; on a terminal you are asked for the passphrase.',
  });
}

function failWrong(url: string): never {
  throw new HoldfastError('key_wrong', `The key does not match this vault: it opens none of the keys of ${url}.`, {
    hint: 'Nothing was written. See which keys there are with: holdfast key list. The recovery key opens it, too.',
  });
}

function downgraded(url: string): HoldfastError {
  return new HoldfastError(
    'encryption_downgraded',
    `The store ${url} should be encrypted, and now it says it is not.`,
    {
      hint: 'Somebody may have replaced it. Nothing was sent. Look at earlier versions of holdfast.json and keys/ in the bucket, or restore from a replica.',
    },
  );
}
