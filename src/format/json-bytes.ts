import { type ByteString, byteStringOf, byteStringOfText, textOfByteString } from '../lib/bytes.ts';

/** A byte string in JSON: text where its bytes are UTF-8, so that people can read it, base64 where they are not. */
export type JsonBytes = string | { readonly b64: string };

/** Encodes a byte string for JSON; `decodeJsonBytes` gives back the same bytes. */
export function encodeJsonBytes(value: ByteString): JsonBytes {
  return textOfByteString(value) ?? { b64: Buffer.from(value, 'latin1').toString('base64') };
}

/** Decodes what `encodeJsonBytes` wrote, or returns null when `value` is nothing it could have written. */
export function decodeJsonBytes(value: unknown): ByteString | null {
  // A lone surrogate has no UTF-8: converting it would quietly give other bytes.
  if (typeof value === 'string') return value.isWellFormed() ? byteStringOfText(value) : null;
  if (typeof value !== 'object' || value === null || !('b64' in value) || typeof value.b64 !== 'string') return null;
  const bytes = Buffer.from(value.b64, 'base64');
  // Node skips what is not base64; only the exact spelling counts.
  return bytes.toString('base64') === value.b64 ? byteStringOf(bytes) : null;
}
