import { HoldfastError } from '../../model/errors.ts';
import type { ByteRange, StorageKey } from '../../ports/object-storage.ts';

/**
 * The object is not there. `deletedAt` says when it was hidden, where a version of it can be brought back; `isHidden`
 * that a delete marker stands in its place.
 */
export function objectMissing(
  key: StorageKey,
  details: { deletedAt?: Date | null; isHidden?: boolean } = {},
): HoldfastError {
  const { deletedAt = null, isHidden = false } = details;
  if (deletedAt === null) {
    return new HoldfastError('object_missing', `The store has no ${key}.`, {
      data: isHidden ? { key, isHidden } : { key },
    });
  }
  const when = deletedAt.toISOString();
  return new HoldfastError('object_missing', `${key} was deleted at ${when}; its previous version is recoverable.`, {
    data: { key, deletedAt: when, recoverable: true },
    hint: 'Removing the delete marker in the bucket brings it back; other snapshots are not affected.',
  });
}

/** The key holds other bytes than ours; nothing was overwritten. */
export function storageConflict(key: StorageKey): HoldfastError {
  return new HoldfastError('storage_conflict', `The store already holds ${key} with other contents.`, {
    data: { key },
    hint: 'Nothing was overwritten. Run the command again; if it stays, run: holdfast verify',
  });
}

/** The stored object ends before the bytes that should be in it. */
export function tooShort(key: StorageKey, size: { wanted: number; found?: number }): HoldfastError {
  const message = `${key} in the store ends${size.found === undefined ? '' : ` at byte ${size.found},`} before byte ${size.wanted}.`;
  return new HoldfastError('object_corrupt', message, {
    data: { key, ...size },
    hint: 'Run: holdfast verify --full',
  });
}

/** The object is larger than anything we would have written there; it was not read. */
export function tooLarge(key: StorageKey, sizeBytes: number): HoldfastError {
  return new HoldfastError(
    'storage_answer_invalid',
    `${key} in the store is ${sizeBytes} bytes, more than it can be.`,
    {
      data: { key, sizeBytes },
      hint: 'Something else wrote it. Run: holdfast verify',
    },
  );
}

/** What came back is not what was asked for. `body` (if any) is quoted: at most 80 characters, escaped. */
export function answerInvalid(
  reason: string,
  details: { body?: Uint8Array | string; cause?: unknown } = {},
): HoldfastError {
  const quoted = details.body === undefined ? '' : ` It begins ${quoteStart(details.body)}.`;
  return new HoldfastError(
    'storage_answer_invalid',
    `The storage gave an answer that cannot be right: ${reason}.${quoted}`,
    {
      hint: 'A proxy, a login page or a storage that does not speak S3 well may be in between; check the endpoint.',
      cause: details.cause,
    },
  );
}

export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end > start) return;
  throw new HoldfastError('invariant_broken', `Not a byte range: ${start} to ${end}.`);
}

function quoteStart(body: Uint8Array | string): string {
  const text =
    typeof body === 'string'
      ? body
      : Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 400)).toString();
  // JSON leaves DEL, C1 and the bidirectional overrides as they are; a terminal would obey them.
  return JSON.stringify(text.slice(0, 80)).replaceAll(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
