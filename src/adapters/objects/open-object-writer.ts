import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EntryBatch } from '../../format/git/entry-batch.ts';
import { idBytes, objectIdAt, writeObjectId } from '../../format/git/object-id.ts';
import { parsePackIndex } from '../../format/git/pack-index.ts';
import { ObjectIdSet } from '../../lib/object-id-set.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { EncodedObjects, KnownObjects, ObjectType, ObjectWriter, SealedPack } from '../../ports/object-writer.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { finishPack } from './finish-pack.ts';
import { GrowingPack } from './growing-pack.ts';
import { createSealThread } from './seal-thread.ts';

export interface ObjectWriterOptions {
  /** A pack is closed when it reaches this size; below 2 GiB. */
  readonly packBytesMax?: number;
  /** A pack this small is kept in memory until it is closed. */
  readonly memoryBytesMax?: number;
}

/** Packs being finished while the next one grows; more would only pile up unsynced bytes. */
const finishingMax = 2;

/** Opens a writer of packs into `directory`, which exists and is ours. `seal` does not return packs made by `copyPack`. */
export function openObjectWriter(
  directory: string,
  known: KnownObjects,
  options: ObjectWriterOptions = {},
): ObjectWriter {
  return new PackingObjectWriter(directory, known, options);
}

class PackingObjectWriter implements ObjectWriter {
  readonly #directory: string;
  readonly #known: KnownObjects;
  readonly #packBytesMax: number;
  readonly #memoryBytesMax: number;
  readonly #added = new ObjectIdSet({ seed: randomInt(2 ** 32) });
  readonly #thread = createSealThread();
  readonly #finishing: Promise<SealedPack>[] = [];
  readonly #single = new EntryBatch(64 * 1024);
  readonly #id = Buffer.alloc(idBytes);
  #pack: GrowingPack | null = null;
  #objectCount = 0;
  #closedBytes = 0;
  #isSealed = false;

  constructor(directory: string, known: KnownObjects, options: ObjectWriterOptions) {
    this.#directory = directory;
    this.#known = known;
    this.#packBytesMax = options.packBytesMax ?? 128 * 1024 * 1024;
    this.#memoryBytesMax = options.memoryBytesMax ?? 8 * 1024 * 1024;
  }

  get objectCount(): number {
    return this.#objectCount;
  }

  get sizeBytes(): number {
    return this.#closedBytes + (this.#pack?.sizeBytes ?? 0);
  }

  has(ids: Uint8Array, start: number): boolean {
    return this.#added.has(ids, start) || this.#known.has(ids, start);
  }

  add(type: ObjectType, content: Uint8Array): ObjectId {
    writeObjectId(type, content, { out: this.#id, start: 0 });
    if (!this.#known.has(this.#id, 0) && this.#added.add(this.#id, 0)) {
      this.#single.add(type, content, { ids: this.#id, start: 0 });
      this.#append(this.#single.view(), 0, 1);
      this.#single.clear();
    }
    return objectIdAt(this.#id, 0);
  }

  async addEncoded(batch: EncodedObjects): Promise<void> {
    const count = batch.crcs.length;
    let runStart = 0;
    for (let i = 0; i < count; i++) {
      if (!this.#known.has(batch.ids, i * idBytes) && this.#added.add(batch.ids, i * idBytes)) continue;
      this.#append(batch, runStart, i);
      runStart = i + 1;
    }
    this.#append(batch, runStart, count);
    await this.#finishing.at(-1 - finishingMax);
  }

  async copyPack(
    source: { packPath: string; indexPath: string },
    options: { signal?: AbortSignal } = {},
  ): Promise<SealedPack> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const canceled = new Int32Array(new SharedArrayBuffer(4));
    const cancel = (): void => void Atomics.store(canceled, 0, 1);
    options.signal?.addEventListener('abort', cancel, { once: true });
    let pack: SealedPack;
    try {
      pack = await this.#thread.run({ kind: 'copy', directory: this.#directory, ...source, canceled });
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      options.signal?.throwIfAborted();
    }
    const packIndex = parsePackIndex(readFileSync(pack.indexPath), { packSizeBytes: pack.sizeBytes });
    const names = packIndex.names();
    for (let start = 0; start < names.length; start += idBytes) this.#added.add(names, start);
    this.#objectCount += pack.objectCount;
    this.#closedBytes += pack.sizeBytes;
    return pack;
  }

  async seal(options: { signal?: AbortSignal } = {}): Promise<readonly SealedPack[]> {
    this.#checkOpen();
    this.#isSealed = true;
    options.signal?.throwIfAborted();
    try {
      this.#closePack({ isLast: true });
      const packs = await Promise.all(this.#finishing);
      options.signal?.throwIfAborted();
      syncDirectory(this.#directory);
      return packs;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw mapFsError(error, 'write the packs of this snapshot');
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isSealed = true;
    this.#pack?.discard();
    this.#pack = null;
    await this.#thread.stop();
  }

  /** Appends a run of new entries, closing the pack wherever it has become large enough. */
  #append(batch: EncodedObjects, from: number, to: number): void {
    if (from === to) return;
    this.#checkOpen();
    try {
      let start = from;
      while (start < to) {
        const pack = (this.#pack ??= new GrowingPack(this.#directory, { memoryBytesMax: this.#memoryBytesMax }));
        const roomEnd = batch.offsets[start]! + this.#packBytesMax - pack.sizeBytes;
        let end = start + 1;
        while (end < to && batch.offsets[end]! < roomEnd) end++;
        pack.append(batch, start, end);
        this.#objectCount += end - start;
        if (pack.sizeBytes >= this.#packBytesMax) this.#closePack({ isLast: false });
        start = end;
      }
    } catch (error) {
      throw mapFsError(error, 'write a pack');
    }
  }

  #closePack(options: { readonly isLast: boolean }): void {
    const pack = this.#pack;
    if (pack === null) return;
    this.#pack = null;
    this.#closedBytes += pack.sizeBytes;
    const job = pack.detach();
    // A small last pack is finished here: starting a thread would take longer.
    if (options.isLast && job.body.kind === 'memory') {
      this.#finishing.push(Promise.resolve(finishPack(job)));
      return;
    }
    const finished = this.#thread.run(job, [job.ids.buffer, job.crcs.buffer, job.offsets.buffer]);
    // Seen by `seal`; until then a failure must not count as unhandled.
    finished.catch(() => {});
    this.#finishing.push(finished);
  }

  #checkOpen(): void {
    if (this.#isSealed) throw new HoldfastError('invariant_broken', 'An object writer was used after it was sealed.');
  }
}
