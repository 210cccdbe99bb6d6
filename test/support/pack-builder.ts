import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { encodePackIndex } from '../../src/format/git/encode-pack-index.ts';
import { encodePackHeader } from '../../src/format/git/pack-entry.ts';

/** One entry of a pack that may be anything but right. */
export interface RawEntry {
  /** 1 commit, 2 tree, 3 blob, 4 tag, 6 offset delta, 7 ref delta; others are for hostile packs. */
  readonly type: number;
  /** Inflated content (of a delta: its instructions). */
  readonly content: Uint8Array;
  /** What the header states instead of the content's length. */
  readonly statedSize?: number;
  /** Number of an earlier entry, for an offset delta. */
  readonly baseEntry?: number;
  /** Distance to state instead. */
  readonly baseDistance?: number;
  /** Name of the base in hex, for a ref delta. */
  readonly baseId?: string;
  /** Bytes to use instead of the deflated content. */
  readonly compressed?: Uint8Array;
}

export interface BuiltPack {
  readonly bytes: Buffer;
  readonly offsets: readonly number[];
  readonly crcs: readonly number[];
}

/** Builds a pack entry by entry, with a right trailer; every lie asked for is told. */
export function buildPack(entries: readonly RawEntry[], statedCount = entries.length): BuiltPack {
  const pieces: Buffer[] = [encodePackHeader(statedCount)];
  const offsets: number[] = [];
  const crcs: number[] = [];
  let at = 12;
  for (const entry of entries) {
    const bytes = encodeEntry(entry, at, offsets);
    offsets.push(at);
    crcs.push(crc32(bytes));
    pieces.push(bytes);
    at += bytes.length;
  }
  const body = Buffer.concat(pieces);
  return { bytes: Buffer.concat([body, createHash('sha1').update(body).digest()]), offsets, crcs };
}

/** Builds the index that claims these names for the entries of a pack. */
export function buildIndex(pack: BuiltPack, ids: readonly string[]): Buffer {
  return encodePackIndex({
    ids: Buffer.from(ids.join(''), 'hex'),
    crcs: Uint32Array.from(pack.crcs),
    offsets: Float64Array.from(pack.offsets),
    packTrailer: pack.bytes.subarray(-20),
  });
}

/** Encodes a size as deltas state it. */
export function deltaSize(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

/** Encodes an instruction that copies from the base. */
export function deltaCopy(offset: number, size: number): Buffer {
  const bytes = [0x80];
  for (let i = 0; i < 4; i++) {
    const byte = Math.floor(offset / 256 ** i) % 256;
    if (byte === 0) continue;
    bytes[0]! |= 1 << i;
    bytes.push(byte);
  }
  for (let i = 0; i < 3; i++) {
    const byte = Math.floor(size / 256 ** i) % 256;
    if (byte === 0) continue;
    bytes[0]! |= 0x10 << i;
    bytes.push(byte);
  }
  return Buffer.from(bytes);
}

function encodeEntry(entry: RawEntry, at: number, offsets: readonly number[]): Buffer {
  const size = entry.statedSize ?? entry.content.length;
  const header: number[] = [];
  let rest = Math.floor(size / 16);
  let byte = (entry.type << 4) | (size % 16);
  while (rest > 0) {
    header.push(byte | 0x80);
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  header.push(byte);
  if (entry.type === 6) header.push(...encodeDistance(entry.baseDistance ?? at - offsets[entry.baseEntry ?? 0]!));
  if (entry.type === 7) header.push(...Buffer.from(entry.baseId ?? '0'.repeat(40), 'hex'));
  return Buffer.concat([Buffer.from(header), entry.compressed ?? deflateSync(entry.content)]);
}

function encodeDistance(distance: number): number[] {
  const bytes = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest % 128) | 0x80);
  }
  return bytes;
}
