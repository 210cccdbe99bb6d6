import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { formatStoreUrl } from '../../format/store-url.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { ObjectStorage, RequestCounts, StorageKey, StorageOptions } from '../../ports/object-storage.ts';
import { checkKey, checkPrefix } from './check-key.ts';
import type { Retrier } from './retry.ts';
import { connectS3 } from './s3-client.ts';
import type { S3Credentials, S3StoreUrl } from './s3-client.ts';
import type { S3Capabilities, S3Context, S3Object } from './s3-context.ts';
import { copyWithinServer } from './s3-copy.ts';
import { inspectBucket } from './s3-doctor.ts';
import { getObject, headObject } from './s3-get.ts';
import { listObjects, listVersions } from './s3-list.ts';
import { abortUploads } from './s3-multipart.ts';
import { putNew, putOver } from './s3-put.ts';
import { readVersioning, turnVersioningOn } from './s3-versioning.ts';
import { checkRange, objectMissing } from './storage-answers.ts';

export interface S3StorageOptions {
  readonly retry: Retrier;
  readonly now: () => Date;
  readonly credentials: S3Credentials | null;
  /** What is known of the storage from before; changed as more is learnt. */
  readonly capabilities: S3Capabilities;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Keys per page of a listing; the storage's own number when absent. */
  readonly pageSize: number | undefined;
}

/** A store in a bucket of any S3-compatible storage. Makes no request before the first call. */
export function openS3Storage(store: S3StoreUrl, options: S3StorageOptions): ObjectStorage {
  const requests: RequestCounts = { put: 0, get: 0, head: 0, list: 0, delete: 0 };
  const connection = connectS3(store, { ...options, requests });
  const { capabilities } = options;
  if (store.checksum === 'off') capabilities.sendsChecksums = false;
  const context: S3Context = { connection, capabilities, retry: options.retry };
  const base = store.prefix === '' ? '' : `${store.prefix}/`;
  const { pageSize } = options;

  function objectOf(key: StorageKey): S3Object {
    checkKey(key);
    return { key, fullKey: base + key };
  }

  async function remove(object: S3Object, removeOptions: StorageOptions & { storageVersionId?: string | undefined }) {
    const { signal, storageVersionId } = removeOptions;
    const input = { Bucket: store.bucket, Key: object.fullKey, VersionId: storageVersionId };
    try {
      await connection.call({
        operation: storageVersionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion',
        key: object.key,
        signal,
        run: (client, sendOptions) => client.send(new DeleteObjectCommand(input), sendOptions),
      });
    } catch (error) {
      if (!isHoldfastError(error, 'object_missing')) throw error;
    }
  }

  /** Adds to "missing" when the object was deleted and can be brought back (S12). */
  async function explainMissing(key: StorageKey, signal: AbortSignal | undefined) {
    try {
      let deletedAt: Date | null = null;
      for await (const version of listVersions(connection, { base, prefix: key }, { signal })) {
        if (version.key !== key) break;
        if (version.isLatest && version.isDeleteMarker) deletedAt = version.modifiedAt ?? new Date(0);
        else if (!version.isDeleteMarker && deletedAt !== null) return objectMissing(key, { deletedAt });
      }
    } catch {
      // Not every storage and key can list versions; that the object is missing stays true.
      signal?.throwIfAborted();
    }
    return objectMissing(key);
  }

  return {
    url: formatStoreUrl(store),
    isLocal: false,
    requests,
    get createIsExclusive() {
      return capabilities.conditionalCreate === 'proved';
    },
    async putIfAbsent(key, body, putOptions = {}) {
      return putNew(context, objectOf(key), { body, signal: putOptions.signal });
    },
    async put(key, body, putOptions = {}) {
      await putOver(context, objectOf(key), { body, signal: putOptions.signal });
    },
    copyFrom: (sourceUrl, { key, sizeBytes }, { sha256, signal }) =>
      copyWithinServer(context, objectOf(key), { here: store, sourceUrl, sizeBytes, sha256, signal }),
    async get(key, getOptions = {}) {
      checkRange(getOptions.range);
      try {
        return await getObject(connection, objectOf(key), getOptions);
      } catch (error) {
        const isHidden = isHoldfastError(error, 'object_missing') && error.data['isHidden'] === true;
        throw isHidden ? await explainMissing(key, getOptions.signal) : error;
      }
    },
    async head(key, headOptions = {}) {
      const found = await headObject(connection, objectOf(key), headOptions.signal);
      return found === null ? null : { key, sizeBytes: found.sizeBytes, modifiedAt: found.modifiedAt };
    },
    async *list(prefix, listOptions = {}) {
      checkPrefix(prefix);
      yield* listObjects(connection, { base, prefix }, { ...listOptions, pageSize });
    },
    async *versions(prefix, versionOptions = {}) {
      checkPrefix(prefix);
      yield* listVersions(connection, { base, prefix }, { ...versionOptions, pageSize });
    },
    async delete(key, deleteOptions = {}) {
      await remove(objectOf(key), deleteOptions);
    },
    inspect: ({ probePrefix, signal }) => inspectBucket(context, { base, probePrefix, signal }),
    versioning: async (versioningOptions = {}) => readVersioning(connection, versioningOptions.signal),
    enableVersioning: async (versioningOptions = {}) => turnVersioningOn(connection, base, versioningOptions.signal),
    async abortStaleUploads({ olderThanMs, signal }) {
      const limit = new Date(options.now().getTime() - olderThanMs);
      return abortUploads(context, base, { limit, signal });
    },
    async [Symbol.asyncDispose]() {
      connection.destroy();
    },
  };
}
