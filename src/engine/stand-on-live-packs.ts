import { rawObjectId } from '../format/git/object-id.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { Deps } from './deps.ts';
import { packsInUse } from './pack-sources.ts';
import { findLive } from './prune/find-live.ts';
import { loadMarks } from './store-marks.ts';

/** True when everything the asked snapshots need lies in packs that are not condemned. */
export async function standOnLivePacks(
  deps: Deps,
  options: {
    points: readonly RestorePoint[];
    asked: readonly RestorePoint[];
    /** What was condemned after this moment counts as well: it will be there long enough. */
    trustAfter?: Date;
    signal?: AbortSignal | undefined;
  },
): Promise<boolean> {
  const { points, asked, trustAfter, signal } = options;
  const { live, condemned } = packsInUse(points, await loadMarks(deps));
  const trusted = condemned.map((source) => {
    return trustAfter !== undefined && Date.parse(source.condemnedAt) > trustAfter.getTime()
      ? { ...source, isCondemned: false }
      : source;
  });
  const { reader, known } = await deps.objects.openReader([...trusted, ...live], { signal });
  let isAllLive = true;
  const wantsHint = (id: Parameters<typeof reader.has>[0]): boolean => {
    if (!known.has(rawObjectId(id), 0)) isAllLive = false;
    return false;
  };
  const records = asked.map(({ record }) => record);
  try {
    await findLive(reader, records, { seed: 0, wantsHint, signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing', 'object_corrupt', 'pack_corrupt', 'pack_missing')) return false;
    throw error;
  }
  return isAllLive;
}
