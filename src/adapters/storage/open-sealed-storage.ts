import { createHash } from 'node:crypto';
import { decodeStoreHeader } from '../../format/store-header.ts';
import { isPlainKey, sealedNameOf, storeKeys } from '../../format/store-layout.ts';
import { looksSealed, plainSizeOf } from '../../format/sealed-object.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type {
  GetOptions,
  ObjectStorage,
  StorageBody,
  StorageKey,
  StorageOptions,
  StoredObject,
} from '../../ports/object-storage.ts';
import type { StoreEncryption } from '../../ports/store-encryption.ts';
import { sizeOfBody } from './body-reader.ts';
import { type EncryptionControl, type EncryptionOptions, openEncryption } from './open-encryption.ts';
import { createBodySealer } from './seal-bodies.ts';
import { createSealedReader } from './sealed-reader.ts';

export interface SealedStorageOptions extends EncryptionOptions {
  /** Folder for sealed files on their way into the store; created when needed. */
  readonly temporaryDirectory: string;
}

/** Bytes compared at a time when an object turns out to be there already. */
const compareBytes = 8 << 20;

/**
 * The plain view of a store: where it is encrypted, bodies are sealed on the way in and opened on the way out, keys stay as they
 * are, and sizes, ranges and checksums are those of the plain bytes. Nothing of an object is given out before it is proved.
 * A store without encryption passes through. Disposing of the view leaves the storage below open.
 */
export function openSealedStorage(
  raw: ObjectStorage,
  options: SealedStorageOptions,
): {
  readonly storage: ObjectStorage;
  readonly encryption: StoreEncryption;
  /** The plain view, with the same keys, of another storage that holds copies of this store's objects. */
  readonly plainViewOf: (copy: ObjectStorage) => ObjectStorage;
} {
  const encryption = openEncryption(raw, options);
  const { temporaryDirectory } = options;
  const plainViewOf = (at: ObjectStorage): ObjectStorage => sealingStorage(at, { encryption, temporaryDirectory });
  return { storage: plainViewOf(raw), encryption, plainViewOf };
}

function sealingStorage(
  raw: ObjectStorage,
  { encryption, temporaryDirectory }: { encryption: EncryptionControl; temporaryDirectory: string },
): ObjectStorage {
  const sealer = createBodySealer(temporaryDirectory);
  const reader = createSealedReader(raw);

  /** Runs `store` with what goes into the store in place of `body`. */
  async function withSealed<Result>(
    put: { key: StorageKey; body: StorageBody; options: StorageOptions },
    store: (body: StorageBody) => Promise<Result>,
  ): Promise<Result> {
    const { key, body, options } = put;
    const unlocked = isPlainKey(key) ? null : await encryption.unlock(options);
    if (unlocked === null) return store(body);
    const { keyring } = unlocked;
    using sealed = await sealer.seal(body, { keyring, name: sealedNameOf(key), signal: options.signal });
    return await store(sealed.body);
  }

  async function get(key: StorageKey, options: GetOptions = {}): Promise<Uint8Array> {
    if (isPlainKey(key)) return getPlain(key, options);
    const unlocked = await encryption.unlock(options);
    if (unlocked !== null) return getSealed(key, options);
    const bytes = await raw.get(key, options);
    if (!looksSealed(bytes) || !(await encryption.reconsider(options))) return bytes;
    return getSealed(key, options);
  }

  /** An answer that proves wrong is asked for once more; where a key is lacking, another machine may have changed the keys. */
  async function getSealed(key: StorageKey, options: GetOptions): Promise<Uint8Array> {
    const { keyring } = (await encryption.unlock(options))!;
    try {
      return await reader.read(key, { ...options, keyring });
    } catch (error) {
      if (!isHoldfastError(error, 'object_corrupt')) throw error;
      if (error.data['unknownKey'] !== undefined) await encryption.refresh(options);
    }
    reader.forget(key);
    return reader.read(key, { ...options, keyring: (await encryption.unlock(options))!.keyring });
  }

  async function getPlain(key: StorageKey, options: GetOptions): Promise<Uint8Array> {
    if (key !== storeKeys.header || options.range !== undefined || options.storageVersionId !== undefined) {
      return raw.get(key, options);
    }
    const taken = encryption.takeHeader();
    if (taken !== null) return taken.bytes;
    const bytes = await raw.get(key, options);
    try {
      encryption.notice(decodeStoreHeader(bytes));
    } catch (error) {
      // Whoever asked decodes it, too, and knows what a damaged header means here.
      if (!isHoldfastError(error, 'header_invalid', 'store_newer')) throw error;
    }
    return bytes;
  }

  /** Sealed under older keys, or by hand: other bytes can still be the same object. */
  async function isSame(key: StorageKey, body: StorageBody, options: StorageOptions): Promise<boolean> {
    const sizeBytes = sizeOfBody(body);
    const found = await head(key, options);
    if (found?.sizeBytes !== sizeBytes) return false;
    const hash = createHash('sha256');
    try {
      if (sizeBytes === 0) await get(key, options);
      for (let start = 0; start < sizeBytes; start += compareBytes) {
        const range = { start, end: Math.min(sizeBytes, start + compareBytes) };
        hash.update(await get(key, { ...options, range }));
      }
    } catch (error) {
      if (isHoldfastError(error, 'object_corrupt')) return false;
      throw error;
    }
    return hash.digest('hex') === body.sha256;
  }

  async function head(key: StorageKey, options: StorageOptions = {}): Promise<StoredObject | null> {
    const found = await raw.head(key, options);
    return found === null || isPlainKey(key) || !(await encryption.decide(options)) ? found : plainly(found);
  }

  async function* plainSizes<Item extends StoredObject>(
    items: AsyncIterable<Item>,
    options: StorageOptions = {},
  ): AsyncGenerator<Item> {
    const isSealed = await encryption.decide(options);
    for await (const item of items) yield isSealed && !isPlainKey(item.key) ? plainly(item) : item;
  }

  return {
    url: raw.url,
    isLocal: raw.isLocal,
    requests: raw.requests,
    get createIsExclusive() {
      return raw.createIsExclusive;
    },
    async putIfAbsent(key, body, options = {}) {
      try {
        return await withSealed({ key, body, options }, (sealed) => raw.putIfAbsent(key, sealed, options));
      } catch (error) {
        if (!isHoldfastError(error, 'storage_conflict') || isPlainKey(key)) throw error;
        if (encryption.isSealed !== true || !(await isSame(key, body, options))) throw error;
        return 'exists';
      }
    },
    async put(key, body, options = {}) {
      reader.forget(key);
      await withSealed({ key, body, options }, (sealed) => raw.put(key, sealed, options));
    },
    get,
    head,
    list: (prefix, options) => plainSizes(raw.list(prefix, options), options),
    versions: (prefix, options) => plainSizes(raw.versions(prefix, options), options),
    async delete(key, options) {
      reader.forget(key);
      await raw.delete(key, options);
    },
    ...(raw.inspect === undefined ? {} : { inspect: (options) => raw.inspect!(options) }),
    versioning: (options) => raw.versioning(options),
    enableVersioning: (options) => raw.enableVersioning(options),
    abortStaleUploads: (options) => raw.abortStaleUploads(options),
    [Symbol.asyncDispose]: () => sealer[Symbol.asyncDispose](),
  };
}

/** A size no sealed object has belongs to a damaged one: then it is none that anybody expects. */
function plainly<Item extends StoredObject>(object: Item): Item {
  const isMarker = object.sizeBytes === 0;
  return isMarker ? object : { ...object, sizeBytes: plainSizeOf(object.sizeBytes) ?? 0 };
}
