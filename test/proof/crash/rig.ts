import { join } from 'node:path';
import type { Rig } from '../rig.ts';
import { type KillCounts, killEverywhere } from './kill-loop.ts';
import { openLane } from './lane.ts';
import { whyNoStrace } from './strace.ts';

export const rig: Rig = {
  name: 'crash',
  title: 'the real process killed before every call that changes the disk or the store: nothing acknowledged is lost',
  async run(options) {
    const why = whyNoStrace();
    if (why !== null) throw new Error(why);
    const result: KillCounts = { kills: 0, doubleKills: 0, errors: 0, missed: 0, leftovers: 0, failures: [] };
    const lane = await openLane({ folder: join(options.folder, 'disk') });
    await killEverywhere(lane, options, result);
    return {
      checks: result.kills + result.errors,
      seeds: [options.seed],
      failures: result.failures,
      notes: [`${result.missed} planned kills came after the command had ended`],
      figures: [
        {
          what: 'real-process kills, all recovered and compared',
          count: result.kills,
          floor: options.nightly ? 3000 : 200,
        },
        { what: 'of them killed a second time while recovering', count: result.doubleKills },
        { what: 'errors returned by the disk (ENOSPC, EIO, EROFS, EMFILE, EXDEV)', count: result.errors },
      ],
    };
  },
};
