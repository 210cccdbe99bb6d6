import { objectIdOf } from '../../src/format/git/object-id.ts';
import {
  compressContent,
  decodeEntryHeader,
  inflateContent,
  writeEntryHeader,
} from '../../src/format/git/pack-entry.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import type { GitObject, ObjectLocation, ObjectReader } from '../../src/ports/object-reader.ts';
import type { ObjectType } from '../../src/ports/object-writer.ts';

/** Packs in memory, for tests of what reads them: every entry undeltified, every call counted. */
export interface MemoryReader extends ObjectReader {
  add(type: ObjectType, content: Uint8Array | string): ObjectId;
  /** Adds bytes under a name they do not have. */
  addLie(type: ObjectType, content: Uint8Array | string, id: ObjectId): void;
  /** Starts a new pack for what is added from here on. */
  newPack(): void;
  /** Flips one bit in the middle of an object's compressed data. */
  damage(id: ObjectId): void;
  /** Forgets an object. */
  drop(id: ObjectId): void;
  /** Answers for entries marked so are read one by one, as deltas are. */
  markAlone(id: ObjectId): void;
  readonly calls: { reads: number; ranges: number };
}

export function createMemoryReader(): MemoryReader {
  const packs: Buffer[] = [Buffer.alloc(12)];
  const places = new Map<ObjectId, ObjectLocation>();
  const calls = { reads: 0, ranges: 0 };

  function addAs(type: ObjectType, bytes: Buffer, id: ObjectId): void {
    if (places.has(id)) return;
    const header = Buffer.alloc(32);
    const headerEnd = writeEntryHeader(header, 0, { type, sizeBytes: bytes.length });
    const entry = Buffer.concat([header.subarray(0, headerEnd), compressContent(bytes)]);
    const pack = packs.length - 1;
    const start = packs[pack]!.length;
    packs[pack] = Buffer.concat([packs[pack]!, entry]);
    places.set(id, { pack, start, end: start + entry.length });
  }

  const toBytes = (content: Uint8Array | string): Buffer =>
    typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);

  function missing(id: ObjectId): HoldfastError {
    return new HoldfastError('object_missing', `The object ${id} is missing from the store.`);
  }

  return {
    calls,
    get packs() {
      return packs.map((pack, i) => ({
        key: `packs/pack-${i}.pack`,
        sizeBytes: pack.length,
        objectCount: places.size,
      }));
    },
    add(type, content) {
      const bytes = toBytes(content);
      const id = objectIdOf(type, bytes);
      addAs(type, bytes, id);
      return id;
    },
    addLie(type, content, id) {
      addAs(type, toBytes(content), id);
    },
    newPack() {
      packs.push(Buffer.alloc(12));
    },
    damage(id) {
      const { pack, start, end } = places.get(id)!;
      packs[pack]![Math.floor((start + end + 4) / 2)]! ^= 0x10;
    },
    drop(id) {
      places.delete(id);
    },
    markAlone(id) {
      // The type bits of an offset delta; the reader double still knows the truth.
      const { pack, start } = places.get(id)!;
      alone.set(id, packs[pack]![start]!);
      packs[pack]![start] = (packs[pack]![start]! & 0x8f) | 0x60;
    },
    has: (id) => places.has(id),
    locate: (id) => places.get(id) ?? null,
    async read(id, options = {}): Promise<GitObject> {
      calls.reads++;
      options.signal?.throwIfAborted();
      const place = places.get(id);
      if (place === undefined) throw missing(id);
      const bytes = Buffer.from(packs[place.pack]!.subarray(place.start, place.end));
      if (alone.has(id)) bytes[0] = alone.get(id)!;
      const header = decodeEntryHeader(bytes, 0);
      if (header.kind !== 'object') throw new Error('no deltas here');
      const { content } = inflateContent(bytes.subarray(header.dataStart), header.sizeBytes);
      if (objectIdOf(header.type, content) !== id)
        throw new HoldfastError('object_corrupt', `The object ${id} is damaged.`);
      return { type: header.type, content };
    },
    async readRange(pack, start, end, options = {}) {
      calls.ranges++;
      options.signal?.throwIfAborted();
      return packs[pack]!.subarray(start, end);
    },
    *entries(pack) {
      for (const [id, place] of places) if (place.pack === pack) yield { id, start: place.start, end: place.end };
    },
  };
}

/** First bytes of entries posing as deltas. */
const alone = new Map<ObjectId, number>();
