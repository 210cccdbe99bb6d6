import { crc32 } from 'node:zlib';
import { type DeltaIndex, indexBase, makeDelta } from '../../format/git/make-delta.ts';
import { objectIdOf, rawObjectId } from '../../format/git/object-id.ts';
import {
  compressForKeeps,
  entryHeaderBytesMax,
  writeDeltaHeader,
  writeEntryHeader,
} from '../../format/git/pack-entry.ts';
import type { ObjectType, PackableObject, SealedPack } from '../../ports/object-writer.ts';
import { finishPack } from './finish-pack.ts';
import { GrowingPack } from './growing-pack.ts';

const windowObjectsMax = 10;
const windowBytesMax = 32 * 1024 * 1024;
/** Reading an object reads its whole chain: a short one keeps random reads cheap. */
const depthMax = 10;
const deltaFromBytes = 50;
const deltaToBytes = 8 * 1024 * 1024;
const packBytesMax = 128 * 1024 * 1024;
const memoryBytesMax = 8 * 1024 * 1024;

export interface DeltaPackerOptions {
  readonly directory: string;
  /** What the blob holds that makes each pack the only one of its name. */
  readonly mark: string;
}

interface Candidate {
  readonly type: ObjectType;
  readonly content: Uint8Array;
  /** Where its entry begins in the pack. */
  readonly start: number;
  readonly depth: number;
  index: DeltaIndex | null;
}

/**
 * Packs objects given in a good order, each as a delta of one of the last few where that is much smaller. Every pack is
 * whole in itself: the window ends with the pack. Memory is bounded by the window and the object at hand.
 */
export class DeltaPacker {
  readonly #directory: string;
  readonly #mark: string;
  readonly #packs: SealedPack[] = [];
  #pack: GrowingPack | null = null;
  #window: Candidate[] = [];
  #windowBytes = 0;

  constructor({ directory, mark }: DeltaPackerOptions) {
    this.#directory = directory;
    this.#mark = mark;
  }

  add({ id, type, content }: PackableObject): void {
    const pack = (this.#pack ??= this.#begin());
    const start = pack.sizeBytes;
    const isDeltable = content.length >= deltaFromBytes && content.length <= deltaToBytes;
    const found = isDeltable ? this.#bestDelta(type, content) : null;
    const entry =
      found === null ? wholeEntry(type, content) : deltaEntry(found.delta, { baseDistance: start - found.base.start });
    append(pack, rawObjectId(id), entry);
    if (isDeltable) this.#remember({ type, content, start, depth: (found?.base.depth ?? -1) + 1, index: null });
    if (pack.sizeBytes >= packBytesMax) this.#close();
  }

  finish(): readonly SealedPack[] {
    this.#close();
    return this.#packs;
  }

  discard(): void {
    this.#pack?.discard();
    this.#pack = null;
  }

  #begin(): GrowingPack {
    const pack = new GrowingPack(this.#directory, { memoryBytesMax });
    const content = Buffer.from(`${this.#mark} ${this.#packs.length + 1}\n`);
    append(pack, rawObjectId(objectIdOf('blob', content)), wholeEntry('blob', content));
    return pack;
  }

  #bestDelta(type: ObjectType, content: Uint8Array): { delta: Uint8Array; base: Candidate } | null {
    let best: { delta: Uint8Array; base: Candidate } | null = null;
    for (const base of this.#window) {
      if (base.type !== type || base.depth >= depthMax) continue;
      const limit = (best?.delta.length ?? (content.length >>> 1) - 20) - 1;
      // What the base lacks has to be inserted.
      if (content.length - base.content.length > limit) continue;
      base.index ??= indexBase(base.content);
      const delta = makeDelta(base.index, content, limit);
      if (delta !== null) best = { delta, base };
    }
    return best;
  }

  #remember(candidate: Candidate): void {
    this.#window.unshift(candidate);
    this.#windowBytes += candidate.content.length;
    while (this.#window.length > windowObjectsMax || this.#windowBytes > windowBytesMax) {
      this.#windowBytes -= this.#window.pop()!.content.length;
    }
  }

  #close(): void {
    const pack = this.#pack;
    this.#pack = null;
    this.#window = [];
    this.#windowBytes = 0;
    if (pack !== null) this.#packs.push(finishPack(pack.detach()));
  }
}

function append(pack: GrowingPack, rawId: Uint8Array, entry: Uint8Array): void {
  const offsets = Uint32Array.of(0, entry.length);
  pack.append({ bytes: entry, offsets, ids: rawId, crcs: Uint32Array.of(crc32(entry)) }, 0, 1);
}

function wholeEntry(type: ObjectType, content: Uint8Array): Uint8Array {
  const data = compressForKeeps(content);
  const entry = new Uint8Array(entryHeaderBytesMax + data.length);
  const dataStart = writeEntryHeader(entry, 0, { type, sizeBytes: content.length });
  entry.set(data, dataStart);
  return entry.subarray(0, dataStart + data.length);
}

function deltaEntry(delta: Uint8Array, { baseDistance }: { baseDistance: number }): Uint8Array {
  const data = compressForKeeps(delta);
  const entry = new Uint8Array(entryHeaderBytesMax + data.length);
  const dataStart = writeDeltaHeader(entry, 0, { sizeBytes: delta.length, baseDistance });
  entry.set(data, dataStart);
  return entry.subarray(0, dataStart + data.length);
}
