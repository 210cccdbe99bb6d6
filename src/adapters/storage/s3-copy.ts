import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { parseStoreUrl } from '../../format/store-url.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { S3StoreUrl } from './s3-client.ts';
import type { S3Context, S3Object } from './s3-context.ts';
import { hashObject } from './s3-get.ts';

/** What one copy by the server itself may move; packs stay far below it. */
const copyBytesMax = 5 * 2 ** 30;

/**
 * Lets the server copy an object from another bucket or prefix of its own. True when the copy is proved to have the SHA-256
 * it should; false when the two are not of one server, or it would not or could not: then the bytes have to be carried.
 */
export async function copyWithinServer(
  context: S3Context,
  object: S3Object,
  from: {
    readonly here: S3StoreUrl;
    readonly sourceUrl: string;
    readonly sizeBytes: number;
    readonly sha256: Sha256;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<boolean> {
  const { here, signal } = from;
  const source = parseStoreUrl(from.sourceUrl, { insecure: true });
  if (source.kind !== 's3' || source.endpoint !== here.endpoint || source.region !== here.region) return false;
  if (from.sizeBytes > copyBytesMax) return false;
  const sourceKey = source.prefix === '' ? object.key : `${source.prefix}/${object.key}`;
  const input = {
    Bucket: context.connection.bucket,
    Key: object.fullKey,
    CopySource: `${source.bucket}/${sourceKey.split('/').map(encodeURIComponent).join('/')}`,
    ...(context.capabilities.sendsChecksums ? { ChecksumAlgorithm: 'SHA256' as const } : {}),
  };
  try {
    const answer = await context.connection.call({
      operation: 'CopyObject',
      key: object.key,
      signal,
      run: (client, sendOptions) => client.send(new CopyObjectCommand(input), sendOptions),
    });
    const named = answer.CopyObjectResult?.ChecksumSHA256;
    if (named === Buffer.from(from.sha256, 'hex').toString('base64')) return true;
    return (await hashObject(context.connection, object, signal))?.sha256 === from.sha256;
  } catch (error) {
    signal?.throwIfAborted();
    // The keys may not read the source, or the server does not copy: carrying the bytes decides what the trouble is.
    if (isHoldfastError(error)) return false;
    throw error;
  }
}
