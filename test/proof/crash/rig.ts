import type { Rig } from '../rig.ts';

export const rig: Rig = {
  name: 'crash',
  title: 'crash',
  run: async () => ({ checks: 0, seeds: [], failures: [], notes: [] }),
};
