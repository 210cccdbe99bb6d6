/** The most bytes one stored block holds. */
const blockBytesMax = 0xffff;

/** How many bytes `writeStored` makes of content: two of header, five a block, the content, four of checksum. */
export function storedSizeBytes(contentBytes: number): number {
  return 2 + 5 * Math.max(1, Math.ceil(contentBytes / blockBytesMax)) + contentBytes + 4;
}

/**
 * Writes content in zlib's format without compressing it, straight to where it goes; returns where it ends. zlib's own level
 * 0 makes a buffer of that size each time, and megabytes of them pile up before the collector sees them.
 */
export function writeStored(out: Uint8Array, start: number, content: Uint8Array): number {
  let at = start;
  out[at++] = 0x78;
  out[at++] = 0x01;
  let from = 0;
  do {
    const blockBytes = Math.min(blockBytesMax, content.length - from);
    out[at++] = from + blockBytes === content.length ? 1 : 0;
    out[at++] = blockBytes;
    out[at++] = blockBytes >>> 8;
    out[at++] = ~blockBytes;
    out[at++] = ~blockBytes >>> 8;
    out.set(content.subarray(from, from + blockBytes), at);
    at += blockBytes;
    from += blockBytes;
  } while (from < content.length);
  const checksum = adler32(content);
  for (let shift = 24; shift >= 0; shift -= 8) out[at++] = checksum >>> shift;
  return at;
}

const adlerModulus = 65521;
// As far as the sums can go without leaving 31 bits; a multiple of the eight steps a turn.
const adlerRunBytes = 3840;

/** zlib's checksum, which Node does not offer. Eight bytes a turn: a plain loop takes three times as long. */
function adler32(bytes: Uint8Array): number {
  let sum = 1;
  let sumOfSums = 0;
  for (let at = 0; at < bytes.length;) {
    const stop = Math.min(bytes.length, at + adlerRunBytes);
    for (; at + 8 <= stop; at += 8) {
      const b0 = bytes[at]!;
      const b1 = bytes[at + 1]!;
      const b2 = bytes[at + 2]!;
      const b3 = bytes[at + 3]!;
      const b4 = bytes[at + 4]!;
      const b5 = bytes[at + 5]!;
      const b6 = bytes[at + 6]!;
      const b7 = bytes[at + 7]!;
      sumOfSums = (sumOfSums + 8 * sum + 8 * b0 + 7 * b1 + 6 * b2 + 5 * b3 + 4 * b4 + 3 * b5 + 2 * b6 + b7) | 0;
      sum = (sum + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7) | 0;
    }
    for (; at < stop; at++) {
      sum = (sum + bytes[at]!) | 0;
      sumOfSums = (sumOfSums + sum) | 0;
    }
    sum %= adlerModulus;
    sumOfSums %= adlerModulus;
  }
  return ((sumOfSums << 16) | sum) >>> 0;
}
