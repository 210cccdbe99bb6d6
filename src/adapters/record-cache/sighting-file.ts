import { checked, count, flag, instant, list, object, ShapeError } from '../../format/json-shape.ts';
import { prettyJson } from '../../format/pretty-json.ts';
import { isSnapshotId } from '../../model/ids.ts';
import type { StoreSighting } from '../../ports/record-cache.ts';

/** Encodes what was last seen of a store. */
export function encodeSighting(sighting: StoreSighting): Uint8Array {
  return Buffer.from(prettyJson({ format: 1, ...sighting }), 'utf8');
}

/** Decodes it, or returns null for anything damaged: then nothing was seen, as on a new machine. */
export function decodeSighting(bytes: Uint8Array): StoreSighting | null {
  try {
    return sightingFields(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return null;
    throw error;
  }
}

const ids = list(checked(isSnapshotId, 'a snapshot id'), 10_000_000);

/** Files of versions that knew no prune have none. */
const countOrNone = (value: unknown): number => (value === undefined ? 0 : count(value));

const sightingFields = object<StoreSighting>({
  seenAt: instant,
  snapshotIds: ids,
  headerSeen: flag,
  missingIds: ids,
  generation: count,
  prunes: countOrNone,
});
