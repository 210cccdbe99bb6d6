/** A small seeded generator (mulberry32): the same numbers on every machine, in every run. */
export interface SeededRandom {
  /** A whole number from 0 to `below - 1`. */
  int(below: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(size: number): Buffer;
  /** Text that compresses about as notes do. */
  text(size: number): Buffer;
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    pick: (items) => items[int(items.length)]!,
    bytes: (size) => Buffer.from(Array.from({ length: size }, () => int(256))),
    text(size) {
      const words: string[] = [];
      for (let length = 0; length < size; length += words.at(-1)!.length + 1)
        words.push((int(2000) * 7919).toString(36));
      return Buffer.from(words.join(' ').slice(0, size).padEnd(size));
    },
  };
}
