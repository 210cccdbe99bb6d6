/*
 * STREAM over AES-256-GCM (Hoang, Reyhanitabar, Rogaway, Vizár 2015; as in age), with a key of its own for each object.
 */
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../model/errors.ts';
import type { Sha256 } from '../model/ids.ts';
import type { Keyring } from '../model/store-keys.ts';
import { deriveKey, keyBytes, masterIdBytes, objectSalt } from './keyring.ts';

/** Plain bytes of every chunk but the last. */
export const chunkBytes = 65_536;
/** What a chunk takes more than its plain bytes: the authentication tag. */
export const tagBytes = 16;
/** Magic, version, suite, plain size, master id, salt, commitment. */
export const sealedHeaderBytes = 92;

const magic = Buffer.from('hfsealed', 'latin1');
const version = 1;
const suite = 1;
const at = { version: 8, suite: 9, reserved: 10, size: 12, master: 20, salt: 28, commitment: 60 } as const;
const cipherName = 'aes-256-gcm';
// Sealed, it must still be a size that is exact in a double.
const sizeMax = 2n ** 52n;
const sealedChunkBytes = chunkBytes + tagBytes;

/** What it takes to seal or open the chunks of one object. */
export interface SealedObject {
  readonly header: Uint8Array;
  readonly sizeBytes: number;
  readonly key: Uint8Array;
  /** What every tag covers besides its chunk: the header and the object's name. */
  readonly context: Uint8Array;
  /** For messages. */
  readonly name: string;
}

/** Bytes a plain object of this size takes when sealed. */
export function sealedSizeOf(sizeBytes: number): number {
  return sealedHeaderBytes + sizeBytes + chunkCountOf(sizeBytes) * tagBytes;
}

/** Plain size of a sealed object, from its size alone; null for a size that no sealed object has. */
export function plainSizeOf(sealedBytes: number): number | null {
  const body = sealedBytes - sealedHeaderBytes;
  if (body < tagBytes) return null;
  const sizeBytes = body - Math.ceil(body / sealedChunkBytes) * tagBytes;
  return sizeBytes >= 0 && sealedSizeOf(sizeBytes) === sealedBytes ? sizeBytes : null;
}

/** An empty object has one chunk, too: its end must be proved like any other. */
export function chunkCountOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / chunkBytes));
}

/** Where chunk number `chunk` begins in a sealed object. */
export function chunkStart(chunk: number): number {
  return sealedHeaderBytes + chunk * sealedChunkBytes;
}

/** True for bytes that begin like a sealed object, whole or not. */
export function looksSealed(bytes: Uint8Array): boolean {
  return magic.equals(bytes.subarray(0, magic.length));
}

/**
 * Begins to seal an object under the newest master key. `sha256` must be that of the very bytes sealed afterwards: it
 * decides the key, and two contents must never share one.
 */
export function beginSealing(
  keyring: Keyring,
  object: { name: string; sizeBytes: number; sha256: Sha256 },
): SealedObject {
  const header = Buffer.alloc(sealedHeaderBytes);
  magic.copy(header);
  header[at.version] = version;
  header[at.suite] = suite;
  header.writeBigUInt64BE(BigInt(object.sizeBytes), at.size);
  header.write(keyring.newest.id, at.master, 'hex');
  objectSalt(keyring, object).copy(header, at.salt);
  const { key, commitment } = deriveObjectKey(keyring, { header, name: object.name, master: keyring.newest.bytes });
  commitment.copy(header, at.commitment);
  return sealedObject(header, { key, name: object.name });
}

/**
 * Reads the header of a sealed object that lies under `name`.
 * @throws {HoldfastError} `object_corrupt` when it is none, was changed, or belongs to another object; its data has
 *   `unknownKey` when the master key is not on the ring
 */
export function openHeader(keyring: Keyring, bytes: Uint8Array, name: string): SealedObject {
  if (!looksSealed(bytes)) throw damaged(name, 'it is not encrypted, and everything in this store is');
  if (bytes.length < sealedHeaderBytes) throw damaged(name, 'it ends within its header');
  const header = Buffer.from(bytes.subarray(0, sealedHeaderBytes));
  if (header[at.version] !== version || header[at.suite] !== suite || header.readUInt16BE(at.reserved) !== 0) {
    throw damaged(name, 'it is encrypted in a way this holdfast does not know');
  }
  const sizeBytes = header.readBigUInt64BE(at.size);
  if (sizeBytes > sizeMax) throw damaged(name, 'its size cannot be right');
  const masterId = header.toString('hex', at.master, at.master + masterIdBytes);
  const master = keyring.masters.get(masterId);
  if (master === undefined) throw damaged(name, 'no key of this store encrypted it', { unknownKey: masterId });
  const { key, commitment } = deriveObjectKey(keyring, { header, name, master: master.bytes });
  if (!timingSafeEqual(commitment, header.subarray(at.commitment))) {
    throw damaged(name, 'its header was changed, or it belongs to another object');
  }
  return sealedObject(header, { key, name });
}

