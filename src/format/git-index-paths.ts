import type { ByteString } from '../lib/bytes.ts';
import { brokenIndex } from './git-index-error.ts';

/** Paths of a git index in byte order, as ranges of one buffer: no string is made for any of them. */
export interface IndexPaths {
  readonly bytes: Uint8Array;
  /** Path i is `bytes[starts[i] .. ends[i])`. A folder kept whole by a sparse index ends in '/'. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** 1 where the entry is a submodule. */
  readonly submodule: Uint8Array;
}

/** Row of the first path that is not below `path` in byte order. */
export function lowerBound(paths: IndexPaths, path: ByteString): number {
  let low = 0;
  let high = paths.starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePath(paths, middle, path) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True when the path of a row begins with `prefix`. */
export function rowStartsWith(paths: IndexPaths, row: number, prefix: ByteString): boolean {
  const start = paths.starts[row];
  if (start === undefined || paths.ends[row]! - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (paths.bytes[start + i] !== prefix.charCodeAt(i)) return false;
  return true;
}

/** Order of two paths by their bytes, each in its own table. */
export function compareRows(a: IndexPaths, rowA: number, b: IndexPaths, rowB: number): number {
  const startA = a.starts[rowA]!;
  const startB = b.starts[rowB]!;
  const lengthA = a.ends[rowA]! - startA;
  const lengthB = b.ends[rowB]! - startB;
  const shared = Math.min(lengthA, lengthB);
  for (let i = 0; i < shared; i++) {
    const difference = a.bytes[startA + i]! - b.bytes[startB + i]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** Collects paths, in order, into one buffer. */
export class IndexPathsBuilder {
  #bytes: Uint8Array;
  #size = 0;
  #row = 0;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #submodule: Uint8Array;

  constructor(count: number, sizeGuess: number) {
    this.#bytes = new Uint8Array(sizeGuess);
    this.#starts = new Uint32Array(count);
    this.#ends = new Uint32Array(count);
    this.#submodule = new Uint8Array(count);
  }

  add(path: Uint8Array, submodule: number): void {
    const end = this.#size + path.length;
    if (end > pathsBytesMax) throw brokenIndex('its names unfold to more than memory should hold');
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(path, this.#size);
    this.#starts[this.#row] = this.#size;
    this.#ends[this.#row] = end;
    this.#submodule[this.#row++] = submodule;
    this.#size = end;
  }

  paths(): IndexPaths {
    return { bytes: this.#bytes, starts: this.#starts, ends: this.#ends, submodule: this.#submodule };
  }
}

const pathsBytesMax = 1 << 30;

function comparePath(paths: IndexPaths, row: number, path: ByteString): number {
  const start = paths.starts[row]!;
  const length = paths.ends[row]! - start;
  const shared = Math.min(length, path.length);
  for (let i = 0; i < shared; i++) {
    const difference = paths.bytes[start + i]! - path.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return length - path.length;
}
