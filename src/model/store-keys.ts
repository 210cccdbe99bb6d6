/** What a person opens a store with. */
export type KeySecret =
  | { readonly kind: 'passphrase'; readonly text: string }
  /** 32 bytes of chance, known to people as 64 hex digits. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

/** How a slot's key comes from what a person knows. */
export type KeyDerivation =
  | {
      readonly id: 'argon2id';
      readonly memoryKiB: number;
      readonly passes: number;
      readonly lanes: number;
      readonly salt: string;
    }
  | {
      readonly id: 'scrypt';
      readonly cost: number;
      readonly blockSize: number;
      readonly lanes: number;
      readonly salt: string;
    }
  /** For raw keys, which need no stretching. */
  | { readonly id: 'hkdf-sha256'; readonly salt: string };

/** One way to open a store: the newest master key, wrapped by a passphrase or a raw key. */
export interface KeySlot {
  /** 8 hex digits. */
  readonly id: string;
  /** For people: "laptop", "recovery". */
  readonly name: string;
  /** UTC with milliseconds. */
  readonly createdAt: string;
  /** Id of the slot this one takes the place of, while both are there: a rotation under way. */
  readonly replaces: string | null;
  readonly derivation: KeyDerivation;
  /** The wrapped master key with its tag, 96 hex digits. */
  readonly wrapped: string;
}

/** A master key as a sheet names it. The newest is wrapped by the slots, every older one by the newest. */
export interface WrappedMaster {
  /** 16 hex digits. */
  readonly id: string;
  readonly createdAt: string;
  /** Null for the newest. */
  readonly wrapped: string | null;
}

/**
 * The keys of a store: one immutable document a generation, of which the newest counts. Whoever holds a master key can prove
 * that nobody without one wrote it.
 */
export interface KeySheet {
  readonly vaultId: string;
  /** 1, 2, 3, ... */
  readonly generation: number;
  /** Oldest first. */
  readonly masters: readonly WrappedMaster[];
  readonly slots: readonly KeySlot[];
}

/** A sheet as it lies in the store. */
export interface StoredSheet {
  readonly sheet: KeySheet;
  readonly bytes: Uint8Array;
}

/** One master key with what is derived from it. Lives in memory only. */
export interface MasterKey {
  /** 16 hex digits, derived from the key itself. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /** Makes the salts of sealed objects. */
  readonly saltKey: Uint8Array;
  /** Proves key sheets. */
  readonly sheetKey: Uint8Array;
  /** Stands in for labels where those are hidden. */
  readonly labelKey: Uint8Array;
}

/** The master keys of one store: the newest seals, all of them open. */
export interface Keyring {
  readonly vaultId: string;
  readonly newest: MasterKey;
  /** By id, oldest first. */
  readonly masters: ReadonlyMap<string, MasterKey>;
}

/** A store that was opened. */
export interface UnlockedSheet extends StoredSheet {
  readonly keyring: Keyring;
  /** The slot that opened it. */
  readonly slot: KeySlot;
  readonly secret: KeySecret;
}
