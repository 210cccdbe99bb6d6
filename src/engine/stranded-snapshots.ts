import type { RestorePoint } from '../model/restore-point.ts';
import type { DamagedSpoolEntry } from '../ports/spool.ts';
import type { Deps } from './deps.ts';
import { standOnLivePacks } from './stand-on-live-packs.ts';
import { loadMarks } from './store-marks.ts';
import { type StoreView, viewAgeMsMax } from './store-view.ts';

/**
 * Finds snapshots that wait in the spool and rely on objects prune has condemned since they were captured (an old version of a file
 * put back, say; what the machine's newest snapshot in the store holds is never condemned). Published, they would not be
 * whole. Returns the view without them; they are in its `damagedSpool`, and what they held is captured again.
 */
export async function withoutStranded(
  deps: Deps,
  view: StoreView,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<StoreView> {
  if (view.spooled.length === 0) return view;
  const { plans } = await loadMarks(deps);
  const lastCondemned = plans
    .filter(({ condemned }) => condemned.length > 0)
    .reduce((latest, { at }) => Math.max(latest, Date.parse(at)), -Infinity);
  let { points } = view;
  const stranded: DamagedSpoolEntry[] = [];
  for (const snapshot of view.spooled) {
    // Captured with a view of the store that may have been this old.
    if (lastCondemned < Date.parse(snapshot.record.takenAt) - 2 * viewAgeMsMax) continue;
    const point = points.find(({ localDirectory }) => localDirectory === snapshot.directory);
    if (point === undefined || (await canBePublished(deps, { points, point, signal: options.signal }))) continue;
    points = points.filter((other) => other !== point);
    const reason = 'it needs objects that prune dropped while it waited';
    stranded.push({ directory: snapshot.directory, reason });
  }
  if (stranded.length === 0) return view;
  const left = new Set(stranded.map(({ directory }) => directory));
  return {
    ...view,
    points,
    spooled: view.spooled.filter(({ directory }) => !left.has(directory)),
    damagedSpool: [...view.damagedSpool, ...stranded],
  };
}

/** What was condemned lately is still there when the next prune reads all records, this one too, and gathers what it needs. */
function canBePublished(
  deps: Deps,
  options: { points: readonly RestorePoint[]; point: RestorePoint; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { points, point, signal } = options;
  const trustAfter = new Date(deps.clock.now().getTime() - viewAgeMsMax);
  return standOnLivePacks(deps, { points, asked: [point], trustAfter, signal });
}
