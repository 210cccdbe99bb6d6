const idBytes = 20;
const blockIdsLog2 = 14;
const blockIds = 1 << blockIdsLog2;
const smallestSlots = 1024;

/**
 * A set of raw object ids (20 bytes each) that costs about 30 bytes an id: no object and no text per id. Ids live side
 * by side in blocks that never move; a table of slots finds them.
 */
export class ObjectIdSet {
  #count = 0;
  /** Number of an id plus one; 0 for a free slot. */
  #slots = new Uint32Array(smallestSlots);
  readonly #blocks: Uint8Array[] = [];
  readonly #seed: number;

  /** `seed` should be random where the ids come from others, who could otherwise choose ids that all collide. */
  constructor(options: { readonly seed?: number } = {}) {
    this.#seed = (options.seed ?? 0) | 0;
  }

  get size(): number {
    return this.#count;
  }

  /** True when the id at `ids[start .. start+20)` was added. */
  has(ids: Uint8Array, start: number): boolean {
    return this.#slots[this.#slotOf(ids, start)] !== 0;
  }

  /** Adds the id at `ids[start .. start+20)`; returns false when it was there already. */
  add(ids: Uint8Array, start: number): boolean {
    const slot = this.#slotOf(ids, start);
    if (this.#slots[slot] !== 0) return false;
    const number = this.#count;
    const within = number & (blockIds - 1);
    if (within === 0) this.#blocks.push(new Uint8Array(blockIds * idBytes));
    const block = this.#blocks[number >>> blockIdsLog2]!;
    for (let i = 0; i < idBytes; i++) block[within * idBytes + i] = ids[start + i]!;
    this.#slots[slot] = number + 1;
    this.#count = number + 1;
    // Two thirds full at most: beyond that, runs of taken slots grow fast.
    if (this.#count * 3 > this.#slots.length * 2) this.#grow();
    return true;
  }

  /** The slot that holds this id, or the free one where it would go. */
  #slotOf(ids: Uint8Array, start: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(ids, start) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      if (number < 0 || this.#equals(number, ids, start)) return slot;
    }
  }

  #equals(number: number, ids: Uint8Array, start: number): boolean {
    const block = this.#blocks[number >>> blockIdsLog2]!;
    const at = (number & (blockIds - 1)) * idBytes;
    for (let i = 0; i < idBytes; i++) if (block[at + i] !== ids[start + i]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      const block = this.#blocks[number >>> blockIdsLog2]!;
      let slot = this.#hash(block, (number & (blockIds - 1)) * idBytes) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }

  /** Mixes twelve bytes of the id with the seed. Ids are hashes already; the mixing is for ids that only pretend to be. */
  #hash(ids: Uint8Array, start: number): number {
    let hash = this.#seed;
    for (let at = start; at < start + 12; at += 4) {
      hash ^= ids[at]! | (ids[at + 1]! << 8) | (ids[at + 2]! << 16) | (ids[at + 3]! << 24);
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
      hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    }
    return (hash ^ (hash >>> 15)) >>> 0;
  }
}
