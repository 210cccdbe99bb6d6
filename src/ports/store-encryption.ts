import type { Label } from '../model/ids.ts';
import type { StoredSheet, UnlockedSheet } from '../model/store-keys.ts';
import type { StorageOptions } from './object-storage.ts';

/**
 * Whether and how one store is encrypted, and the keys of this process. The storage handed to the engine seals and opens
 * by itself; the engine asks here when it makes a store, changes its keys, or wants to say what protects it.
 *
 * What this machine has seen is remembered: a store that was encrypted once is never again taken for a plain one (K11).
 */
export interface StoreEncryption {
  /** What is known without a request; null before the store was looked at. */
  readonly isSealed: boolean | null;
  /** The settings demand an encrypted store. */
  readonly isRequired: boolean;

  /**
   * Opens the store with the person's key, once a process; null for a store without encryption, or none yet. Asks for the
   * header only when this machine has not seen the store.
   * @throws {HoldfastError} `key_missing`, `key_wrong`, `key_invalid`, `keys_invalid`, `encryption_downgraded`
   */
  unlock(options?: StorageOptions): Promise<UnlockedSheet | null>;
  /** The newest keys in the store, asked for anew; null where there are none. Takes no key. */
  newestSheet(options?: StorageOptions): Promise<StoredSheet | null>;
  /** Takes up keys another machine changed in the meantime. @throws {HoldfastError} as `unlock` */
  refresh(options?: StorageOptions): Promise<void>;
  /** From now on the store is encrypted with these keys, which are in it already. */
  adopt(unlocked: UnlockedSheet): void;
  /** What stands in a snapshot's id instead of the label's words, where labels are hidden; null otherwise. */
  hiddenSlug(label: Label, taken: Date): string | null;
}
