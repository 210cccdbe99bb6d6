import { constants, deflateSync, inflateSync } from 'node:zlib';
import type { GitObject } from '../../ports/object-reader.ts';
import type { ObjectType } from '../../ports/object-writer.ts';
import { objectCorrupt } from './corrupt.ts';
import { idBytes } from './object-id.ts';

/** Bytes of "PACK", version and object count in front of the first entry. */
export const packHeaderBytes = 12;
/** Bytes of the SHA-1 that ends a pack. */
export const packTrailerBytes = 20;
/** More than any entry header with its base takes: 9 of size and 20 of id, or 10 of distance. */
export const entryHeaderBytesMax = 32;

/**
 * The largest object that is read into memory whole. holdfast splits files above 8 MiB, so only objects of the user's
 * own history can come near.
 */
export const objectBytesMax = 512 * 1024 * 1024;

export type EntryHeader =
  | { readonly kind: 'object'; readonly type: ObjectType; readonly sizeBytes: number; readonly dataStart: number }
  | {
      readonly kind: 'offset_delta';
      /** Size of the inflated delta, not of the object. */
      readonly sizeBytes: number;
      readonly dataStart: number;
      /** How far in front of this entry its base begins. */
      readonly baseDistance: number;
    }
  | {
      readonly kind: 'ref_delta';
      readonly sizeBytes: number;
      readonly dataStart: number;
      /** Where the 20 raw bytes of the base's name begin in the bytes given. */
      readonly baseIdStart: number;
    };

/** Encodes the 12 bytes every pack begins with. */
export function encodePackHeader(objectCount: number): Buffer {
  const header = Buffer.allocUnsafe(packHeaderBytes);
  header.write('PACK', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objectCount, 8);
  return header;
}

/** Returns the object count a pack's header states, or null when it is not the header of a version 2 pack. */
export function decodePackHeader(bytes: Uint8Array): number | null {
  if (bytes.length < packHeaderBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, packHeaderBytes);
  return view.getUint32(0) === 0x5041434b && view.getUint32(4) === 2 ? view.getUint32(8) : null;
}

/** Writes the header of an undeltified entry at `at`; returns where the compressed data goes. */
export function writeEntryHeader(out: Uint8Array, at: number, object: { type: ObjectType; sizeBytes: number }): number {
  return writeTypeAndSize(out, at, { code: typeCodes[object.type], sizeBytes: object.sizeBytes });
}

/**
 * Writes the header of a delta whose base begins `baseDistance` in front of it; `sizeBytes` is that of the delta. Returns where
 * the compressed data goes.
 */
