import { createCipheriv } from 'node:crypto';

/** Bytes that look random and are always the same: megabytes of them at no cost. */
export function deterministicBytes(sizeBytes: number, seed = 0): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
