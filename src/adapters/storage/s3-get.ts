import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { GetOptions, StorageKey } from '../../ports/object-storage.ts';
import type { S3Connection } from './s3-client.ts';
import { answerInvalid, objectMissing, tooLarge, tooShort } from './storage-answers.ts';

/** What HEAD says about an object. */
export interface S3ObjectHead {
  readonly sizeBytes: number;
  readonly modifiedAt: Date | null;
  readonly etag: string;
}

/** Reads an object, or a range, into memory: exactly the bytes asked for. `fullKey` includes the store's prefix. */
export async function getObject(
  connection: S3Connection,
  object: { key: StorageKey; fullKey: string },
  options: GetOptions,
): Promise<Uint8Array> {
  const { range, signal } = options;
  const answer = await openObject(connection, object, options);
  const body = answer.Body as Readable;
  try {
    const sizeBytes = await expectedSize(answer, { object, options, body });
    if (sizeBytes > (options.sizeBytesMax ?? Infinity)) throw tooLarge(object.key, sizeBytes);
    const bytes = new Uint8Array(sizeBytes);
    let done = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (done + chunk.length > sizeBytes) throw answerInvalid(`more than ${sizeBytes} bytes came for ${object.key}`);
      bytes.set(chunk, done);
      done += chunk.length;
    }
    if (done < sizeBytes) throw cutShort(object.key, { done, sizeBytes });
    if (range !== undefined && sizeBytes !== range.end - range.start) throw answerInvalid('another range came');
    return bytes;
  } catch (error) {
    throw connection.mapBodyError(error, { operation: 'GetObject', key: object.key, signal });
  } finally {
    // Leaving the loop early must not leave the connection open.
    body.destroy();
  }
}

/** SHA-256 (hex) and size of what the storage holds, without keeping it in memory; null when there is nothing. */
export async function hashObject(
  connection: S3Connection,
  object: { key: StorageKey; fullKey: string },
  signal: AbortSignal | undefined,
): Promise<{ sha256: string; sizeBytes: number } | null> {
  let answer: GetObjectCommandOutput;
  try {
    answer = await openObject(connection, object, { signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const body = answer.Body as Readable;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    const expected = answer.ContentLength ?? sizeBytes;
    if (sizeBytes < expected) throw cutShort(object.key, { done: sizeBytes, sizeBytes: expected });
    return { sha256: hash.digest('hex'), sizeBytes };
  } catch (error) {
    throw connection.mapBodyError(error, { operation: 'GetObject', key: object.key, signal });
  } finally {
    body.destroy();
  }
}

/** Null when there is no such object. */
export async function headObject(
  connection: S3Connection,
  object: { key: StorageKey; fullKey: string },
  signal: AbortSignal | undefined,
): Promise<S3ObjectHead | null> {
  try {
    const input = { Bucket: connection.bucket, Key: object.fullKey };
    const answer = await connection.call({
      operation: 'HeadObject',
      key: object.key,
      signal,
      run: (client, options) => client.send(new HeadObjectCommand(input), options),
    });
    if (answer.ContentLength === undefined || answer.ETag === undefined) {
      throw answerInvalid(`HEAD of ${object.key} came without a size or an ETag`);
    }
    return {
      sizeBytes: answer.ContentLength,
      modifiedAt: answer.LastModified ?? null,
      etag: answer.ETag.replaceAll('"', ''),
    };
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}

async function openObject(
  connection: S3Connection,
  object: { key: StorageKey; fullKey: string },
  options: GetOptions,
): Promise<GetObjectCommandOutput> {
  const { range, storageVersionId, signal } = options;
  const input = {
    Bucket: connection.bucket,
    Key: object.fullKey,
    VersionId: storageVersionId,
    Range: range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`,
  };
  try {
    const answer = await connection.call({
      operation: 'GetObject',
      key: object.key,
      signal,
      run: (client, sendOptions) => client.send(new GetObjectCommand(input), sendOptions),
    });
    if (!(answer.Body instanceof Readable)) throw answerInvalid(`${object.key} came without a body`);
    return answer;
  } catch (error) {
    const status = isHoldfastError(error) ? error.data['status'] : undefined;
    if (status === 416 && range !== undefined) throw tooShort(object.key, { wanted: range.end });
    // A name no version can have is a 400, the name of a delete marker a 405.
    if (storageVersionId !== undefined && (status === 400 || status === 405)) throw objectMissing(object.key);
    throw error;
  }
}

/** How many bytes the body must have, from the answer's head. */
async function expectedSize(
  answer: GetObjectCommandOutput,
  context: { object: { key: StorageKey }; options: GetOptions; body: Readable },
): Promise<number> {
  const { object, options, body } = context;
  const { range } = options;
  // Every S3 names the bytes it sends; a login page does not.
  if (answer.ETag === undefined) throw answerInvalid(`${object.key} came without an ETag`, { body: await start(body) });
  if (answer.ContentLength === undefined) throw answerInvalid(`${object.key} came without a length`);
  if (range === undefined) return answer.ContentLength;
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '');
  if (match === null) {
    throw answerInvalid(`a range of ${object.key} was asked for and not given`, { body: await start(body) });
  }
  const [first, last, total] = match.slice(1).map(Number) as [number, number, number];
  if (total < range.end) throw tooShort(object.key, { wanted: range.end, found: total });
  if (first !== range.start || last !== range.end - 1 || answer.ContentLength !== last - first + 1) {
    throw answerInvalid(`another range of ${object.key} came than was asked for`);
  }
  return answer.ContentLength;
}

async function start(body: Readable): Promise<Uint8Array> {
  for await (const chunk of body as AsyncIterable<Uint8Array>) return chunk;
  return new Uint8Array();
}

function cutShort(key: StorageKey, size: { done: number; sizeBytes: number }): HoldfastError {
  const message = `The connection ended after ${size.done} of ${size.sizeBytes} bytes of ${key}.`;
  return new HoldfastError('storage_unavailable', message, { hint: 'Check the network and run the command again.' });
}
