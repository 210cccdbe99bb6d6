import { sha256Of } from './digest.ts';

const beforeSum = ',\n  "sum": "';
const afterSum = '"\n}\n';
const sumChars = 64;
/** How much of a document its sum takes, from the comma to the end. */
export const sumBytes = beforeSum.length + sumChars + afterSum.length;

/**
 * Gives a pretty-printed JSON object its last key, `"sum"`: the SHA-256 of every byte in front of the comma that
 * introduces it. It catches damage, not malice: whoever could change the document could change its sum.
 */
export function addSum(json: string): string {
  const body = json.slice(0, -'\n}\n'.length);
  return `${body}${beforeSum}${sha256Of(Buffer.from(body, 'utf8'))}${afterSum}`;
}

/** True when the document ends in the right sum, to the byte. */
export function hasRightSum(bytes: Uint8Array): boolean {
  const bodySize = bytes.length - sumBytes;
  if (bodySize < 0) return false;
  const expected = `${beforeSum}${sha256Of(bytes.subarray(0, bodySize))}${afterSum}`;
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset + bodySize, bytes.length - bodySize).toString('latin1') === expected
  );
}
