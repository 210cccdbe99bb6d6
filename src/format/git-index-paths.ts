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

/** Paths of one table and not of the other, or a submodule in one alone, in byte order. */
export function* differingPaths(a: IndexPaths, b: IndexPaths): Generator<ByteString> {
  let rowA = 0;
  let rowB = 0;
  while (rowA < a.starts.length || rowB < b.starts.length) {
    const order = rowA === a.starts.length ? 1 : rowB === b.starts.length ? -1 : compareRows(a, rowA, b, rowB);
    if (order < 0) yield pathOfRow(a, rowA);
    else if (order > 0) yield pathOfRow(b, rowB);
    else if (a.submodule[rowA] !== b.submodule[rowB]) yield pathOfRow(a, rowA);
    // A path in conflict has a row for each of its stages.
    if (order <= 0) rowA = rowAfter(a, rowA);
    if (order >= 0) rowB = rowAfter(b, rowB);
  }
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

/** The row of the next other path. */
function rowAfter(paths: IndexPaths, row: number): number {
  let next = row + 1;
  while (next < paths.starts.length && compareRows(paths, row, paths, next) === 0) next++;
  return next;
}

function pathOfRow({ bytes, starts, ends }: IndexPaths, row: number): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset + starts[row]!, ends[row]! - starts[row]!).toString('latin1');
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
