import type { RestorePoint } from '../model/restore-point.ts';
import type { PackRef } from '../model/snapshot.ts';
import type { PackSource } from '../ports/object-access.ts';
import type { StoreMarks } from './store-marks.ts';

/** A pack that a record or a plan names, with all that is known of it. */
export interface KnownSource extends PackSource {
  readonly ref: PackRef;
}

export interface CondemnedSource extends PackSource {
  /** When, by the clock of the machine that did. */
  readonly condemnedAt: string;
}

export interface PacksInUse {
  /** What is to be found in these is in the store. */
  readonly live: readonly KnownSource[];
  /**
   * Condemned by prune and perhaps still there: good for reading what was published at the moment they were condemned,
   * never for relying on.
   */
  readonly condemned: readonly CondemnedSource[];
}

/** Tells which packs there are: those of the records, and those that plans of prune name, less what was condemned. */
export function packsInUse(points: readonly RestorePoint[], marks: StoreMarks): PacksInUse {
  const condemned = new Map<string, CondemnedSource>();
  const gone = new Set<string>();
  for (const plan of marks.plans) {
    const isGone = marks.gonePlans.has(plan.plan);
    for (const ref of plan.condemned) {
      const facts = { ...ref, sha256: null, objectCount: null };
      condemned.set(ref.key, { ref: facts, localDirectory: null, isCondemned: true, condemnedAt: plan.at });
      if (isGone) gone.add(ref.key);
    }
  }
  const live = new Map<string, KnownSource>();
  const addLive = (ref: PackRef, localDirectory: string | null): void => {
    if (localDirectory !== null || !condemned.has(ref.key)) live.set(ref.key, { ref, localDirectory });
  };
  for (const { record, localDirectory } of points) for (const ref of record.packs) addLive(ref, localDirectory);
  for (const plan of marks.plans) for (const ref of plan.packs) addLive(ref, null);
  return {
    live: [...live.values()],
    condemned: [...condemned.values()].filter(({ ref }) => !gone.has(ref.key)),
  };
}
