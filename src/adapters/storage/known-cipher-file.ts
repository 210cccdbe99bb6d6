import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { decodeKeySheet, keySheetBytesMax } from '../../format/key-sheet.ts';
import { flag, nullable, object, ShapeError, text } from '../../format/json-shape.ts';
import { prettyJson } from '../../format/pretty-json.ts';
import { addSum, hasRightSum } from '../../format/sum-json.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { StoredSheet } from '../../model/store-keys.ts';
import { syncDirectory, writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { readRegularFile } from '../fs/read-regular.ts';

/** What this machine has seen of a store's encryption. Holds no secret: the keys in it are wrapped as in the store. */
export interface KnownCipher {
  readonly isSealed: boolean;
  /** The newest keys seen; null for a plain store. */
  readonly stored: StoredSheet | null;
  /** Id of the slot that opened it last, tried first. */
  readonly slotId: string | null;
}

const fileBytesMax = 4 * keySheetBytesMax;
const fields = object<{ sealed: boolean; slot: string | null; sheet: string | null }>({
  sealed: flag,
  slot: nullable(text(8)),
  sheet: nullable(text(2 * keySheetBytesMax)),
});

/** Null when nothing was seen, or the file is damaged: then the store is looked at again. */
export function loadKnownCipher(path: string): KnownCipher | null {
  try {
    const bytes = readRegularFile(path, fileBytesMax);
    if (!(bytes instanceof Buffer) || !hasRightSum(bytes)) return null;
    const { sealed, slot, sheet } = fields(JSON.parse(bytes.toString('utf8')));
    if (sealed !== (sheet !== null)) return null;
    return {
      isSealed: sealed,
      stored: sheet === null ? null : decodeKeySheet(Buffer.from(sheet, 'utf8')),
      slotId: slot,
    };
  } catch (error) {
    const isDamage = error instanceof SyntaxError || error instanceof ShapeError || isHoldfastError(error);
    if (isDamage || systemCode(error) === 'ENOENT') return null;
    throw mapFsError(error, `read what is known of the store in ${JSON.stringify(path)}`);
  }
}

/** Remembers it, durably: forgetting would let a store be passed off as a plain one. */
export function saveKnownCipher(path: string, { isSealed, stored, slotId }: KnownCipher): void {
  try {
    const folder = dirname(path);
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) syncDirectory(dirname(folder));
    const sheet = stored === null ? null : Buffer.from(stored.bytes).toString('utf8');
    writeFileDurably(path, Buffer.from(addSum(prettyJson({ format: 1, sealed: isSealed, slot: slotId, sheet }))));
  } catch (error) {
    throw mapFsError(error, `remember the store's encryption in ${JSON.stringify(path)}`);
  }
}
