import { compareIds, idBytes } from '../../../format/git/object-id.ts';

/** Returns a test for names in a sorted table of raw ids, as threads share it. */
export function searchTable(table: SharedArrayBuffer): (ids: Uint8Array, start: number) => boolean {
  const names = new Uint8Array(table);
  const count = names.length / idBytes;
  return (ids, start) => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareIds(ids, start, names, middle * idBytes);
      if (order === 0) return true;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return false;
  };
}
