import { HoldfastError } from '../../model/errors.ts';
import { formatStoreUrl, parseStoreUrl } from '../../format/store-url.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { openDirectoryStorage } from './directory-storage.ts';

export interface OpenStorageOptions {
  readonly clock: Clock;
  /** Creates a directory store's own folder when it is missing; buckets are never created. */
  readonly create?: boolean;
  /** Allows plain http to other machines. */
  readonly insecure?: boolean;
}

/**
 * Opens the storage a store URL names. Makes no request and reads no credentials yet.
 * @throws {HoldfastError} `store_url_invalid`; errors of the disk when `create` is set
 */
export async function openStorage(url: string, options: OpenStorageOptions): Promise<ObjectStorage> {
  const store = parseStoreUrl(url, { insecure: options.insecure ?? false });
  if (store.kind === 'directory') {
    const now = (): Date => options.clock.now();
    return openDirectoryStorage(store.path, { url: formatStoreUrl(store), create: options.create ?? false, now });
  }
  throw new HoldfastError('store_url_invalid', 'S3 stores cannot be opened yet.');
}
