import { crc32 } from 'node:zlib';
import { objectIdAt, objectIdOf, rawObjectId } from '../../src/format/git/object-id.ts';
import { decodeWholeEntry } from '../../src/format/git/pack-entry.ts';
import { decodeTree } from '../../src/format/git/tree-codec.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import type { TreeEntry } from '../../src/model/tree.ts';
import type { GitObject } from '../../src/ports/object-reader.ts';
import type { KnownObjects, ObjectWriter } from '../../src/ports/object-writer.ts';

/** Objects in memory. Every encoded entry is decoded, and its name and checksum compared, as it comes in. */
export interface MemoryObjectWriter extends ObjectWriter {
  readonly objects: ReadonlyMap<ObjectId, GitObject>;
  /** How often `add` was called. */
  readonly calls: { adds: number };
  content(id: ObjectId): Buffer;
  tree(id: ObjectId): TreeEntry[];
}

export const nothingKnown: KnownObjects = { has: () => false, table: () => new SharedArrayBuffer(0) };

/** Knows the given objects, as a store that holds them would. */
export function knownObjects(ids: Iterable<ObjectId>): KnownObjects {
  const sorted = [...ids].sort();
  const known = new Set(sorted);
  return {
    has: (bytes, start) => known.has(objectIdAt(bytes, start)),
    table() {
      const table = new SharedArrayBuffer(sorted.length * 20);
      sorted.forEach((id, i) => new Uint8Array(table).set(rawObjectId(id), i * 20));
      return table;
    },
  };
}

export function createMemoryObjectWriter(known: KnownObjects = nothingKnown): MemoryObjectWriter {
  const objects = new Map<ObjectId, GitObject>();
  const calls = { adds: 0 };
  let sizeBytes = 0;
  const find = (id: ObjectId): GitObject => {
    const object = objects.get(id);
    if (object === undefined) throw new HoldfastError('object_missing', `No object ${id} was written.`);
    return object;
  };
  return {
    objects,
    calls,
    get objectCount() {
      return objects.size;
    },
    get sizeBytes() {
      return sizeBytes;
    },
    has: (ids, start) => objects.has(objectIdAt(ids, start)) || known.has(ids, start),
    add(type, content) {
      calls.adds++;
      const id = objectIdOf(type, content);
      if (!known.has(rawObjectId(id), 0)) objects.set(id, { type, content: Buffer.from(content) });
      return id;
    },
    async addEncoded(batch) {
      for (let i = 0; i < batch.crcs.length; i++) {
        const start = batch.offsets[i]!;
        const end = batch.offsets[i + 1]!;
        const { type, content } = decodeWholeEntry(batch.bytes, start, end);
        const id = objectIdAt(batch.ids, i * 20);
        if (objectIdOf(type, content) !== id) throw new Error(`An entry is not the object ${id}.`);
        if (crc32(batch.bytes.subarray(start, end)) !== batch.crcs[i]) throw new Error(`Wrong checksum at ${id}.`);
        objects.set(id, { type, content: Buffer.from(content) });
        sizeBytes += end - start;
      }
      await Promise.resolve();
    },
    copyPack: () => Promise.reject(new Error('not here')),
    seal: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    content: (id) => Buffer.from(find(id).content),
    tree: (id) => decodeTree(find(id).content),
  };
}
