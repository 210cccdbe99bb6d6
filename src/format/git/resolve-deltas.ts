import { packCorrupt } from './corrupt.ts';
import { openEntryReader, type ReadRange } from './entry-reader.ts';
import { compareIds, idBytes, writeObjectId } from './object-id.ts';
import { notDelta, type PackEntries, refDelta } from './pack-entries.ts';
import { sortIds } from './sort-ids.ts';

const baseCacheBytes = 64 * 1024 * 1024;
// More than any real repository unfolds to; a pack made to keep its reader busy stops here.
const workBytesFree = 4 * 1024 * 1024 * 1024;
const workPerPackByte = 4096;
const none = -1;

/**
 * Resolves and names every delta of a pack. Goes from each base to what builds on it, so that a base is usually still in
 * memory and each delta is applied once.
 * @throws {HoldfastError} `pack_corrupt` for deltas whose base is missing or that build on each other in a circle
 */
export async function resolveDeltas(
  entries: PackEntries,
  options: { readonly sizeBytes: number; readonly readRange: ReadRange; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const children = childrenByBase(entries);
  const refChildren = refChildrenByBase(entries);
  const bases = new Int32Array(entries.count).fill(none);
  const reader = openEntryReader({
    readRange: options.readRange,
    startAt: (entry) => entries.offsets[entry]!,
    endAt: (entry) => entries.endAt(entry),
    baseOf: (entry) => bases[entry]!,
    baseCacheBytes,
  });
  let workBytes = 0;
  let resolvedCount = 0;
  const waiting: number[] = [];
  const visit = (base: number): void => {
    resolvedCount++;
    for (const list of [children, refChildren]) {
      for (const child of list.of(base)) {
        // A base that is in the pack twice would bring its children twice.
        if (bases[child] !== none) continue;
        bases[child] = base;
        waiting.push(child);
      }
    }
  };
  for (let root = 0; root < entries.count; root++) {
    if (entries.baseOffsets[root] !== notDelta) continue;
    visit(root);
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      options.signal?.throwIfAborted();
      const object = await reader.read(entry);
      workBytes += object.content.length;
      if (workBytes > workBytesFree + options.sizeBytes * workPerPackByte) {
        throw packCorrupt('The deltas of a pack unfold to more than those of any real one.');
      }
      writeObjectId(object.type, object.content, { out: entries.ids, start: entry * idBytes });
      visit(entry);
    }
  }
  if (resolvedCount !== entries.count) {
    throw packCorrupt('A pack holds deltas whose base is not in it, or that build on each other.');
  }
}

interface Children {
  of(base: number): Iterable<number>;
}

/** Offset deltas by base, as linked lists in two columns. */
function childrenByBase(entries: PackEntries): Children {
  const first = new Int32Array(entries.count).fill(none);
  const next = new Int32Array(entries.count).fill(none);
  for (let entry = entries.count - 1; entry >= 0; entry--) {
    const baseOffset = entries.baseOffsets[entry]!;
    if (baseOffset === notDelta || baseOffset === refDelta) continue;
    const base = entries.findOffset(baseOffset);
    if (base < 0) throw packCorrupt('The base of a delta is not in its pack.');
    next[entry] = first[base]!;
    first[base] = entry;
  }
  return {
    *of(base) {
      for (let child = first[base]!; child !== none; child = next[child]!) yield child;
    },
  };
}

/** Ref deltas by the name of their base: which entry has that name is only known while resolving. */
function refChildrenByBase(entries: PackEntries): Children {
  const { baseIds } = entries;
  if (baseIds === null) return { of: () => [] };
  const order = sortIds(baseIds).filter((entry) => entries.baseOffsets[entry] === refDelta);
  return {
    *of(base) {
      let low = 0;
      let high = order.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compareIds(baseIds, order[middle]! * idBytes, entries.ids, base * idBytes) < 0) low = middle + 1;
        else high = middle;
      }
      for (; low < order.length; low++) {
        if (compareIds(baseIds, order[low]! * idBytes, entries.ids, base * idBytes) !== 0) return;
        yield order[low]!;
      }
    },
  };
}
