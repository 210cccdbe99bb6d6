import { mapConcurrent } from '../lib/map-concurrent.ts';
import { type HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { GitObject, ObjectLocation, ObjectReader } from '../ports/object-reader.ts';
import { decodeEntry } from './decode-entry.ts';
import { type PackRange, planRanges } from './pack-ranges.ts';

// Small objects lie side by side in the pack of the snapshot that brought them.
const limits = { gapBytesMax: 64 * 1024, rangeBytesMax: 2 * 1024 * 1024 };
const rangesInFlightMax = 3;

/**
 * Reads a batch of small objects (trees, metadata, link targets) with as few requests as their places allow. Objects that are
 * missing, damaged or deltified are not in the answer: reading one alone tells what is wrong with it.
 */
export async function readMany(
  reader: ObjectReader,
  ids: Iterable<ObjectId>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Map<ObjectId, GitObject>> {
  const wanted: { id: ObjectId; at: ObjectLocation }[] = [];
  for (const id of new Set(ids)) {
    const at = reader.locate(id);
    if (at !== null) wanted.push({ id, at });
  }
  wanted.sort((a, b) => a.at.pack - b.at.pack || a.at.start - b.at.start);
  const ranges = planRanges(
    {
      count: wanted.length,
      pack: (i) => wanted[i]!.at.pack,
      start: (i) => wanted[i]!.at.start,
      end: (i) => wanted[i]!.at.end,
    },
    limits,
  );

  const found = new Map<ObjectId, GitObject>();
  const { signal } = options;
  const answers = mapConcurrent(ranges, { limit: rangesInFlightMax, signal }, async (range) => {
    return { range, bytes: await readRange(reader, range, signal) };
  });
  for await (const { range, bytes } of answers) {
    if (bytes === null) continue;
    for (const { id, at } of wanted.slice(range.first, range.last)) {
      const object = decodeOrNull(bytes, { id, start: at.start - range.start, end: at.end - range.start });
      if (object !== null) found.set(id, object);
    }
  }
  return found;
}

/** Null where the pack is damaged or gone; a store that cannot be reached is an error. */
async function readRange(
  reader: ObjectReader,
  range: PackRange,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | null> {
  try {
    return await reader.readRange(range.pack, range.start, range.end, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function decodeOrNull(bytes: Uint8Array, entry: { id: ObjectId; start: number; end: number }): GitObject | null {
  try {
    return decodeEntry(bytes, entry);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** True for what is wrong with objects or packs themselves: others may be whole. */
export function isDamage(error: unknown): error is HoldfastError {
  return isHoldfastError(error) && error.kind === 'integrity';
}
