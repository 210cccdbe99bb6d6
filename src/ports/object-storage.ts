import type { Sha256 } from '../model/ids.ts';

/** A key relative to the store root: ASCII, '/'-separated, built only by `format/store-layout.ts`. */
export type StorageKey = string;

/** Bytes to store: in memory, or a finished file of ours that nothing writes to any more. */
export type StorageBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly sha256: Sha256 }
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number; readonly sha256: Sha256 };

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface StoredObject {
  readonly key: StorageKey;
  readonly sizeBytes: number;
  /** When the storage says it was written; null where it does not say. */
  readonly modifiedAt: Date | null;
}

export interface StorageVersion extends StoredObject {
  readonly storageVersionId: string;
  readonly isLatest: boolean;
  /** True for the marker a delete leaves behind; it has no bytes. */
  readonly isDeleteMarker: boolean;
}

export interface StorageOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends StorageOptions {
  /** Without it, the whole object. The answer has exactly the bytes asked for, or the call fails. */
  readonly range?: ByteRange;
  readonly storageVersionId?: string;
  /** Refuses (`storage_answer_invalid`) an object larger than this before reading it into memory. */
  readonly sizeBytesMax?: number;
}

export interface ListOptions extends StorageOptions {
  /** Only keys after this one. */
  readonly startAfter?: StorageKey;
}

/** How many requests of each kind went out; an embedded store counts its calls the same way. */
export interface RequestCounts {
  put: number;
  get: number;
  head: number;
  list: number;
  delete: number;
}

export type VersioningState = 'on' | 'off' | 'suspended' | 'unsupported' | 'unknown';

/** What a storage turned out to do, beyond what its other calls show. */
export interface StorageFacts {
  /** What it makes of `If-None-Match: *` on a key that is taken. */
  readonly conditionalCreate: 'heeded' | 'ignored' | 'refused';
  /** The same with the star in quotes, which some storages want. */
  readonly conditionalCreateQuoted: 'heeded' | 'ignored' | 'refused';
  /** Takes our SHA-256 with an upload. */
  readonly takesChecksums: boolean;
  /** Rules that delete or archive current objects of the store; null when the key may not ask. */
  readonly expiringRules: readonly string[] | null;
  /** How many days overwritten and deleted bytes stay; null when no rule of the bucket says (for ever), or the key may not ask. */
  readonly keepsVersionsDays: number | null;
  readonly objectLock: { readonly state: 'on' | 'off' | 'unknown'; readonly defaultDays: number | null };
}

/**
 * A flat space of immutable byte objects.
 *
 * Every adapter promises: a successful put survives power loss; a reader sees all of an object or none of it; a put is
 * visible to the very next get, head and list; a delete hides an object, and where `versioning()` is 'on' its bytes stay
 * retrievable through `versions` and `get` with a `storageVersionId`. No answer is trusted: a put returns only when
 * the storage has proved that it holds these bytes (a checksum it computed, or a read-back); a get returns exactly as
 * many bytes as asked for. Errors are HoldfastError of kinds storage, access, config, integrity or local; a missing
 * object is `object_missing` from get, and null from head. No call hangs: bodies that stall are cut after an idle limit.
 */
export interface ObjectStorage extends AsyncDisposable {
  /** Where this is, for people: never holds a secret. */
  readonly url: string;
  /** True for a directory on this machine: asking it costs no network request. */
  readonly isLocal: boolean;
  readonly requests: RequestCounts;
  /** True when a second `putIfAbsent` of one key is known to be refused by the storage itself, under any race. */
  readonly createIsExclusive: boolean;

  /**
   * Stores `body` under a key that must be new. 'exists' means the very same bytes were there already (our own retry,
   * or a resumed upload). The same key with other bytes is `storage_conflict`, and nothing is overwritten.
   */
  putIfAbsent(key: StorageKey, body: StorageBody, options?: StorageOptions): Promise<'created' | 'exists'>;
  /** Stores `body`, replacing what was there (whose bytes stay as a version where versioning is on). */
  put(key: StorageKey, body: StorageBody, options?: StorageOptions): Promise<void>;
  /**
   * Lets the storage itself copy an object of another store of the same server. False, and nothing of consequence done, where
   * that cannot be or cannot be proved; absent where it never can.
   */
  copyFrom?(
    sourceUrl: string,
    source: StoredObject,
    options: StorageOptions & { readonly sha256: Sha256 },
  ): Promise<boolean>;
  get(key: StorageKey, options?: GetOptions): Promise<Uint8Array>;
  head(key: StorageKey, options?: StorageOptions): Promise<StoredObject | null>;
  /** Yields objects in byte order of keys; breaking out of the loop releases the connection. */
  list(prefix: StorageKey, options?: ListOptions): AsyncIterable<StoredObject>;
  /** Yields every version of every key below `prefix`, newest first per key; empty where there are none. */
  versions(prefix: StorageKey, options?: StorageOptions): AsyncIterable<StorageVersion>;
  /** Deletes the object (leaving a version), or one version for good. Deleting what is not there succeeds. */
  delete(key: StorageKey, options?: StorageOptions & { storageVersionId?: string }): Promise<void>;

  /** Tries out what only this kind of storage can be asked, with throw-away keys below `probePrefix`; absent for a directory. */
  inspect?(options: StorageOptions & { readonly probePrefix: string }): Promise<StorageFacts>;
  versioning(options?: StorageOptions): Promise<VersioningState>;
  /**
   * Turns versioning on with non-current versions kept 30 days, where the storage can; returns the state it is in
   * afterwards. Never weakens what is there already.
   */
  enableVersioning(options?: StorageOptions): Promise<VersioningState>;
  /** Aborts our own unfinished multipart uploads older than `olderThanMs`; returns how many. */
  abortStaleUploads(options: StorageOptions & { olderThanMs: number }): Promise<number>;
}
