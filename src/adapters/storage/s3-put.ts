import { PutObjectCommand } from '@aws-sdk/client-s3';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { StorageBody } from '../../ports/object-storage.ts';
import { readBody, sizeOfBody } from './body-reader.ts';
import type { S3Context, S3Object, WriteHeaders } from './s3-context.ts';
import { uploadInParts } from './s3-multipart.ts';
import { compareStored, isProvedByChecksum, proveStored, singlePutSizeBytesMax } from './s3-proof.ts';
import { storageConflict } from './storage-answers.ts';

interface PutOptions {
  readonly body: StorageBody;
  readonly signal?: AbortSignal | undefined;
}

/** Stores a body under a new key. One request where the storage takes conditions and checksums; see `ObjectStorage`. */
export async function putNew(context: S3Context, object: S3Object, options: PutOptions): Promise<'created' | 'exists'> {
  // Where the condition may be ignored, looking first keeps us from overwriting. Before a long upload it saves the upload.
  const looksFirst = context.capabilities.conditionalCreate !== 'proved' || isLarge(options.body);
  if (looksFirst && (await looksTaken(context, object, options))) return 'exists';
  try {
    await write(context, object, { ...options, isNew: true });
    await learnWhetherExclusive(context, object, options);
    return 'created';
  } catch (error) {
    if (!isHoldfastError(error) || error.data['status'] !== 412) throw error;
  }
  // Taken: by someone else, or by ourselves when an earlier reply was lost (S07).
  if (await isThereAlready(context, object, options)) return 'exists';
  throw new HoldfastError('storage_unavailable', `The storage calls ${object.key} taken and does not have it.`, {
    hint: 'It may be catching up: run the command again.',
  });
}

/** Stores a body under a key, whatever is there. */
export async function putOver(context: S3Context, object: S3Object, options: PutOptions): Promise<void> {
  await write(context, object, { ...options, isNew: false });
}

/**
 * Finds out, once per storage, whether `If-None-Match` is heeded and not just swallowed (S15): the same bytes are created
 * a second time. Either answer leaves the store as it should be, and no throw-away object is needed.
 */
async function learnWhetherExclusive(context: S3Context, object: S3Object, options: PutOptions): Promise<void> {
  const { capabilities } = context;
  if (capabilities.conditionalCreate !== 'unknown' || isLarge(options.body)) return;
  const headers = { isConditional: true, hasChecksum: capabilities.sendsChecksums };
  try {
    await putWhole(context, object, { ...options, headers });
    capabilities.conditionalCreate = 'refused';
  } catch (error) {
    options.signal?.throwIfAborted();
    // Any other failure says nothing about conditions, and the object is stored: the next create asks again.
    if (isHoldfastError(error) && error.data['status'] === 412) capabilities.conditionalCreate = 'proved';
  }
}

/**
 * A look before writing. Without the right to list, S3 calls every missing object forbidden; such a key must still be able to
 * write (A03), and what it writes is named so that nobody else uses the name.
 */
async function looksTaken(context: S3Context, object: S3Object, options: PutOptions): Promise<boolean> {
  try {
    return await isThereAlready(context, object, options);
  } catch (error) {
    if (isHoldfastError(error, 'access_denied')) return false;
    throw error;
  }
}

async function isThereAlready(context: S3Context, object: S3Object, options: PutOptions): Promise<boolean> {
  const found = await compareStored(context, object, options);
  if (found === 'other') throw storageConflict(object.key);
  return found === 'same';
}

/**
 * Writes with all the optional headers that are not known to be refused, and where that is answered as unknown or not
 * implemented, with fewer; what turns out to be refused is remembered (S15, S21).
 */
async function write(context: S3Context, object: S3Object, options: PutOptions & { isNew: boolean }): Promise<void> {
  const { capabilities } = context;
  const wanted: WriteHeaders = {
    isConditional: options.isNew && capabilities.conditionalCreate !== 'refused',
    hasChecksum: capabilities.sendsChecksums,
  };
  let refusal: HoldfastError | null = null;
  for (const headers of fewerAndFewer(wanted)) {
    // The first look was skipped because the condition was thought to hold.
    if (wanted.isConditional && !headers.isConditional && (await looksTaken(context, object, options))) return;
    try {
      await (isLarge(options.body) ? uploadInParts : putWhole)(context, object, { ...options, headers });
      if (wanted.isConditional && !headers.isConditional) capabilities.conditionalCreate = 'refused';
      if (wanted.hasChecksum && !headers.hasChecksum) capabilities.sendsChecksums = false;
      return;
    } catch (error) {
      if (!isHeaderRefusal(error)) throw error;
      refusal ??= error;
    }
  }
  throw refusal!;
}

function fewerAndFewer(wanted: WriteHeaders): WriteHeaders[] {
  const { isConditional, hasChecksum } = wanted;
  const choices = [wanted];
  if (hasChecksum) choices.push({ isConditional, hasChecksum: false });
  if (isConditional) choices.push({ isConditional: false, hasChecksum });
  if (isConditional && hasChecksum) choices.push({ isConditional: false, hasChecksum: false });
  return choices;
}

function isHeaderRefusal(error: unknown): error is HoldfastError {
  return isHoldfastError(error, 'storage_answer_invalid') && [400, 501].includes(Number(error.data['status']));
}

async function putWhole(
  context: S3Context,
  object: S3Object,
  options: PutOptions & { headers: WriteHeaders },
): Promise<void> {
  const { body, signal, headers } = options;
  const bytes = await readBody(body, signal);
  const checksum = Buffer.from(body.sha256, 'hex').toString('base64');
  const input = {
    Bucket: context.connection.bucket,
    Key: object.fullKey,
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: 'application/octet-stream',
    IfNoneMatch: headers.isConditional ? '*' : undefined,
    ChecksumSHA256: headers.hasChecksum ? checksum : undefined,
  };
  const answer = await context.connection.call({
    operation: 'PutObject',
    key: object.key,
    signal,
    run: (client, sendOptions) => client.send(new PutObjectCommand(input), sendOptions),
  });
  if (headers.hasChecksum && isProvedByChecksum(object, checksum, answer.ChecksumSHA256)) return;
  await proveStored(context, object, options);
}

function isLarge(body: StorageBody): boolean {
  return sizeOfBody(body) > singlePutSizeBytesMax;
}
