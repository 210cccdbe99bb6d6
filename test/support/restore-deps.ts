import type { Deps } from '../../src/engine/deps.ts';
import type { HoldfastEvent } from '../../src/model/events.ts';
import type { IndexEvent } from '../../src/model/index-row.ts';
import type { HoldingArea } from '../../src/ports/holding-area.ts';

export interface RestoreDeps {
  readonly deps: Deps;
  readonly events: HoldfastEvent[];
  readonly rows: IndexEvent[];
}

/** The part of the ports a restore touches; anything else it touches fails the test. */
export function restoreDeps(
  holdingArea: HoldingArea,
  options: { ignoresFolder?: boolean; tracked?: readonly string[] } = {},
): RestoreDeps {
  const events: HoldfastEvent[] = [];
  const rows: IndexEvent[] = [];
  const tracked = options.tracked;
  const deps = {
    holdingArea,
    clock: { now: () => new Date('2026-11-20T14:03:11Z'), monotonicMs: () => 0, sleep: () => Promise.resolve() },
    events: { emit: (event: HoldfastEvent) => void events.push(event) },
    snapshotIndex: {
      async append(event: IndexEvent) {
        rows.push(event);
      },
    },
    repository: {
      ignoresFolder: async () => options.ignoresFolder ?? true,
      trackedPaths: async () =>
        tracked === undefined
          ? null
          : {
              signature: '',
              load: () => ({
                hasFile: () => false,
                hasFolder: (path: string) => tracked.includes(path),
                changedSince: () => null,
              }),
            },
    },
  };
  return { deps: deps as unknown as Deps, events, rows };
}
