import type { Rig } from './rig.ts';

export interface RigEntry {
  readonly name: string;
  /** The longest are started first, so that both cores are busy to the end. */
  readonly seconds: number;
  load(): Promise<Rig>;
}

/** Every rig of the proof; one that is missing here is a promise that nobody tests. */
export const rigs: readonly RigEntry[] = [
  { name: 'faults', seconds: 120, load: async () => (await import('./faults/rig.ts')).rig },
  { name: 'crash', seconds: 200, load: async () => (await import('./crash/rig.ts')).rig },
  { name: 'power-cut', seconds: 60, load: async () => (await import('./power-cut/rig.ts')).rig },
  { name: 'hostile', seconds: 120, load: async () => (await import('./hostile/rig.ts')).rig },
  { name: 'histories', seconds: 220, load: async () => (await import('./histories/rig.ts')).rig },
  { name: 'mutants', seconds: 100, load: async () => (await import('./mutants/rig.ts')).rig },
];
