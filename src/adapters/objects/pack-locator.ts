import { randomInt } from 'node:crypto';
import { equalIds, idBytes } from '../../format/git/object-id.ts';
import type { PackIndex } from '../../format/git/pack-index.ts';

/** Finds objects in many packs: one look-up for all small ones together, a binary search in each large one. */
export interface PackLocator {
  /** Returns where the object is, or null. */
  find(ids: Uint8Array, start: number): PackPlace | null;
  /** Every place that holds the object: packs may share objects. */
  findAll(ids: Uint8Array, start: number): Iterable<PackPlace>;
}

export interface PackPlace {
  readonly pack: number;
  readonly position: number;
}

const smallObjectsMax = 4096;

export function createPackLocator(packIndexes: readonly PackIndex[]): PackLocator {
  const numbers = packIndexes.map((_, number) => number);
  const large = numbers.filter((number) => packIndexes[number]!.objectCount > smallObjectsMax).toReversed();
  const small = numbers.filter((number) => packIndexes[number]!.objectCount <= smallObjectsMax).toReversed();
  // A store has a few large packs and a thousand small ones; most runs ask for only a few objects, some for none.
  let table: SmallPacks | null = null;

  return {
    find(ids, start) {
      table ??= new SmallPacks(packIndexes, small);
      const place = table.find(ids, start);
      if (place !== null) return place;
      for (const pack of large) {
        const position = packIndexes[pack]!.find(ids, start);
        if (position >= 0) return { pack, position };
      }
      return null;
    },
    *findAll(ids, start) {
      for (let pack = packIndexes.length - 1; pack >= 0; pack--) {
        const position = packIndexes[pack]!.find(ids, start);
        if (position >= 0) yield { pack, position };
      }
    },
  };
}

/** One hash table over the names of many small packs; names stay where they are, in the packs' indexes. */
class SmallPacks {
  readonly #packIndexes: readonly PackIndex[];
  /** Row number plus one; 0 for a free slot. */
  readonly #slots: Uint32Array;
  readonly #packs: Uint32Array;
  readonly #positions: Uint32Array;
  // Names in a hostile index are whatever its maker chose; they must not be able to choose the slots too.
  readonly #seed = randomInt(2 ** 32) | 0;

  constructor(packIndexes: readonly PackIndex[], numbers: readonly number[]) {
    this.#packIndexes = packIndexes;
    const count = numbers.reduce((sum, number) => sum + packIndexes[number]!.objectCount, 0);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, count * 1.5))));
    this.#packs = new Uint32Array(count);
    this.#positions = new Uint32Array(count);
    let row = 0;
    for (const pack of numbers) {
      const packIndex = packIndexes[pack]!;
      for (let position = 0; position < packIndex.objectCount; position++) {
        const slot = this.#slotOf(packIndex.bytes, packIndex.idStart(position));
        if (this.#slots[slot] !== 0) continue;
        this.#packs[row] = pack;
        this.#positions[row] = position;
        this.#slots[slot] = ++row;
      }
    }
  }

  find(ids: Uint8Array, start: number): PackPlace | null {
    const row = this.#slots[this.#slotOf(ids, start)]! - 1;
    return row < 0 ? null : { pack: this.#packs[row]!, position: this.#positions[row]! };
  }

  #slotOf(ids: Uint8Array, start: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(ids, start) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0) return slot;
      const packIndex = this.#packIndexes[this.#packs[row]!]!;
      if (equalIds(packIndex.bytes, packIndex.idStart(this.#positions[row]!), ids, start)) return slot;
    }
  }

  #hash(ids: Uint8Array, start: number): number {
    let hash = this.#seed;
    for (let at = start; at < start + idBytes; at += 4) {
      hash ^= ids[at]! | (ids[at + 1]! << 8) | (ids[at + 2]! << 16) | (ids[at + 3]! << 24);
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    }
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}
