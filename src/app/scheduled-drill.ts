import { chooseDrillPoint } from '../engine/drill/choose-drill-point.ts';
import { runDrill } from '../engine/drill/drill.ts';
import type { Deps } from '../engine/deps.ts';
import { loadStoreView, openPointReader } from '../engine/store-view.ts';
import { drillComponents } from '../model/drill-report.ts';
import type { Config } from './config.ts';

/** The drill the watcher makes: the newest point, everything compared. What it finds is in the index, and in `status`. */
export async function drillBySchedule(deps: Deps, config: Config, signal: AbortSignal): Promise<void> {
  const { points } = await loadStoreView(deps, { refresh: 'always', signal });
  const point = chooseDrillPoint(points, 'latest', { machineId: deps.identity.machine.id, random: deps.random });
  await runDrill(deps, {
    point,
    points,
    opened: await openPointReader(deps, points, { signal }),
    components: drillComponents,
    withoutHoldfast: false,
    skipValidation: false,
    keep: false,
    targets: { rtoMs: config.targets.rto, rpoMs: config.targets.rpo },
    signal,
  });
}
