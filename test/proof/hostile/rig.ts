import { join } from 'node:path';
import type { Rig, RigOptions, RigResult } from '../rig.ts';
import { hostileCases } from './cases.ts';
import { damageEverything, minimalStore } from './damage.ts';
import { prepareHonest, runCases } from './run-cases.ts';
import { tracedRestore } from './trace.ts';

const tracedMax = { push: 12, nightly: 80 };

/** Hostile names, trees, packs, links, records, lines and texts; every byte of a store damaged. */
export const rig: Rig = {
  name: 'hostile',
  title: 'P5, P8, P11: a hostile corpus through every reading command; every byte of a minimal store damaged',
  async run(options: RigOptions): Promise<RigResult> {
    const { only, folder } = options;
    const cases = hostileCases().filter(({ name }) => only === null || name.includes(only));
    const corpus = await runCases(folder, cases, (done) => options.progress(`${done} hostile cases`));
    const failures = [...corpus.failures];

    const traced = chooseTraced(cases.length, options.nightly).map((number) => cases[number]!);
    const honest = await prepareHonest(join(folder, 'traced-honest'));
    for (const [number, one] of traced.entries()) {
      const outside = tracedRestore(join(folder, `traced-${number}`), honest, one);
      if (outside.length > 0) failures.push(`${one.group} ${one.name}: the trace shows ${outside[0]} (P5)`);
    }

    const damage = await damageEverything(folder, await minimalStore(folder), {
      bits: options.nightly ? [0, 1, 2, 3, 4, 5, 6, 7] : [0],
      cutStep: options.nightly ? 1 : 4,
      progress: (done) => options.progress(done),
    });
    failures.push(...damage.failures);
    const checks = damage.flips + damage.cuts + damage.swaps;
    return {
      checks: corpus.runs + traced.length + checks,
      seeds: [],
      failures,
      notes: [`the corpus ran in process, ${traced.length} of it also as real processes under strace`],
      figures: [
        { what: 'hostile cases through every reading command', count: corpus.cases, floor: 300 },
        { what: 'flips, cuts and swaps of a minimal store, none unseen', count: checks, floor: 5_000 },
        {
          what: 'restores under a syscall trace, nothing written outside',
          count: traced.length,
          floor: tracedMax.push,
        },
      ],
    };
  },
};

/** Evenly over the corpus. */
function chooseTraced(count: number, isNightly: boolean): number[] {
  const wanted = Math.min(count, isNightly ? tracedMax.nightly : tracedMax.push);
  return Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
}
