import { HoldfastError } from '../../model/errors.ts';
import { failS3, mapNetworkError } from './map-network-error.ts';
import type { S3Place, S3Request } from './map-network-error.ts';
import { objectMissing } from './storage-answers.ts';

/** What one HTTP answer said, read before the SDK made an error of it. */
export interface S3ErrorFacts {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The permission each operation needs, as a bucket policy spells it (A03). */
const actions: Readonly<Record<string, string>> = {
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  DeleteObject: 's3:DeleteObject',
  DeleteObjectVersion: 's3:DeleteObjectVersion',
  GetBucketVersioning: 's3:GetBucketVersioning',
  PutBucketVersioning: 's3:PutBucketVersioning',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 's3:PutLifecycleConfiguration',
};

const throttled = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'XMinioServerNotInitialized',
]);
const missing = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchLifecycleConfiguration']);
const badCredentials = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'TokenRefreshRequired',
  'InvalidSecurity',
]);
const full = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'InsufficientStorage',
  'StorageCapExceeded',
  'XMinioAdminBucketQuotaExceeded',
]);
const damagedOnTheWay = new Set([
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'RequestTimeout',
]);

/**
 * Translates any failure of the S3 client. Nothing the server wrote is repeated except its error code: bodies may echo
 * request headers. The original is not kept as the cause for the same reason (A07).
 */
export function mapS3Error(error: unknown, place: S3Place, facts: S3ErrorFacts | null): HoldfastError {
  const request: S3Request = { ...place, status: facts?.status };
  if (error instanceof HoldfastError) return error;
  const name = errorName(error);
  const status = facts?.status ?? 0;
  const network = facts === null ? mapNetworkError(error, name, request) : null;
  if (network !== null) return network;
  return (
    mapByName(name, request, facts) ??
    mapByStatus(status, name, request, facts) ??
    failS3('storage_answer_invalid', request, `the storage answered ${describeAnswer(status, name)}`, {
      hint: 'Check the endpoint in the store URL; something else may be answering.',
      data: { name },
    })
  );
}

/** The error code the storage gave ("NoSuchKey"), made safe to print. */
export function errorName(error: unknown): string {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : '';
  return typeof name === 'string' && /^[A-Za-z0-9_.:-]{1,80}$/.test(name) ? name : 'Unknown';
}

/** Says where a bucket really is (S19). */
export function wrongRegion(request: S3Request, region: string | undefined): HoldfastError {
  const named = region !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(region) ? region : null;
  const where = named === null ? 'in another region' : `in the region ${named}`;
  return failS3('store_missing', request, `the bucket ${request.bucket} is ${where}`, {
    hint: `Add region=${named ?? '<region>'} to the store URL.`,
    data: named === null ? {} : { region: named },
  });
}

function mapByName(name: string, request: S3Request, facts: S3ErrorFacts | null): HoldfastError | null {
  if (name === 'NoSuchBucket') {
    return failS3('store_missing', request, `there is no bucket ${request.bucket}`, {
      hint: 'Check the store URL. holdfast never creates a bucket by itself.',
    });
  }
  if (
    name === 'PermanentRedirect' ||
    name === 'AuthorizationHeaderMalformed' ||
    name === 'IllegalLocationConstraintException'
  ) {
    return wrongRegion(request, facts?.headers['x-amz-bucket-region']);
  }
  if (name === 'NoSuchUpload') {
    return failS3('storage_unavailable', request, 'the upload was ended by somebody else', {
      hint: 'Run the command again.',
    });
  }
  if (name === 'RequestTimeTooSkewed' || name === 'RequestExpired') {
    return failS3('clock_rejected', request, "this machine's clock differs too much from the storage's", {
      hint: 'Set the clock (turn on automatic time) and run the command again.',
    });
  }
  if (name === 'InvalidObjectState' || name === 'ObjectArchived') {
    return failS3('storage_archived', request, `${request.key ?? 'the object'} lies in a cold storage class`, {
      hint: 'Restore (thaw) it in the bucket first; other snapshots are not affected.',
      data: { key: request.key },
    });
  }
  if (badCredentials.has(name)) {
    const isOld = name === 'ExpiredToken' || name === 'TokenRefreshRequired';
    return failS3(
      'access_denied',
      request,
      isOld ? 'the session has expired' : `the credentials were not accepted (${name})`,
      {
        hint: isOld
          ? 'Sign in again and run the command again; it goes on where it stopped.'
          : 'Check the access key and secret, and that they are for this endpoint.',
        data: { reason: name },
      },
    );
  }
  if (full.has(name)) {
    return failS3('access_denied', request, `the storage takes no more writes (${name})`, {
      hint: 'Free space or raise the quota. Listing, restoring and verifying still work.',
      data: { reason: name },
    });
  }
  if (throttled.has(name)) return busy(request, name, facts);
  if (damagedOnTheWay.has(name)) {
    return failS3('storage_unavailable', request, `the upload did not arrive whole (${name})`, {
      hint: 'Check the network; the command can be run again and goes on where it stopped.',
    });
  }
  if (name === 'ConditionalRequestConflict' || name === 'OperationAborted') {
    return failS3('storage_unavailable', request, `another request was changing the same thing (${name})`, {
      hint: 'Run the command again.',
    });
  }
  return null;
}

function mapByStatus(
  status: number,
  name: string,
  request: S3Request,
  facts: S3ErrorFacts | null,
): HoldfastError | null {
  // A 404 of any other kind (a proxy's, a wrong path) must not pass for "the object is not there". HEAD has no code.
  if (missing.has(name) || (status === 404 && request.operation === 'HeadObject')) {
    const isHidden = facts?.headers['x-amz-delete-marker'] === 'true';
    return objectMissing(request.key ?? '', { isHidden });
  }
  if (status === 401 || status === 403) {
    const action = actions[request.operation] ?? request.operation;
    return failS3('access_denied', request, `the key may not do ${action} (${describeAnswer(status, name)})`, {
      hint: `Allow ${action} on bucket ${request.bucket} for this key.${listHint(request.operation)}`,
      data: { action },
    });
  }
  if (status === 429 || status === 503) return busy(request, describeAnswer(status, name), facts);
  if (status === 501) {
    return failS3(
      'storage_answer_invalid',
      request,
      `the storage cannot do ${request.operation} (${describeAnswer(status, name)})`,
      {
        hint: 'This storage lacks a feature that was asked for.',
      },
    );
  }
  if (status >= 500 || status === 408) {
    return failS3('storage_unavailable', request, `the storage failed (${describeAnswer(status, name)})`, {
      hint: 'Its trouble, not yours: run the command again later; it goes on where it stopped.',
      data: { retryAfterMs: retryAfterMs(facts) },
    });
  }
  return null;
}

function busy(request: S3Request, reason: string, facts: S3ErrorFacts | null): HoldfastError {
  return failS3('storage_throttled', request, `the storage is busy (${reason})`, {
    hint: 'Run the command again later; it goes on where it stopped.',
    data: { retryAfterMs: retryAfterMs(facts) },
  });
}

/** Without the right to list, S3 calls a missing object forbidden. */
function listHint(operation: string): string {
  return operation === 'GetObject' || operation === 'HeadObject'
    ? ' Without s3:ListBucket a missing object looks forbidden too.'
    : '';
}

function describeAnswer(status: number, name: string): string {
  return name === 'Unknown' || name === 'Error' || name === String(status) ? String(status) : `${status} ${name}`;
}

function retryAfterMs(facts: S3ErrorFacts | null): number {
  const text = facts?.headers['retry-after'];
  // The other form, an HTTP date, would need two clocks to agree.
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) * 1000 : 0;
}
