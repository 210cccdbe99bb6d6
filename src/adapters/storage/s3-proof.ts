import { createHash } from 'node:crypto';
import type { StorageBody } from '../../ports/object-storage.ts';
import { readParts, sizeOfBody } from './body-reader.ts';
import type { S3Context, S3Object } from './s3-context.ts';
import { hashObject, headObject } from './s3-get.ts';
import { answerInvalid } from './storage-answers.ts';

/** Bodies above this go up in parts. */
export const singlePutSizeBytesMax = 16 << 20;

const partSizeBytesMin = 8 << 20;
const partCountMax = 10_000;
const mebibyte = 1 << 20;

/** Part size of an upload: 8 MiB, more only where 10,000 parts would not do. */
export function partSizeFor(sizeBytes: number): number {
  return Math.max(partSizeBytesMin, Math.ceil(sizeBytes / partCountMax / mebibyte) * mebibyte);
}

/**
 * Says what the storage holds under a key, compared with a body: by size and, where the ETag is the digest S3 makes of
 * unencrypted objects, by that; otherwise by reading all of it back.
 */
export async function compareStored(
  context: S3Context,
  object: S3Object,
  options: { body: StorageBody; signal?: AbortSignal | undefined },
): Promise<'same' | 'other' | 'absent'> {
  const { body, signal } = options;
  const head = await headObject(context.connection, object, signal);
  if (head === null) return 'absent';
  if (head.sizeBytes !== sizeOfBody(body)) return 'other';
  // An ETag that differs proves nothing: with server-side encryption it is not a digest at all.
  if (/^[0-9a-f]{32}(?:-\d+)?$/.test(head.etag) && head.etag === (await etagOf(body, signal))) return 'same';
  const stored = await hashObject(context.connection, object, signal);
  if (stored === null) return 'absent';
  return stored.sha256 === body.sha256 && stored.sizeBytes === head.sizeBytes ? 'same' : 'other';
}

/** Reads back what a put without a checksum in its answer stored (S08). */
export async function proveStored(
  context: S3Context,
  object: S3Object,
  options: { body: StorageBody; signal?: AbortSignal | undefined },
): Promise<void> {
  const found = await compareStored(context, object, options);
  if (found === 'same') return;
  throw answerInvalid(
    found === 'absent'
      ? `it acknowledged ${object.key} and does not have it`
      : `it acknowledged ${object.key} and holds other bytes`,
  );
}

/** Checks the SHA-256 a put's answer names; false when it names none. */
export function isProvedByChecksum(object: S3Object, sent: string, answered: string | undefined): boolean {
  if (answered === undefined) return false;
  if (answered === sent) return true;
  throw answerInvalid(`its checksum of ${object.key} is not ours`);
}

/** The ETag S3 gives to this body when we upload it: its MD5, or the MD5 of its parts' MD5s. */
async function etagOf(body: StorageBody, signal: AbortSignal | undefined): Promise<string> {
  const sizeBytes = sizeOfBody(body);
  const isWhole = sizeBytes <= singlePutSizeBytesMax;
  const digests: Buffer[] = [];
  for await (const part of readParts(body, isWhole ? Math.max(1, sizeBytes) : partSizeFor(sizeBytes), signal)) {
    digests.push(md5Of(part.bytes));
  }
  if (isWhole) return (digests[0] ?? md5Of(Buffer.alloc(0))).toString('hex');
  return `${md5Of(Buffer.concat(digests)).toString('hex')}-${digests.length}`;
}

// Not for security: this is what S3 calls an ETag.
function md5Of(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest();
}