/** Seals one chunk: its ciphertext and tag, as two buffers. */
export function sealChunk(object: SealedObject, chunk: number, plain: Uint8Array): [Buffer, Buffer] {
  const cipher = createCipheriv(cipherName, object.key, nonceOf(object, chunk));
  cipher.setAAD(object.context);
  const sealed = cipher.update(plain);
  cipher.final();
  return [sealed, cipher.getAuthTag()];
}

/**
 * Opens chunks that lie one after another in `sealed`, from chunk number `first` on. Nothing is returned unless every one of
 * them is proved.
 * @throws {HoldfastError} `object_corrupt` naming the first chunk that is not what was sealed
 */
export function openChunks(object: SealedObject, first: number, sealed: Uint8Array): Buffer {
  const count = Math.ceil(sealed.length / sealedChunkBytes);
  if (count === 0) throw damagedChunk(object, first);
  const plain = Buffer.allocUnsafeSlow(Math.max(0, sealed.length - count * tagBytes));
  for (let i = 0; i < count; i++) {
    const chunk = sealed.subarray(i * sealedChunkBytes, (i + 1) * sealedChunkBytes);
    openChunk(object, first + i, chunk).copy(plain, i * chunkBytes);
  }
  return plain;
}

function openChunk(object: SealedObject, chunk: number, sealed: Uint8Array): Buffer {
  const size = sealed.length - tagBytes;
  if (size !== sizeOfChunk(object.sizeBytes, chunk)) throw damagedChunk(object, chunk);
  const decipher = createDecipheriv(cipherName, object.key, nonceOf(object, chunk), { authTagLength: tagBytes });
  decipher.setAAD(object.context);
  decipher.setAuthTag(sealed.subarray(size));
  const plain = decipher.update(sealed.subarray(0, size));
  try {
    decipher.final();
  } catch {
    throw damagedChunk(object, chunk);
  }
  return plain;
}

function sizeOfChunk(sizeBytes: number, chunk: number): number {
  return Math.min(chunkBytes, sizeBytes - chunk * chunkBytes);
}

/** The number of the chunk, and whether it is the last: an object cut at a chunk's end does not pass for whole. */
function nonceOf({ sizeBytes }: SealedObject, chunk: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(chunk, 5, 6);
  nonce[11] = chunk === chunkCountOf(sizeBytes) - 1 ? 1 : 0;
  return nonce;
}

function deriveObjectKey(
  keyring: Keyring,
  object: { header: Buffer; name: string; master: Uint8Array },
): { key: Buffer; commitment: Buffer } {
  const { header, name, master } = object;
  const purpose = Buffer.concat([
    Buffer.from('holdfast 1 object\0', 'latin1'),
    header.subarray(0, at.salt),
    Buffer.from(`${keyring.vaultId}\0${name}`, 'latin1'),
  ]);
  const salt = header.subarray(at.salt, at.commitment);
  const both = deriveKey(master, { purpose, salt, sizeBytes: 2 * keyBytes });
  return { key: both.subarray(0, keyBytes), commitment: both.subarray(keyBytes) };
}

function sealedObject(header: Buffer, { key, name }: { key: Buffer; name: string }): SealedObject {
  const context = Buffer.concat([header, Buffer.from(name, 'latin1')]);
  return { header, sizeBytes: Number(header.readBigUInt64BE(at.size)), key, context, name };
}

function damagedChunk(object: SealedObject, chunk: number): HoldfastError {
  return damaged(object.name, `chunk ${chunk} was changed or damaged`, { chunk });
}

function damaged(name: string, reason: string, data: Readonly<Record<string, unknown>> = {}): HoldfastError {
  return new HoldfastError('object_corrupt', `${name} in the store cannot be decrypted: ${reason}.`, {
    hint: 'Your key is right; the object is not what was stored. See which snapshots it touches with: holdfast verify',
    data: { key: name, ...data },
  });
}
