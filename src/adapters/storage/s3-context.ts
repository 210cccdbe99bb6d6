import type { StorageKey } from '../../ports/object-storage.ts';
import type { Retrier } from './retry.ts';
import type { S3Connection } from './s3-client.ts';

/**
 * Whether the storage itself refuses a second creation of a key: 'proved' by trying, 'refused' when it does not take the
 * condition or ignores it, 'unknown' before the first create.
 */
export type ConditionalCreate = 'proved' | 'refused' | 'unknown';

/** What has been learnt about the storage; changes while it is used. */
export interface S3Capabilities {
  conditionalCreate: ConditionalCreate;
  /** False once the storage has refused our SHA-256 headers (S21). */
  sendsChecksums: boolean;
}

/** What the parts of the S3 adapter share. */
export interface S3Context {
  readonly connection: S3Connection;
  readonly capabilities: S3Capabilities;
  /** For the parts of one large upload, so that one failure does not start it over. */
  readonly retry: Retrier;
}

export interface S3Object {
  readonly key: StorageKey;
  /** The key with the store's prefix: the one the bucket knows. */
  readonly fullKey: string;
}

/** Which optional headers a write carries. */
export interface WriteHeaders {
  readonly isConditional: boolean;
  readonly hasChecksum: boolean;
}
