import { compareIds, idBytes } from '../../format/git/object-id.ts';
import type { PackIndex } from '../../format/git/pack-index.ts';
import { sortIds } from '../../format/git/sort-ids.ts';
import type { KnownObjects } from '../../ports/object-writer.ts';
import type { PackLocator } from './pack-locator.ts';

/** The names in all packs of a reader. */
export function knownObjectsOf(packIndexes: readonly PackIndex[], locator: PackLocator): KnownObjects {
  return {
    has: (ids, start) => locator.find(ids, start) !== null,
    table: () => mergeNames(packIndexes),
  };
}

function mergeNames(packIndexes: readonly PackIndex[]): SharedArrayBuffer {
  const count = packIndexes.reduce((sum, packIndex) => sum + packIndex.objectCount, 0);
  const names = new Uint8Array(count * idBytes);
  let at = 0;
  for (const packIndex of packIndexes) {
    names.set(packIndex.names(), at);
    at += packIndex.objectCount * idBytes;
  }
  const order = sortIds(names);
  let distinctCount = 0;
  for (let i = 0; i < count; i++) if (isFirst(names, order, i)) distinctCount++;
  const shared = new SharedArrayBuffer(distinctCount * idBytes);
  const sorted = new Uint8Array(shared);
  let end = 0;
  for (let i = 0; i < count; i++) {
    if (!isFirst(names, order, i)) continue;
    const start = order[i]! * idBytes;
    sorted.set(names.subarray(start, start + idBytes), end);
    end += idBytes;
  }
  return shared;
}

/** False for the second and further copies of a name that several packs hold. */
function isFirst(names: Uint8Array, order: Uint32Array, i: number): boolean {
  return i === 0 || compareIds(names, order[i - 1]! * idBytes, names, order[i]! * idBytes) !== 0;
}