export function writeDeltaHeader(
  out: Uint8Array,
  at: number,
  delta: { sizeBytes: number; baseDistance: number },
): number {
  let next = writeTypeAndSize(out, at, { code: offsetDeltaCode, sizeBytes: delta.sizeBytes });
  const groups = [delta.baseDistance % 128];
  for (let rest = Math.floor(delta.baseDistance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    groups.push((rest % 128) | 0x80);
  }
  for (const group of groups.toReversed()) out[next++] = group;
  return next;
}

function writeTypeAndSize(out: Uint8Array, at: number, entry: { code: number; sizeBytes: number }): number {
  let rest = Math.floor(entry.sizeBytes / 16);
  let byte = (entry.code << 4) | (entry.sizeBytes % 16);
  let next = at;
  while (rest > 0) {
    out[next++] = byte | 0x80;
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  out[next++] = byte;
  return next;
}

/**
 * Decodes the header of the entry at `start`. `bytes` need not reach further than `entryHeaderBytesMax` from there.
 * @throws {HoldfastError} `object_corrupt` when cut short, of an unknown type, or with a number beyond 2^53
 */
export function decodeEntryHeader(bytes: Uint8Array, start: number): EntryHeader {
  let at = start;
  let byte = byteAt(bytes, at++);
  const code = (byte >> 4) & 7;
  let sizeBytes = byte & 15;
  for (let scale = 16; byte & 0x80; scale *= 128) {
    byte = byteAt(bytes, at++);
    sizeBytes += (byte & 0x7f) * scale;
    if (sizeBytes > sizeMax || scale > sizeMax) throw objectCorrupt('A pack entry states an impossible size.');
  }
  const type = codeTypes[code];
  if (type !== undefined) return { kind: 'object', type, sizeBytes, dataStart: at };
  if (code === refDeltaCode) {
    if (at + idBytes > bytes.length) throw cutShort();
    return { kind: 'ref_delta', sizeBytes, dataStart: at + idBytes, baseIdStart: at };
  }
  if (code !== offsetDeltaCode) throw objectCorrupt(`A pack entry has the unknown type ${code}.`);
  byte = byteAt(bytes, at++);
  let baseDistance = byte & 0x7f;
  while (byte & 0x80) {
    byte = byteAt(bytes, at++);
    baseDistance = (baseDistance + 1) * 128 + (byte & 0x7f);
    if (baseDistance > sizeMax) throw objectCorrupt('A pack entry states an impossible base.');
  }
  if (baseDistance === 0) throw objectCorrupt('A delta in a pack names itself as its base.');
  return { kind: 'offset_delta', sizeBytes, dataStart: at, baseDistance };
}

/**
 * Compresses an object's content for a pack: fast deflate, or stored where samples show that it would not shrink.
 * The result may share memory with a larger buffer; copy it before keeping it.
 */
export function compressContent(content: Uint8Array): Buffer {
  return deflateAt(content, looksIncompressible(content) ? constants.Z_NO_COMPRESSION : fastLevel);
}

/** Compresses content fast, whatever it is like. The result may share memory with a larger buffer. */
export function deflateContent(content: Uint8Array): Buffer {
  return deflateAt(content, fastLevel);
}

/** Compresses what will be kept for years: well, or not at all where samples show that it would not shrink. */
export function compressForKeeps(content: Uint8Array): Buffer {
  return deflateAt(content, looksIncompressible(content) ? constants.Z_NO_COMPRESSION : keepsLevel);
}

const keepsLevel = 9;
/** One above zlib's fastest: measured on notes it takes the same time and two in a hundred bytes less. */
const fastLevel = 2;
const smallWindowBits = 13;
const usualWindowBits = 15;

function deflateAt(content: Uint8Array, level: number): Buffer {
  // A window larger than the content finds nothing more, and clearing zlib's tables costs a tenth of a small file's time.
  const isSmall = content.length <= 1 << smallWindowBits;
  return deflateSync(content, {
    level,
    windowBits: isSmall ? smallWindowBits : usualWindowBits,
    memLevel: isSmall ? 7 : 8,
    // One output chunk that fits saves zlib's default of 16 KiB a call and the joining of many.
    chunkSize: Math.max(64, content.length + (content.length >>> 8) + 64),
  });
}

/**
 * Decodes the undeltified entry that fills `bytes[start .. end)`. The caller compares the object's name.
 * @throws {HoldfastError} `object_corrupt` when it is malformed, a delta, or followed by bytes that are not its own
 */
export function decodeWholeEntry(bytes: Uint8Array, start: number, end: number): GitObject {
  const entry = bytes.subarray(start, end);
  const header = decodeEntryHeader(entry, 0);
  if (header.kind !== 'object') throw objectCorrupt('A pack entry is a delta where a whole object was expected.');
  const data = entry.subarray(header.dataStart);
  const { content, consumedBytes } = inflateContent(data, header.sizeBytes);
  if (consumedBytes !== data.length) throw objectCorrupt('A pack entry is followed by bytes that belong to nothing.');
  return { type: header.type, content };
}

/**
 * Inflates the data of one entry that must yield exactly `sizeBytes`. `data` may be longer than the compressed stream;
 * `consumedBytes` says how much of it the stream took. Never makes more than `sizeBytes` of output.
 * @throws {HoldfastError} `object_corrupt` when malformed, cut short, of another size, or above `objectBytesMax`
 */
export function inflateContent(data: Uint8Array, sizeBytes: number): { content: Buffer; consumedBytes: number } {
  if (sizeBytes > objectBytesMax) throw tooLarge(sizeBytes, objectBytesMax);
  // Deflate cannot shrink better than this, so a larger claim is a lie: refuse it before making room for it.
  if (sizeBytes > data.length * deflateRatioMax) throw sizeMismatch(sizeBytes);
  const options = {
    maxOutputLength: Math.max(1, sizeBytes),
    chunkSize: Math.min(sizeBytes + 64, inflateChunkBytesMax),
    info: true,
  };
  let content: Buffer;
  let consumedBytes: number;
  try {
    // The types do not know that `info` changes the answer.
    const result = inflateSync(data, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    content = result.buffer;
    consumedBytes = result.engine.bytesWritten;
  } catch (error) {
    throw objectCorrupt('A pack entry does not inflate.', error);
  }
  if (content.length !== sizeBytes) throw sizeMismatch(sizeBytes);
  return { content, consumedBytes };
}

/** Deflate's best possible ratio, with room for its few bytes of framing. */
export const deflateRatioMax = 1040;
const inflateChunkBytesMax = 1024 * 1024;

const sizeMax = Number.MAX_SAFE_INTEGER;
const typeCodes = { commit: 1, tree: 2, blob: 3, tag: 4 } as const satisfies Record<ObjectType, number>;
const codeTypes: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag'];
const offsetDeltaCode = 6;
const refDeltaCode = 7;

const sampleBytes = 4096;
const samplesFrom = 64 * 1024;

/** Tries three small pieces: media and archives do not shrink, and trying all of them costs more than storing them. */
export function looksIncompressible(content: Uint8Array): boolean {
  if (content.length < samplesFrom) return false;
  const starts = [0, (content.length - sampleBytes) >>> 1, content.length - sampleBytes];
  return starts.every((start) => {
    const sample = content.subarray(start, start + sampleBytes);
    return deflateSync(sample, { level: constants.Z_BEST_SPEED }).length > sampleBytes * 0.97;
  });
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw cutShort();
  return byte;
}

function cutShort(): Error {
  return objectCorrupt('A pack ends in the middle of an entry.');
}

/** An object larger than the reader takes. */
export function tooLarge(sizeBytes: number, sizeBytesMax: number): Error {
  return objectCorrupt(`An object is ${sizeBytes} bytes long; at most ${sizeBytesMax} are taken here.`);
}

function sizeMismatch(sizeBytes: number): Error {
  return objectCorrupt(`A pack entry does not inflate to the ${sizeBytes} bytes it states.`);
}
