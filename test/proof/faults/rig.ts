import { join } from 'node:path';
import type { Rig } from '../rig.ts';
import { failEveryCall } from './in-process.ts';
import { failEveryRequest } from './on-the-wire.ts';
import { commandsWithout, notDriven } from './scenarios.ts';
import { wireFaults } from './wire-faults.ts';

export const rig: Rig = {
  name: 'faults',
  title: 'every command, its n-th call to the store failed once and from then on: nothing acknowledged is lost',
  async run(options) {
    const missing = commandsWithout().map(
      (name) => `the command "${name}" has no scenario in test/proof/faults/scenarios.ts`,
    );
    const called = await failEveryCall({ ...options, folder: join(options.folder, 'called') });
    const asked = await failEveryRequest(options);
    const isWhole = options.only === null;
    const unmet = isWhole ? wireFaults.map(({ name }) => name).filter((name) => !asked.met.has(name)) : [];
    const replay = (failure: string): string =>
      `${failure}\nnpm run proof -- --rig faults --only ${JSON.stringify(nameIn(failure))}`;
    return {
      checks: called.runs + asked.runs,
      seeds: [options.seed],
      failures: [
        ...missing,
        ...unmet.map((name) => `the fault "${name}" was never met on the wire`),
        ...[...called.failures, ...asked.failures].map(replay),
      ],
      notes: [
        ...Object.entries(notDriven).map(([name, why]) => `not driven: ${name} (${why})`),
        `on the wire before ${asked.server}, ${wireFaults.length} kinds of fault`,
      ],
      figures: [
        { what: 'runs with the n-th call failed, in process', count: called.runs, floor: options.nightly ? 1500 : 500 },
        { what: 'faults met in them', count: called.faults },
        { what: 'runs with the n-th request failed, the SDK inside', count: asked.runs, floor: 150 },
      ],
    };
  },
};

/** Up to the number of the call: what `--only` finds it by. */
function nameIn(failure: string): string {
  return failure
    .replace(/ (?:call \d+)? ?\(.*$/s, '')
    .split(': ')
    .slice(0, 2)
    .join(': ')
    .slice(0, 90);
}
