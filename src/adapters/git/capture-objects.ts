import { captureLoose, planLoose } from './capture-loose.ts';
import { capturePack, planPacks } from './capture-packs.ts';
import { addProblem, startRun } from './capture-run.ts';
import type { CaptureObjectsOptions, CaptureRun } from './capture-run.ts';

/**
 * Adds every object in these folders that the writer does not have: no walk over the history, only a difference of names.
 * A `git gc` may move objects from one file to another meanwhile, so what vanishes is looked for again.
 */
export async function captureObjects(folders: readonly string[], options: CaptureObjectsOptions): Promise<CaptureRun> {
  const earlier = startRun(options);
  for (let attempt = 1; ; attempt++) {
    const run = startRun(options);
    const packs = folders.flatMap((folder) => planPacks(run, folder));
    const loose = folders.map((folder) => ({ folder, names: planLoose(run, folder) }));
    // The fullest packs first: copied whole, they spare reading their objects one by one from others.
    packs.sort((a, b) => b.unknown - a.unknown);
    for (const plan of packs) await capturePack(run, plan);
    for (const plan of loose) await captureLoose(run, plan);
    run.copiedPacks.unshift(...earlier.copiedPacks);
    run.objectsDone += earlier.objectsDone;
    if (run.vanished.length === 0) return run;
    if (attempt === attemptsMax) {
      const names = run.vanished.slice(0, 3).join(', ');
      addProblem(run, 'history_incomplete', `Files of the repository kept vanishing while they were read: ${names}`);
      return run;
    }
    earlier.copiedPacks.splice(0, Infinity, ...run.copiedPacks);
    earlier.objectsDone = run.objectsDone;
  }
}

const attemptsMax = 3;
