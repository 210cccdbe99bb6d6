import { idBytes } from './object-id.ts';

/**
 * What is known of the entries of a pack while its index is built, in columns, in the order of the pack. 45 bytes an
 * entry.
 */
export class PackEntries {
  readonly count: number;
  /** Where each entry begins. */
  readonly offsets: Float64Array;
  readonly crcs: Uint32Array;
  /** Names, 20 bytes each; of a delta only once it is resolved. */
  readonly ids: Uint8Array;
  /** Of an offset delta, the offset of its base; `notDelta` and `refDelta` otherwise. */
  readonly baseOffsets: Float64Array;
  /** Of a ref delta, the name of its base. Made when the first one comes: few packs have any. */
  baseIds: Uint8Array | null = null;
  readonly #entriesEnd: number;

  constructor(count: number, entriesEnd: number) {
    this.count = count;
    this.#entriesEnd = entriesEnd;
    this.offsets = new Float64Array(count);
    this.crcs = new Uint32Array(count);
    this.ids = new Uint8Array(count * idBytes);
    this.baseOffsets = new Float64Array(count).fill(notDelta);
  }

  endAt(entry: number): number {
    return entry + 1 < this.count ? this.offsets[entry + 1]! : this.#entriesEnd;
  }

  setBaseId(entry: number, bytes: Uint8Array, start: number): void {
    this.baseOffsets[entry] = refDelta;
    this.baseIds ??= new Uint8Array(this.count * idBytes);
    this.baseIds.set(bytes.subarray(start, start + idBytes), entry * idBytes);
  }

  /** The entry that begins at exactly this offset, or -1. */
  findOffset(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.offsets[low] === offset ? low : -1;
  }
}

export const notDelta = -1;
export const refDelta = -2;
