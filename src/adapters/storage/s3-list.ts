import { ListObjectVersionsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type {
  ListOptions,
  StorageKey,
  StorageOptions,
  StorageVersion,
  StoredObject,
} from '../../ports/object-storage.ts';
import { isKey } from './check-key.ts';
import type { S3Connection } from './s3-client.ts';
import { answerInvalid } from './storage-answers.ts';

/** Pages without a key in a row before a listing is called endless. */
const emptyPagesMax = 50;

/**
 * Lists objects below `base + prefix`, page by page, and checks what a storage might get wrong: order, prefix, and tokens
 * that are missing or come again (S11). Names that cannot be ours are passed over.
 */
export async function* listObjects(
  connection: S3Connection,
  where: { base: string; prefix: StorageKey },
  options: ListOptions & { pageSize?: number | undefined },
): AsyncGenerator<StoredObject> {
  const { base, prefix } = where;
  const guard = createPageGuard(base + prefix);
  let token: string | undefined;
  do {
    const input = {
      Bucket: connection.bucket,
      Prefix: base + prefix,
      // A few storages take a start together with a token amiss.
      StartAfter: token === undefined && options.startAfter !== undefined ? base + options.startAfter : undefined,
      ContinuationToken: token,
      MaxKeys: options.pageSize,
      EncodingType: 'url' as const,
    };
    const page = await connection.call({
      operation: 'ListObjectsV2',
      signal: options.signal,
      run: (client, sendOptions) => client.send(new ListObjectsV2Command(input), sendOptions),
    });
    const isEncoded = page.EncodingType === 'url';
    for (const object of page.Contents ?? []) {
      const fullKey = decodeKey(object.Key, isEncoded);
      guard.checkKey(fullKey);
      const key = fullKey.slice(base.length);
      if (!isKey(key) || key <= (options.startAfter ?? '')) continue;
      if (object.Size === undefined) throw answerInvalid('a listing came without sizes');
      options.signal?.throwIfAborted();
      yield { key, sizeBytes: object.Size, modifiedAt: object.LastModified ?? null };
    }
    token = guard.nextToken(page.IsTruncated, page.NextContinuationToken, page.Contents?.length ?? 0);
  } while (token !== undefined);
}

/** Lists every version and delete marker below `base + prefix`, newest first for each key. */
export async function* listVersions(
  connection: S3Connection,
  where: { base: string; prefix: StorageKey },
  options: StorageOptions & { pageSize?: number | undefined },
): AsyncGenerator<StorageVersion> {
  const { base, prefix } = where;
  const guard = createPageGuard(base + prefix);
  let marker: { key: string; version: string | undefined } | undefined;
  for (;;) {
    const input = {
      Bucket: connection.bucket,
      Prefix: base + prefix,
      KeyMarker: marker?.key,
      VersionIdMarker: marker?.version,
      MaxKeys: options.pageSize,
      EncodingType: 'url' as const,
    };
    const page = await connection.call({
      operation: 'ListObjectVersions',
      signal: options.signal,
      run: (client, sendOptions) => client.send(new ListObjectVersionsCommand(input), sendOptions),
    });
    const isEncoded = page.EncodingType === 'url';
    const versions = [
      ...(page.Versions ?? []).map((one) => ({ ...one, isDeleteMarker: false, sizeBytes: one.Size ?? 0 })),
      ...(page.DeleteMarkers ?? []).map((one) => ({ ...one, isDeleteMarker: true, sizeBytes: 0 })),
    ].map((one) => ({
      fullKey: decodeKey(one.Key, isEncoded),
      sizeBytes: one.sizeBytes,
      modifiedAt: one.LastModified ?? null,
      storageVersionId: one.VersionId ?? 'null',
      isLatest: one.IsLatest ?? false,
      isDeleteMarker: one.isDeleteMarker,
    }));
    // The SDK hands out versions and markers apart; within one key their times put them back together.
    versions.sort((a, b) => compare(a.fullKey, b.fullKey) || compareNewestFirst(a, b));
    for (const { fullKey, ...version } of versions) {
      guard.checkKey(fullKey, { maySame: true });
      const key = fullKey.slice(base.length);
      if (!isKey(key)) continue;
      options.signal?.throwIfAborted();
      yield { key, ...version };
    }
    const token =
      page.NextKeyMarker === undefined ? undefined : `${page.NextKeyMarker}\n${page.NextVersionIdMarker ?? ''}`;
    if (guard.nextToken(page.IsTruncated, token, versions.length) === undefined) return;
    marker = { key: decodeKey(page.NextKeyMarker, isEncoded), version: page.NextVersionIdMarker };
  }
}

/** Watches over the pages of one listing. */
export function createPageGuard(prefix: string): {
  checkKey(fullKey: string, options?: { maySame: boolean }): void;
  nextToken(isTruncated: boolean | undefined, token: string | undefined, count: number): string | undefined;
} {
  const tokens = new Set<string>();
  let last = '';
  let emptyPages = 0;
  return {
    checkKey(fullKey, { maySame } = { maySame: false }) {
      if (!fullKey.startsWith(prefix)) throw answerInvalid('a listing held a key that was not asked for');
      const order = compare(fullKey, last);
      if (last !== '' && (order < 0 || (order === 0 && !maySame))) {
        throw answerInvalid('a listing was out of order or began again');
      }
      last = fullKey;
    },
    nextToken(isTruncated, token, count) {
      if (isTruncated !== true) return undefined;
      if (token === undefined || token === '') throw answerInvalid('a listing broke off without saying where to go on');
      if (tokens.has(token)) throw answerInvalid('a listing goes in circles');
      tokens.add(token);
      emptyPages = count === 0 ? emptyPages + 1 : 0;
      if (emptyPages > emptyPagesMax) throw answerInvalid('a listing goes on without a key');
      return token;
    },
  };
}

function decodeKey(key: string | undefined, isEncoded: boolean): string {
  if (key === undefined) throw answerInvalid('a listing held an object without a key');
  if (!isEncoded) return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw answerInvalid('a listing held a key with a broken escape');
  }
}

/** Byte order of UTF-8, which is the order of code points. */
function compare(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compareNewestFirst(
  a: { isLatest: boolean; modifiedAt: Date | null },
  b: { isLatest: boolean; modifiedAt: Date | null },
): number {
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1;
  return (b.modifiedAt?.getTime() ?? 0) - (a.modifiedAt?.getTime() ?? 0);
}
