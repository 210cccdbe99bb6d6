import type { IndexRow } from '../model/index-row.ts';
import type { Burst } from './assess-burst.ts';

/** A burst nobody dealt with yet. */
export interface BurstHold extends Burst {
  /** ISO time. */
  readonly at: string;
  /** Id of the machine that saw it. */
  readonly machine: string;
}

/**
 * The newest burst that was not resolved (`holdfast rescue --resolve`, `holdfast prune --ignore-burst`): while there is one,
 * retention waits and automatic snapshots are labelled `after-burst-…`. Null when there is none.
 */
export function readBurstHold(rows: readonly IndexRow[]): BurstHold | null {
  let hold: BurstHold | null = null;
  let resolvedAt = '';
  for (const { at, machine, event } of rows) {
    // Rows of several machines need not stand in the order of their times.
    if (event.event === 'burst' && (hold === null || at >= hold.at)) hold = { ...event, at, machine };
    if (event.event === 'burst_resolved' && at > resolvedAt) resolvedAt = at;
  }
  return hold !== null && hold.at > resolvedAt ? hold : null;
}
