import { formatStoreUrl, parseStoreUrl } from '../../format/store-url.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { openDirectoryStorage } from './directory-storage.ts';
import { createRetrier } from './retry.ts';
import { loadCapabilities } from './saved-capabilities.ts';
import { withRetry } from './with-retry.ts';

export interface OpenStorageOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Creates a directory store's own folder when it is missing; buckets are never created. */
  readonly create?: boolean;
  /** Allows plain http to other machines. */
  readonly insecure?: boolean;
  /** Where to remember what was learnt of a storage; nothing is remembered without it. */
  readonly capabilitiesFile?: string;
  /** Told before each wait of a call that is tried again. */
  readonly onRetry?: (retry: { readonly reason: string; readonly delayMs: number }) => void;
  /** How long one call may go on trying; 15 minutes when absent, 0 for a single attempt. */
  readonly retryWindowMs?: number;
  /** Instead of the standard chain (environment, files, single sign-on, roles). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** 10 seconds when absent. */
  readonly connectTimeoutMs?: number;
  /** Longest silence of a connection; 60 seconds when absent. */
  readonly idleTimeoutMs?: number;
  /** Keys per page of a listing. */
  readonly pageSize?: number;
}

/**
 * Opens the storage a store URL names, with failures that time may heal tried again. Makes no request and reads no
 * credentials yet; the S3 client is loaded for S3 stores only.
 * @throws {HoldfastError} `store_url_invalid`; errors of the disk when `create` is set
 */
export async function openStorage(url: string, options: OpenStorageOptions): Promise<ObjectStorage> {
  const store = parseStoreUrl(url, { insecure: options.insecure ?? false });
  const now = (): Date => options.clock.now();
  const retry = createRetrier({
    clock: options.clock,
    random: options.random,
    windowMs: options.retryWindowMs,
    onRetry: options.onRetry,
  });
  const placeUrl = formatStoreUrl(store);
  if (store.kind === 'directory') {
    return withRetry(openDirectoryStorage(store.path, { url: placeUrl, create: options.create ?? false, now }), retry);
  }
  const { openS3Storage } = await import('./s3-storage.ts');
  const storage = openS3Storage(store, {
    retry,
    now,
    credentials: options.credentials ?? null,
    capabilities: loadCapabilities(options.capabilitiesFile ?? null, { url: placeUrl, now }),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    pageSize: options.pageSize,
  });
  return withRetry(storage, retry);
}
