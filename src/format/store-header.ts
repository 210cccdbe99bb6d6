import { HoldfastError } from '../model/errors.ts';
import { checked, instant, nullable, object, oneOf, ShapeError, text } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';
import { isPlainId } from './store-layout.ts';

/** Version of the store this code writes, and the newest it reads. */
export const storeFormat = 1;

/** Largest header in bytes, for readers. */
export const storeHeaderBytesMax = 64 * 1024;

/** How the objects of a store are encrypted: see sealed-object.ts. The keys are below `keys/`. */
export interface StoreCipher {
  readonly suite: 'aes-256-gcm-stream-64k';
}

/** What new encrypted stores use. */
export const storeCipher: StoreCipher = { suite: 'aes-256-gcm-stream-64k' };

/**
 * What a store is: the object under `holdfast.json`, written once when the store is made. (A vault's settings file has
 * the same name; the two never lie in one place.)
 */
export interface StoreHeader {
  readonly vaultId: string;
  readonly vaultName: string;
  /** UTC with milliseconds. */
  readonly createdAt: string;
  /** Who made it, for people: "holdfast 0.1.0 on laptop". */
  readonly createdBy: string;
  /** Null: contents are not encrypted. */
  readonly cipher: StoreCipher | null;
}

/** Encodes the header. The same header always gives the same bytes. */
export function encodeStoreHeader(header: StoreHeader): Uint8Array {
  const { vaultId, vaultName, createdAt, createdBy, cipher } = header;
  const document = { format: storeFormat, vaultId, vaultName, createdAt, createdBy, cipher };
  return Buffer.from(addSum(prettyJson(document)), 'utf8');
}

/**
 * Decodes a header.
 * @throws {HoldfastError} `store_newer` when it needs a newer holdfast (a cipher this one does not know included);
 *   `header_invalid` when it is damaged, or no header at all
 */
export function decodeStoreHeader(bytes: Uint8Array): StoreHeader {
  try {
    const document = parseHeader(bytes);
    const { format } = formatField(document);
    if (format > storeFormat) throw newerStore(`needs version ${format} of the store format`);
    const header = headerFields(document);
    return { ...header, cipher: header.cipher === null ? null : decodeCipher(header.cipher) };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new HoldfastError(
      'header_invalid',
      `The holdfast.json of this store is damaged, or none: ${error.message}.`,
      {
        hint: 'Bring back the earlier version of that object, or choose another place for the store.',
        data: { field: error.field, reason: error.reason },
      },
    );
  }
}

function parseHeader(bytes: Uint8Array): unknown {
  if (bytes.length > storeHeaderBytesMax) throw new ShapeError('it is too large');
  if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new ShapeError('it is not JSON');
  }
}

function decodeCipher(cipher: object): StoreCipher {
  try {
    return cipherFields(cipher);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw newerStore('is encrypted in a way this version cannot read');
  }
}

function newerStore(what: string): HoldfastError {
  return new HoldfastError(
    'store_newer',
    `This store ${what}; this holdfast reads stores up to version ${storeFormat}.`,
    {
      hint: 'Install a newer holdfast. Nothing was changed.',
      data: { supported: storeFormat },
    },
  );
}

const formatField = object<{ format: number }>({
  format: checked((value): value is number => Number.isSafeInteger(value) && (value as number) >= 1, 'a version'),
});

const cipherFields = object<StoreCipher>({ suite: oneOf([storeCipher.suite]) });

const headerFields = object<Omit<StoreHeader, 'cipher'> & { cipher: object | null }>({
  vaultId: checked(isPlainId, 'an id of [a-z0-9-]'),
  vaultName: text(1000),
  createdAt: instant,
  createdBy: text(1000),
  cipher: nullable(checked((value): value is object => typeof value === 'object' && value !== null, 'a cipher')),
});
