import { hash } from 'node:crypto';
import type { ObjectId } from '../../model/ids.ts';
import { packCorrupt } from './corrupt.ts';
import { compareIds, idBytes, objectIdAt, rawObjectId } from './object-id.ts';
import { packHeaderBytes, packTrailerBytes } from './pack-entry.ts';
import { sortPositions } from './sort-positions.ts';

/** Magic and version 2. */
export const packIndexHeader: Uint8Array = Uint8Array.of(0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2);
export const fanoutBytes = 256 * 4;
/** Offsets from here on go to the table of 64-bit offsets. */
export const largeOffsetFrom = 0x80000000;

const namesStart = packIndexHeader.length + fanoutBytes;
const bytesPerObject = idBytes + 4 + 4;

/**
 * Checks every byte of a pack index and returns it ready for look-ups. `bytes` stays in use.
 * @throws {HoldfastError} `pack_corrupt` when anything in it breaks the format or points outside the pack
 */
export function parsePackIndex(bytes: Uint8Array, options: { packSizeBytes: number }): PackIndex {
  if (bytes.length < namesStart + 2 * idBytes) throw indexBroken('it is too short');
  if (compareBytes(bytes, packIndexHeader) !== 0) throw indexBroken('it is not a version 2 pack index');
  const trailer = hash('sha1', bytes.subarray(0, bytes.length - idBytes), 'hex');
  if (trailer !== objectIdAt(bytes, bytes.length - idBytes)) throw indexBroken('its checksum does not match');
  return new PackIndex(bytes, options.packSizeBytes);
}

/**
 * A pack index in memory: answers by binary search over its own bytes. A *position* is an object's place in the order of
 * names, from 0.
 */
export class PackIndex {
  readonly bytes: Uint8Array;
  readonly objectCount: number;
  readonly packSizeBytes: number;
  /** The checksum that ends the pack and names its file, 40 hex digits. */
  readonly packHash: string;
  readonly #view: DataView;
  readonly #offsetsStart: number;
  readonly #largeStart: number;
  #byOffset: Uint32Array | null = null;

  /** Use `parsePackIndex`. */
  constructor(bytes: Uint8Array, packSizeBytes: number) {
    this.bytes = bytes;
    this.packSizeBytes = packSizeBytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.objectCount = this.#view.getUint32(namesStart - 4);
    this.#offsetsStart = namesStart + this.objectCount * (idBytes + 4);
    this.#largeStart = this.#offsetsStart + this.objectCount * 4;
    this.packHash = objectIdAt(bytes, bytes.length - 2 * idBytes);
    const tablesBytes = bytes.length - namesStart - 2 * idBytes - this.objectCount * bytesPerObject;
    if (tablesBytes < 0 || tablesBytes % 8 !== 0) throw indexBroken('its size does not fit its object count');
    this.#checkNames();
    this.#checkOffsets(tablesBytes / 8);
  }

  /** Returns the position of a raw id, or -1. */
  find(ids: Uint8Array, start: number): number {
    const first = ids[start]!;
    let low = first === 0 ? 0 : this.#fanout(first - 1);
    let high = this.#fanout(first);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareIds(ids, start, this.bytes, namesStart + middle * idBytes);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return -1;
  }

  /** Returns the position of an object, or -1. */
  findId(id: ObjectId): number {
    return this.find(rawObjectId(id), 0);
  }

  idAt(position: number): ObjectId {
    return objectIdAt(this.bytes, this.idStart(position));
  }

  /** Where the 20 raw bytes of a name begin in `bytes`. */
  idStart(position: number): number {
    return namesStart + position * idBytes;
  }

  /** All names, sorted, 20 bytes each. */
  names(): Uint8Array {
    return this.bytes.subarray(namesStart, namesStart + this.objectCount * idBytes);
  }

  crcAt(position: number): number {
    return this.#view.getUint32(namesStart + this.objectCount * idBytes + position * 4);
  }

  /** Where the object's entry begins in the pack. */
  offsetAt(position: number): number {
    const short = this.#view.getUint32(this.#offsetsStart + position * 4);
    if (short < largeOffsetFrom) return short;
    return Number(this.#view.getBigUint64(this.#largeStart + (short - largeOffsetFrom) * 8));
  }

  /** Where the object's entry ends: the next entry, or the pack's trailer. */
  endAt(position: number): number {
    return this.#boundAfter(this.offsetAt(position));
  }

  /** Returns the position of the object whose entry begins at exactly this offset, or -1. */
  findOffset(offset: number): number {
    const order = this.byOffset();
    const rank = this.#rankAfter(offset) - 1;
    return rank >= 0 && this.offsetAt(order[rank]!) === offset ? order[rank]! : -1;
  }

  /** Positions in the order of their entries in the pack. */
  byOffset(): Uint32Array {
    if (this.#byOffset !== null) return this.#byOffset;
    const offsets = new Float64Array(this.objectCount);
    for (let i = 0; i < offsets.length; i++) offsets[i] = this.offsetAt(i);
    const order = sortPositions(offsets);
    for (let i = 1; i < order.length; i++) {
      if (offsets[order[i]!] === offsets[order[i - 1]!]) throw indexBroken('two objects lie at one offset');
    }
    this.#byOffset = order;
    return order;
  }

  #boundAfter(offset: number): number {
    const order = this.byOffset();
    const rank = this.#rankAfter(offset);
    return rank < order.length ? this.offsetAt(order[rank]!) : this.packSizeBytes - packTrailerBytes;
  }

  /** How many entries begin at or before this offset. */
  #rankAfter(offset: number): number {
    const order = this.byOffset();
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsetAt(order[middle]!) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #fanout(byte: number): number {
    return this.#view.getUint32(packIndexHeader.length + byte * 4);
  }

  #checkNames(): void {
    let position = 0;
    for (let byte = 0; byte < 256; byte++) {
      const end = this.#fanout(byte);
      if (end < position || end > this.objectCount) throw indexBroken('its fan-out table is not in order');
      for (; position < end; position++) {
        const at = this.idStart(position);
        if (this.bytes[at] !== byte) throw indexBroken('its fan-out table does not fit its names');
        if (position > 0 && compareIds(this.bytes, at - idBytes, this.bytes, at) >= 0) {
          throw indexBroken('its names are out of order or occur twice');
        }
      }
    }
  }

  #checkOffsets(largeCount: number): void {
    const last = this.packSizeBytes - packTrailerBytes;
    let largeUsed = 0;
    for (let position = 0; position < this.objectCount; position++) {
      const short = this.#view.getUint32(this.#offsetsStart + position * 4);
      if (short >= largeOffsetFrom) {
        if (short - largeOffsetFrom >= largeCount) throw indexBroken('it points outside its offset table');
        largeUsed++;
      }
      const offset = this.offsetAt(position);
      if (offset < packHeaderBytes || offset >= last) throw indexBroken('it points outside its pack');
    }
    if (largeUsed !== largeCount) throw indexBroken('its size does not fit its object count');
  }
}

function compareBytes(bytes: Uint8Array, prefix: Uint8Array): number {
  return Buffer.compare(bytes.subarray(0, prefix.length), prefix);
}

function indexBroken(reason: string): Error {
  return packCorrupt(`A pack index cannot be used: ${reason}.`);
}
