/** Pack entries in columns, in order of pack and offset. */
export interface SortedEntries {
  readonly count: number;
  pack(i: number): number;
  start(i: number): number;
  /** Exclusive. */
  end(i: number): number;
}

/** One run of bytes to read, holding the entries `first` up to but not including `last`. */
export interface PackRange {
  readonly pack: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

export interface RangeLimits {
  /** Bytes nobody asked for that are read along, because another request costs more. */
  readonly gapBytesMax: number;
  /** A range grows no further than this; a single entry may be larger. */
  readonly rangeBytesMax: number;
}

/** Joins entries that lie near each other, so that a pack of which most is wanted is read from front to back. */
export function planRanges(entries: SortedEntries, limits: RangeLimits): PackRange[] {
  const ranges: PackRange[] = [];
  for (let first = 0; first < entries.count;) {
    const pack = entries.pack(first);
    const start = entries.start(first);
    let end = entries.end(first);
    let last = first + 1;
    for (; last < entries.count && entries.pack(last) === pack; last++) {
      const nextEnd = Math.max(end, entries.end(last));
      if (entries.start(last) - end > limits.gapBytesMax || nextEnd - start > limits.rangeBytesMax) break;
      end = nextEnd;
    }
    ranges.push({ pack, start, end, first, last });
    first = last;
  }
  return ranges;
}
