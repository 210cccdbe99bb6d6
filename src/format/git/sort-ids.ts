import { compareIds, idBytes } from './object-id.ts';
import { sortPositions } from './sort-positions.ts';

/** Returns the positions of raw ids (20 bytes each, back to back) in ascending order of their bytes. */
export function sortIds(ids: Uint8Array): Uint32Array {
  const count = ids.length / idBytes;
  const prefixes = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++, at += idBytes) {
    prefixes[i] =
      ids[at]! * 2 ** 32 + (ids[at + 1]! * 2 ** 24 + (ids[at + 2]! << 16) + (ids[at + 3]! << 8) + ids[at + 4]!);
  }
  const order = sortPositions(prefixes);
  for (let start = 0; start < count;) {
    const prefix = prefixes[order[start]!]!;
    let end = start + 1;
    while (end < count && prefixes[order[end]!] === prefix) end++;
    // Five equal bytes are rare by chance but can be made on purpose: a real sort keeps that harmless.
    if (end - start > 1) {
      order.subarray(start, end).sort((a, b) => compareIds(ids, a * idBytes, ids, b * idBytes));
    }
    start = end;
  }
  return order;
}
