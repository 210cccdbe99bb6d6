import { readNewestPoints } from '../../engine/newest-points.ts';
import { readPins } from '../../engine/pins.ts';
import { loadStoreView } from '../../engine/store-view.ts';
import type { IntentContext } from './intent-context.ts';

/** Enough for the highest screen; the rest follow while it is looked at. */
const firstCount = 150;

/** Reads what this machine knows already of the newest restore points: the first frame has them. */
export async function readFirstPoints({ deps, dispatch }: IntentContext): Promise<void> {
  const first = await readNewestPoints(deps, { count: firstCount });
  dispatch({ type: 'points_read', ...first, pinned: new Set((await readPins(deps)).keys()), store: 'asking' });
}

/** Asks the store for all of them. */
export async function readPoints({ deps, dispatch }: IntentContext, signal: AbortSignal): Promise<void> {
  const view = await loadStoreView(deps, { refresh: 'always', signal, pause });
  const store = view.unreachable === null ? 'answered' : 'unreachable';
  dispatch({ type: 'points_read', points: view.points, isWhole: true, pinned: new Set(view.pins.keys()), store });
}

/** Lets keys and frames through in the middle of long work on this thread. */
export async function pause(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
