import type { ObjectId } from '../../model/ids.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { ObjectType, PackableObject } from '../../ports/object-writer.ts';
import { readMany } from '../read-many.ts';
import type { GatheredObject } from './plan-packs.ts';

const batchBytesMax = 4 * 1024 * 1024;
const batchObjectsMax = 512;

/**
 * Reads objects in the order in which they pack best: versions of one path side by side, the largest first (what was cut is cheaper
 * to say than what was added). Yields batches of bounded size; every object has been hashed.
 */
export async function* inPackOrder(
  reader: ObjectReader,
  gathered: readonly GatheredObject[],
  options: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<readonly PackableObject[]> {
  const ordered = gathered.toSorted((a, b) => a.hint - b.hint || b.sizeBytes - a.sizeBytes || (a.id < b.id ? -1 : 1));
  for (let start = 0; start < ordered.length;) {
    options.signal?.throwIfAborted();
    let end = start;
    let bytes = 0;
    while (end < ordered.length && end - start < batchObjectsMax && bytes < batchBytesMax)
      bytes += ordered[end++]!.sizeBytes;
    yield await readBatch(reader, ordered.slice(start, end), options);
    start = end;
  }
}

async function readBatch(
  reader: ObjectReader,
  batch: readonly GatheredObject[],
  options: { signal?: AbortSignal | undefined },
): Promise<readonly PackableObject[]> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const found = await readMany(
    reader,
    batch.map(({ id }) => id),
    options,
  );
  const objects: { id: ObjectId; type: ObjectType; content: Uint8Array; likeness: number }[] = [];
  for (const { id, hint } of batch) {
    const { type, content } = found.get(id) ?? (await reader.read(id, signal));
    objects.push({ id, type, content, likeness: hint });
  }
  return objects;
}
