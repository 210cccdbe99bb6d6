import { createHmac, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../model/errors.ts';
import type { KeySecret, KeySheet, MasterKey, StoredSheet, UnlockedSheet, WrappedMaster } from '../model/store-keys.ts';
import { checked, instant, list, nullable, object, type Shape, ShapeError, textLike } from './json-shape.ts';
import { fitsSecret, slotShape, unwrapByMaster, unwrapKey, wrapByMaster, wrappedKeyShape } from './key-slot.ts';
import { keyringOf, masterKeyOf } from './keyring.ts';
import { prettyJson } from './pretty-json.ts';
import { isPlainId } from './store-layout.ts';
import { addSum, hasRightSum, sumBytes } from './sum-json.ts';

export const keySheetFormat = 1;
export const keySheetBytesMax = 256 * 1024;
const slotsMax = 32;
/** Each costs half a second to try. */
export const passphraseSlotsMax = 6;
const mastersMax = 1000;

/** Encodes a sheet, proved by its newest master key. The same sheet always gives the same bytes. */
export function encodeKeySheet(sheet: KeySheet, newest: MasterKey): Uint8Array {
  const { vaultId, generation, masters, slots } = sheet;
  const body = prettyJson({ format: keySheetFormat, vaultId, generation, masters, slots }).slice(0, -'\n}\n'.length);
  return Buffer.from(addSum(`${body}${proofOf(Buffer.from(body, 'utf8'), newest)}\n}\n`), 'utf8');
}

/**
 * Decodes a sheet; checks everything but its proof, which takes a key (`unlockSheet`).
 * @throws {HoldfastError} `store_newer`, `keys_invalid` (too weak a derivation included)
 */
export function decodeKeySheet(bytes: Uint8Array): StoredSheet {
  try {
    if (bytes.length > keySheetBytesMax) throw new ShapeError('it is too large');
    if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
    const document = parse(bytes);
    const { format } = formatField(document);
    if (format > keySheetFormat) {
      throw new HoldfastError('store_newer', 'The keys of this store need a newer holdfast.', {
        hint: 'Install a newer holdfast. Nothing was changed.',
      });
    }
    const sheet = sheetFields(document);
    checkSheet(sheet);
    return { sheet, bytes };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw invalidSheet(error.message);
  }
}

/**
 * Opens a sheet with what a person knows; null when it fits no slot. `slotFirst` is tried before the others.
 * @throws {HoldfastError} `keys_invalid` when the key fits and the sheet is not what was written with it
 */
export async function unlockSheet(
  { sheet, bytes }: StoredSheet,
  options: { secret: KeySecret; slotFirst?: string | null },
): Promise<UnlockedSheet | null> {
  const { secret, slotFirst = null } = options;
  const fitting = sheet.slots.filter((slot) => fitsSecret(slot.derivation, secret));
  for (const slot of fitting.toSorted((a, b) => Number(b.id === slotFirst) - Number(a.id === slotFirst))) {
    const { derivation, wrapped } = slot;
    const newest = await unwrapKey(wrapped, { secret, derivation, context: slotContext(sheet, slot.id) });
    if (newest === null) continue;
    const keyring = keyringOf(sheet.vaultId, mastersOf(sheet, masterKeyOf(newest)));
    assertProved(bytes, keyring.newest);
    return { sheet, bytes, keyring, slot, secret };
  }
  return null;
}

/** What a slot's wrapped key is bound to. */
export function slotContext(sheet: Pick<KeySheet, 'vaultId'>, slotId: string): string {
  return `${sheet.vaultId}\0${slotId}`;
}

/** Names master keys, oldest first, as a sheet does: all but the newest wrapped by the newest. */
export function wrapMasters(
  masters: readonly { readonly key: MasterKey; readonly createdAt: string }[],
): WrappedMaster[] {
  const newest = masters.at(-1)!.key;
  return masters.map(({ key, createdAt }) => ({
    id: key.id,
    createdAt,
    wrapped: key.id === newest.id ? null : wrapByMaster(key.bytes, { master: newest.bytes, context: key.id }),
  }));
}

function mastersOf(sheet: KeySheet, newest: MasterKey): MasterKey[] {
  return sheet.masters.map(({ id, wrapped }) => {
    const bytes = wrapped === null ? newest.bytes : unwrapByMaster(wrapped, { master: newest.bytes, context: id });
    const key = bytes === null ? null : masterKeyOf(bytes);
    if (key?.id !== id) throw invalidSheet('its master keys are not those it names');
    return key;
  });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new ShapeError('it is not JSON');
  }
}

const proofStart = ',\n  "proof": "';
const proofTail = '"';
const proofBytes = proofStart.length + 64 + proofTail.length;

/** The proof stands last but for the checksum, and covers every byte in front of it. */
function proofOf(body: Uint8Array, newest: MasterKey): string {
  return `${proofStart}${createHmac('sha256', newest.sheetKey).update(body).digest('hex')}${proofTail}`;
}

function assertProved(bytes: Uint8Array, newest: MasterKey): void {
  const bodyEnd = bytes.length - sumBytes - proofBytes;
  const found = Buffer.from(bytes.subarray(Math.max(0, bodyEnd), bytes.length - sumBytes));
  const right = Buffer.from(bodyEnd < 0 ? '' : proofOf(bytes.subarray(0, bodyEnd), newest), 'latin1');
  if (found.length !== right.length || !timingSafeEqual(found, right)) {
    throw invalidSheet('it was changed by somebody who does not have a key');
  }
}

function checkSheet({ masters, slots }: KeySheet): void {
  if (masters.length === 0 || slots.length === 0) throw new ShapeError('it holds no key');
  const isNewestLast = masters.every(({ wrapped }, index) => (wrapped === null) === (index === masters.length - 1));
  if (!isNewestLast) throw new ShapeError('its newest master key is not the last');
  if (new Set(masters.map(({ id }) => id)).size < masters.length) throw new ShapeError('a master key is named twice');
  if (new Set(slots.map(({ id }) => id)).size < slots.length) throw new ShapeError('a key is named twice');
  const passphrases = slots.filter(({ derivation }) => derivation.id !== 'hkdf-sha256');
  if (passphrases.length > passphraseSlotsMax) throw new ShapeError('it holds too many passphrases');
}

function invalidSheet(reason: string): HoldfastError {
  return new HoldfastError('keys_invalid', `The keys of this store cannot be trusted: ${reason}.`, {
    hint: 'Bring back the earlier version of the newest object below keys/, or use a replica.',
    data: { reason },
  });
}

const atLeastOne: Shape<number> = checked(
  (value): value is number => Number.isSafeInteger(value) && (value as number) >= 1,
  'a whole number of 1 or more',
);
const formatField = object<{ format: number }>({ format: atLeastOne });

const sheetFields = object<KeySheet>({
  vaultId: checked(isPlainId, 'an id of [a-z0-9-]'),
  generation: atLeastOne,
  masters: list(
    object<WrappedMaster>({
      id: textLike(/^[0-9a-f]{16}$/, 'the id of a master key'),
      createdAt: instant,
      wrapped: nullable(wrappedKeyShape),
    }),
    mastersMax,
  ),
  slots: list(slotShape, slotsMax),
});

/** A name for a key, as people give it. @throws {HoldfastError} `flag_invalid` */
export function parseKeyName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,39}$/.test(name) && !/^[0-9a-f]{8}$/.test(name)) return name;
  throw new HoldfastError('flag_invalid', `Not a name for a key: ${JSON.stringify(name.slice(0, 60))}.`, {
    hint: 'Use up to 40 letters, digits, spaces, points and dashes, such as "laptop".',
  });
}
