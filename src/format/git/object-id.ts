import { createHash, hash } from 'node:crypto';
import type { ObjectId } from '../../model/ids.ts';
import type { ObjectType } from '../../ports/object-writer.ts';

/** Size of a raw object id. */
export const idBytes = 20;

// Up to here, copying header and content into one buffer costs less than a second call into the hash.
const copiedBytesMax = 64 * 1024;
const scratch = Buffer.allocUnsafe(copiedBytesMax + 32);

/** Returns the name git gives an object of this type and content. */
export function objectIdOf(type: ObjectType, content: Uint8Array): ObjectId {
  return digest(type, content, 'hex') as ObjectId;
}

/** Writes the 20 raw bytes of an object's name to `out` at `start`. */
export function writeObjectId(type: ObjectType, content: Uint8Array, target: { out: Uint8Array; start: number }): void {
  const raw = digest(type, content, 'binary');
  for (let i = 0; i < idBytes; i++) target.out[target.start + i] = raw.charCodeAt(i);
}

/** The bytes git hashes in front of the content: "blob 12\0". */
export function objectHeader(type: ObjectType, sizeBytes: number): string {
  return `${type} ${sizeBytes}\0`;
}

/** Decodes 20 raw bytes into an object id. */
export function objectIdAt(bytes: Uint8Array, start: number): ObjectId {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, idBytes).toString('hex') as ObjectId;
}

/** Encodes an object id as 20 raw bytes. */
export function rawObjectId(id: ObjectId): Buffer {
  return Buffer.from(id, 'hex');
}

/** True when the 20 raw bytes at both places are equal. */
export function equalIds(a: Uint8Array, startA: number, b: Uint8Array, startB: number): boolean {
  for (let i = 0; i < idBytes; i++) if (a[startA + i] !== b[startB + i]) return false;
  return true;
}

/** Orders raw ids by their bytes. */
export function compareIds(a: Uint8Array, startA: number, b: Uint8Array, startB: number): number {
  for (let i = 0; i < idBytes; i++) {
    const difference = a[startA + i]! - b[startB + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function digest(type: ObjectType, content: Uint8Array, encoding: 'hex' | 'binary'): string {
  const header = objectHeader(type, content.length);
  if (content.length > copiedBytesMax) {
    return createHash('sha1').update(header, 'latin1').update(content).digest(encoding);
  }
  const headerBytes = scratch.write(header, 0, 'latin1');
  scratch.set(content, headerBytes);
  return hash('sha1', scratch.subarray(0, headerBytes + content.length), encoding);
}
