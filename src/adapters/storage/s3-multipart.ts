import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { StorageBody } from '../../ports/object-storage.ts';
import { readParts, sizeOfBody } from './body-reader.ts';
import { isKey } from './check-key.ts';
import type { S3Context, S3Object, WriteHeaders } from './s3-context.ts';
import { createPageGuard } from './s3-list.ts';
import { isProvedByChecksum, partSizeFor, proveStored } from './s3-proof.ts';
import { answerInvalid } from './storage-answers.ts';

const partsAtOnce = 4;
const abandonMsMax = 5_000;

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/**
 * Uploads a large body in parts. Nothing is visible before the last request, which carries the condition; any failure
 * aborts the upload, so that no parts stay behind to be paid for. Memory: five parts.
 */
export async function uploadInParts(
  context: S3Context,
  object: S3Object,
  options: { body: StorageBody; headers: WriteHeaders; signal?: AbortSignal | undefined },
): Promise<void> {
  const { body, headers, signal } = options;
  const upload = await begin(context, object, options);
  try {
    const parts: CompletedPart[] = [];
    const digests: Buffer[] = [];
    const source = readParts(body, partSizeFor(sizeOfBody(body)), signal);
    const sent = mapConcurrent(source, { limit: partsAtOnce, signal }, (part) => {
      const digest = headers.hasChecksum ? createHash('sha256').update(part.bytes).digest() : null;
      if (digest !== null) digests[part.number - 1] = digest;
      return context.retry(() => sendPart(context, object, { upload, part, digest, signal }), { signal });
    });
    for await (const part of sent) parts.push(part);
    signal?.throwIfAborted();
    const answer = await context.connection.call({
      operation: 'CompleteMultipartUpload',
      key: object.key,
      signal,
      run: (client, sendOptions) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...upload,
            MultipartUpload: { Parts: parts },
            IfNoneMatch: headers.isConditional ? '*' : undefined,
          }),
          sendOptions,
        ),
    });
    if (headers.hasChecksum && isProvedByChecksum(object, checksumOfParts(digests), answer.ChecksumSHA256)) return;
  } catch (error) {
    await abandon(context, upload);
    throw error;
  }
  await proveStored(context, object, options);
}

/** Aborts unfinished uploads below `base` that were begun before `limit`; returns how many. Nobody else's are touched. */
export async function abortUploads(
  context: S3Context,
  base: string,
  options: { limit: Date; signal?: AbortSignal | undefined },
): Promise<number> {
  const { connection } = context;
  const guard = createPageGuard(base);
  let aborted = 0;
  let marker: { KeyMarker: string | undefined; UploadIdMarker: string | undefined } | undefined;
  for (;;) {
    const input = { Bucket: connection.bucket, Prefix: base, ...marker };
    const page = await connection.call({
      operation: 'ListMultipartUploads',
      signal: options.signal,
      run: (client, sendOptions) => client.send(new ListMultipartUploadsCommand(input), sendOptions),
    });
    const uploads = page.Uploads ?? [];
    for (const { Key: fullKey, UploadId: id, Initiated: begun } of uploads) {
      if (fullKey === undefined || id === undefined || begun === undefined) continue;
      guard.checkKey(fullKey, { maySame: true });
      if (begun >= options.limit || !isKey(fullKey.slice(base.length))) continue;
      await abort(context, { Bucket: connection.bucket, Key: fullKey, UploadId: id }, options.signal);
      aborted++;
    }
    const token =
      page.NextKeyMarker === undefined ? undefined : `${page.NextKeyMarker}\n${page.NextUploadIdMarker ?? ''}`;
    if (guard.nextToken(page.IsTruncated, token, uploads.length) === undefined) return aborted;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

async function begin(
  context: S3Context,
  object: S3Object,
  options: { headers: WriteHeaders; signal?: AbortSignal | undefined },
): Promise<Upload> {
  const place = { Bucket: context.connection.bucket, Key: object.fullKey };
  const answer = await context.connection.call({
    operation: 'CreateMultipartUpload',
    key: object.key,
    signal: options.signal,
    run: (client, sendOptions) =>
      client.send(
        new CreateMultipartUploadCommand({
          ...place,
          ContentType: 'application/octet-stream',
          ChecksumAlgorithm: options.headers.hasChecksum ? 'SHA256' : undefined,
        }),
        sendOptions,
      ),
  });
  if (answer.UploadId === undefined || answer.UploadId === '') throw answerInvalid('an upload began without an id');
  return { ...place, UploadId: answer.UploadId };
}

async function sendPart(
  context: S3Context,
  object: S3Object,
  options: {
    upload: Upload;
    part: { number: number; bytes: Buffer };
    digest: Buffer | null;
    signal: AbortSignal | undefined;
  },
): Promise<CompletedPart> {
  const { upload, part, digest, signal } = options;
  const checksum = digest?.toString('base64');
  const input = {
    ...upload,
    PartNumber: part.number,
    Body: part.bytes,
    ContentLength: part.bytes.length,
    ChecksumSHA256: checksum,
  };
  const answer = await context.connection.call({
    operation: 'UploadPart',
    key: object.key,
    signal,
    run: (client, sendOptions) => client.send(new UploadPartCommand(input), sendOptions),
  });
  if (answer.ETag === undefined) throw answerInvalid(`part ${part.number} of ${object.key} came back without an ETag`);
  if (checksum !== undefined) isProvedByChecksum(object, checksum, answer.ChecksumSHA256);
  return { PartNumber: part.number, ETag: answer.ETag, ChecksumSHA256: checksum };
}

/** S3's checksum of an object made of parts: the digest of the parts' digests, and their number. */
function checksumOfParts(digests: readonly Buffer[]): string {
  const digest = createHash('sha256').update(Buffer.concat(digests)).digest('base64');
  return `${digest}-${digests.length}`;
}

async function abandon(context: S3Context, upload: Upload): Promise<void> {
  try {
    // Not the caller's signal: it may be what ended the upload. Nobody waits long for this either.
    await abort(context, upload, AbortSignal.timeout(abandonMsMax));
  } catch {
    // The first failure is the one to report; `abortStaleUploads` gets what stays behind (S09).
  }
}

async function abort(context: S3Context, upload: Upload, signal: AbortSignal | undefined): Promise<void> {
  await context.connection.call({
    operation: 'AbortMultipartUpload',
    signal,
    run: (client, sendOptions) => client.send(new AbortMultipartUploadCommand(upload), sendOptions),
  });
}
