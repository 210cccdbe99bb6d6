import type { Rig } from '../rig.ts';

export const rig: Rig = {
  name: 'power-cut',
  title: 'power-cut',
  run: async () => ({ checks: 0, seeds: [], failures: [], notes: [] }),
};
