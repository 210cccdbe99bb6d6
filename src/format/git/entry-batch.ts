import { crc32 } from 'node:zlib';
import type { EncodedObjects, ObjectType } from '../../ports/object-writer.ts';
import { idBytes } from './object-id.ts';
import { deflateContent, entryHeaderBytesMax, looksIncompressible, writeEntryHeader } from './pack-entry.ts';
import { storedSizeBytes, writeStored } from './stored-data.ts';

const smallestObjects = 64;

/**
 * Encodes objects as pack entries, back to back in one growing buffer, so that a batch of thousands is a handful of
 * allocations (what zlib returns would pin 16 KiB an object).
 */
export class EntryBatch {
  readonly #capacityBytes: number;
  readonly #isShared: boolean;
  #bytes: Uint8Array;
  #sizeBytes = 0;
  #objectCount = 0;
  #ids = new Uint8Array(smallestObjects * idBytes);
  #crcs = new Uint32Array(smallestObjects);
  #offsets = new Uint32Array(smallestObjects + 1);

  /**
   * `capacityBytes` is how large a batch usually gets; it may grow beyond. With `isShared` the entries are in memory that
   * another thread can read without a copy, until `clear`.
   */
  constructor(capacityBytes = 1024 * 1024, options: { readonly isShared?: boolean } = {}) {
    this.#capacityBytes = capacityBytes;
    this.#isShared = options.isShared ?? false;
    this.#bytes = this.#allocate(capacityBytes);
  }

  get objectCount(): number {
    return this.#objectCount;
  }

  /** Bytes of the entries so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Compresses and appends one object whose name is `name.ids[name.start .. name.start+20)`. */
  add(type: ObjectType, content: Uint8Array, name: { readonly ids: Uint8Array; readonly start: number }): void {
    const compressed = looksIncompressible(content) ? null : deflateContent(content);
    this.#makeRoom(entryHeaderBytesMax + (compressed?.length ?? storedSizeBytes(content.length)));
    const start = this.#sizeBytes;
    const dataStart = writeEntryHeader(this.#bytes, start, { type, sizeBytes: content.length });
    if (compressed === null) {
      this.#sizeBytes = writeStored(this.#bytes, dataStart, content);
    } else {
      this.#bytes.set(compressed, dataStart);
      this.#sizeBytes = dataStart + compressed.length;
    }
    const number = this.#objectCount++;
    for (let i = 0; i < idBytes; i++) this.#ids[number * idBytes + i] = name.ids[name.start + i]!;
    this.#crcs[number] = crc32(this.#bytes.subarray(start, this.#sizeBytes));
    this.#offsets[number + 1] = this.#sizeBytes;
  }

  /** Returns what was added, in this batch's own buffers: good until the next `add`. */
  view(): EncodedObjects {
    const count = this.#objectCount;
    return {
      bytes: this.#bytes.subarray(0, this.#sizeBytes),
      offsets: this.#offsets.subarray(0, count + 1),
      ids: this.#ids.subarray(0, count * idBytes),
      crcs: this.#crcs.subarray(0, count),
    };
  }

  /** Starts over empty, keeping the buffers. */
  clear(): void {
    this.#sizeBytes = 0;
    this.#objectCount = 0;
  }

  /** Returns what was added, in buffers that are the caller's to keep or transfer, and starts over empty. */
  take(): EncodedObjects {
    const count = this.#objectCount;
    const taken: EncodedObjects = {
      bytes: this.#bytes.subarray(0, this.#sizeBytes),
      offsets: this.#offsets.slice(0, count + 1),
      ids: this.#ids.slice(0, count * idBytes),
      crcs: this.#crcs.slice(0, count),
    };
    this.#bytes = this.#allocate(this.#capacityBytes);
    this.clear();
    return taken;
  }

  #allocate(sizeBytes: number): Uint8Array {
    return new Uint8Array(this.#isShared ? new SharedArrayBuffer(sizeBytes) : new ArrayBuffer(sizeBytes));
  }

  #makeRoom(neededBytes: number): void {
    if (this.#sizeBytes + neededBytes > this.#bytes.length) {
      const bytes = this.#allocate(Math.max(this.#bytes.length * 2, this.#sizeBytes + neededBytes));
      bytes.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = bytes;
    }
    if (this.#objectCount === this.#crcs.length) {
      const count = this.#objectCount * 2;
      const ids = new Uint8Array(count * idBytes);
      ids.set(this.#ids);
      const crcs = new Uint32Array(count);
      crcs.set(this.#crcs);
      const offsets = new Uint32Array(count + 1);
      offsets.set(this.#offsets);
      this.#ids = ids;
      this.#crcs = crcs;
      this.#offsets = offsets;
    }
  }
}
