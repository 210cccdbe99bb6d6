import { closeSync } from 'node:fs';
import { idBytes } from '../../format/git/object-id.ts';
import { packHeaderBytes } from '../../format/git/pack-entry.ts';
import type { EncodedObjects } from '../../ports/object-writer.ts';
import { writeFully } from '../fs/durable-write.ts';
import type { FinishJob } from './pack-job.ts';
import { createTemporaryFile, removeQuietly } from './temporary-file.ts';

const firstBufferBytes = 64 * 1024;
const writeBufferBytes = 1024 * 1024;
const firstObjects = 256;

/**
 * A pack being filled: in memory while small, then through one write buffer into a temporary file. An object costs 28
 * bytes of memory besides.
 */
export class GrowingPack {
  readonly #directory: string;
  readonly #memoryBytesMax: number;
  #buffer = new Uint8Array(firstBufferBytes);
  /** Bytes of `#buffer` in use. */
  #filled = packHeaderBytes;
  #file: { readonly path: string; readonly fd: number } | null = null;
  #sizeBytes = packHeaderBytes;
  #objectCount = 0;
  #ids = new Uint8Array(firstObjects * idBytes);
  #crcs = new Uint32Array(firstObjects);
  #offsets = new Uint32Array(firstObjects);

  constructor(directory: string, options: { readonly memoryBytesMax: number }) {
    this.#directory = directory;
    this.#memoryBytesMax = options.memoryBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get objectCount(): number {
    return this.#objectCount;
  }

  /** Appends entries `from` to `to` (exclusive) of a batch: one copy of their bytes. */
  append(batch: EncodedObjects, from: number, to: number): void {
    const start = batch.offsets[from]!;
    const shift = this.#sizeBytes - start;
    this.#makeRoomForObjects(to - from);
    for (let i = from, at = this.#objectCount; i < to; i++, at++) {
      this.#crcs[at] = batch.crcs[i]!;
      this.#offsets[at] = batch.offsets[i]! + shift;
    }
    this.#ids.set(batch.ids.subarray(from * idBytes, to * idBytes), this.#objectCount * idBytes);
    this.#objectCount += to - from;
    const bytes = batch.bytes.subarray(start, batch.offsets[to]);
    this.#write(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Gives everything away, to be finished elsewhere. The pack must not be used afterwards. */
  detach(): FinishJob {
    const count = this.#objectCount;
    return {
      kind: 'finish',
      directory: this.#directory,
      body: this.#detachBody(),
      ids: this.#ids.slice(0, count * idBytes),
      crcs: this.#crcs.slice(0, count),
      offsets: this.#offsets.slice(0, count),
    };
  }

  /** Closes and removes the temporary file, if there is one. */
  discard(): void {
    if (this.#file === null) return;
    closeSync(this.#file.fd);
    removeQuietly(this.#file.path);
    this.#file = null;
  }

  #detachBody(): FinishJob['body'] {
    if (this.#file === null) return { kind: 'memory', bytes: this.#buffer.subarray(0, this.#filled) };
    const { path, fd } = this.#file;
    this.#flush();
    this.#file = null;
    closeSync(fd);
    return { kind: 'file', path, sizeBytes: this.#sizeBytes };
  }

  #write(bytes: Uint8Array): void {
    if (this.#file === null && this.#filled + bytes.length > this.#memoryBytesMax) this.#spill();
    if (this.#file === null) this.#makeRoomInMemory(bytes.length);
    else if (this.#filled + bytes.length > this.#buffer.length) this.#flush();
    if (bytes.length > this.#buffer.length) {
      writeFully(this.#file!.fd, bytes);
    } else {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
  }

  #spill(): void {
    this.#file = createTemporaryFile(this.#directory);
    this.#flush();
    this.#buffer = new Uint8Array(writeBufferBytes);
  }

  #flush(): void {
    writeFully(this.#file!.fd, this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #makeRoomInMemory(addedBytes: number): void {
    const needed = this.#filled + addedBytes;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  #makeRoomForObjects(addedCount: number): void {
    const needed = this.#objectCount + addedCount;
    if (needed <= this.#crcs.length) return;
    const capacity = Math.max(needed, this.#crcs.length * 2);
    const ids = new Uint8Array(capacity * idBytes);
    ids.set(this.#ids);
    const crcs = new Uint32Array(capacity);
    crcs.set(this.#crcs);
    const offsets = new Uint32Array(capacity);
    offsets.set(this.#offsets);
    this.#ids = ids;
    this.#crcs = crcs;
    this.#offsets = offsets;
  }
}
