import { judge, type Promised } from '../judge.ts';
import { differences, untouchable } from '../world.ts';
import type { Died, Stage } from './kill-loop.ts';
import type { Lane } from './lane.ts';

/** What the next commands of this machine find, and what comes of running the command again. */
export async function checkCommand(lane: Lane, stage: Stage, { scenario, end }: Died): Promise<string[]> {
  const wrong: string[] = [];
  const { live } = stage;
  const { label } = scenario;
  const kept = new Map(stage.kept);
  // What was printed was acknowledged.
  if (label !== null && end.out.includes(`-${label} `)) kept.set(label, live);
  // The settings a new vault is given are what `init` is for.
  if (scenario.name !== 'init') wrong.push(...touched(lane, stage));
  wrong.push(...(await judged(lane, { kept, live })));
  let again = await lane.run(scenario.words);
  if (scenario.words[0] === 'prune' && again.code === 10 && again.err.includes('taken over')) {
    // The lease of a run that died is for all machines to see, and runs out by itself (X13).
    lane.ageLeases();
    again = await lane.run(scenario.words);
  }
  if (again.code !== 0) wrong.push(`run again it ended ${again.code}: ${again.err}`);
  if (label !== null) kept.set(label, live);
  if (label !== null || scenario.words[0] === 'prune') {
    wrong.push(...(await judged(lane, { kept, live, compared: label === null ? [] : [label] })));
  }
  return wrong;
}

/** Live files or git's own that are not what they were (P4). */
function touched(lane: Lane, stage: Stage): string[] {
  return differences(stage.before, untouchable(lane.vault))
    .slice(0, 3)
    .map((line) => `P4: ${line}`);
}

export async function judged(lane: Lane, promised: Promised): Promise<string[]> {
  try {
    await using session = await lane.openSession();
    return await judge(session, promised);
  } catch (error) {
    return [`the vault cannot be read: ${String(error)}`];
  }
}
