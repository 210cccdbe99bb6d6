import { decodeEntryHeader, entryHeaderBytesMax } from '../format/git/pack-entry.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import type { ObjectId } from '../model/ids.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { planRanges } from './pack-ranges.ts';
import { isDamage } from './read-many.ts';
import type { SnapshotEntry, TreeReader } from './read-tree.ts';

// Only the first bytes of each entry are wanted; small entries between them are cheaper read along than skipped.
const limits = { gapBytesMax: 16 * 1024, rangeBytesMax: 1024 * 1024 };
const requestsInFlightMax = 6;

/**
 * Sizes of objects, from the headers of their pack entries; nothing is inflated except deltas, and nothing proved. What is
 * missing or damaged is not in the answer.
 */
export async function readObjectSizes(
  reader: ObjectReader,
  ids: Iterable<ObjectId>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Map<ObjectId, number>> {
  const heads = [...new Set(ids)].flatMap((id) => {
    const at = reader.locate(id);
    return at === null
      ? []
      : [{ id, pack: at.pack, start: at.start, end: Math.min(at.end, at.start + entryHeaderBytesMax) }];
  });
  heads.sort((a, b) => a.pack - b.pack || a.start - b.start);
  const ranges = planRanges(
    { count: heads.length, pack: (i) => heads[i]!.pack, start: (i) => heads[i]!.start, end: (i) => heads[i]!.end },
    limits,
  );
  const sizes = new Map<ObjectId, number>();
  const { signal } = options;
  const readOptions = signal === undefined ? {} : { signal };
  const answers = mapConcurrent(ranges, { limit: requestsInFlightMax, signal }, async (range) => {
    const bytes = await reader.readRange(range.pack, range.start, range.end, readOptions);
    for (const { id, start } of heads.slice(range.first, range.last)) {
      const header = decodeEntryHeader(bytes, start - range.start);
      const sizeBytes =
        header.kind === 'object' ? header.sizeBytes : (await reader.read(id, readOptions)).content.length;
      sizes.set(id, sizeBytes);
    }
  });
  try {
    for await (const _ of answers);
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  return sizes;
}

/** Sizes of files and links; a file in chunks is the sum of them. Entries whose size cannot be told are left out. */
export async function readEntrySizes(
  source: { readonly reader: ObjectReader; readonly trees: TreeReader },
  entries: readonly SnapshotEntry[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Map<ObjectId, number>> {
  const chunksOf = new Map<ObjectId, readonly ObjectId[]>();
  for (const entry of entries) {
    if (entry.kind === 'chunked') chunksOf.set(entry.id, (await source.trees.chunks(entry.id)).ids);
  }
  const blobs = entries.filter((entry) => entry.kind !== 'chunked' && entry.kind !== 'folder').map((entry) => entry.id);
  const sizes = await readObjectSizes(source.reader, [...blobs, ...[...chunksOf.values()].flat()], options);
  for (const [id, chunks] of chunksOf) {
    const parts = chunks.map((chunk) => sizes.get(chunk));
    if (!parts.includes(undefined))
      sizes.set(
        id,
        parts.reduce<number>((sum, part) => sum + part!, 0),
      );
  }
  return sizes;
}
