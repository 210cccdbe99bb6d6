import type { Rig } from '../rig.ts';

export const rig: Rig = {
  name: 'faults',
  title: 'faults',
  run: async () => ({ checks: 0, seeds: [], failures: [], notes: [] }),
};
