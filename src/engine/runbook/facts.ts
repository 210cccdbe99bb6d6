import { lastDrillOf } from '../drill-health.ts';
import type { Deps } from '../deps.ts';
import { loadStoreView } from '../store-view.ts';

/** What the procedures are filled in with: this vault's own ids, places and measured times. */
export interface RunbookFacts {
  readonly vault: string;
  readonly root: string;
  readonly store: string;
  /** The store is a folder of this machine. */
  readonly isLocal: boolean;
  readonly isEncrypted: boolean;
  readonly hasVersions: boolean;
  readonly replicas: readonly string[];
  /** Newest and oldest complete restore point; null when there is none. */
  readonly latest: string | null;
  readonly oldest: string | null;
  readonly machines: readonly string[];
  readonly holdingDir: string;
  /** Of the last drill, in milliseconds; null when none was run. */
  readonly rtoMs: number | null;
  readonly rpoMs: number | null;
  readonly drilledAt: string | null;
}

/** Gathers them; a store that cannot be reached leaves what is known locally. */
export async function readRunbookFacts(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<RunbookFacts> {
  const view = await loadStoreView(deps, { refresh: 'always', signal: options.signal });
  const versioning = view.unreachable === null ? await deps.storage.versioning(options) : 'unknown';
  const complete = view.points.filter(({ record }) => record.complete);
  const { rows } = await deps.snapshotIndex.read();
  const drill = lastDrillOf(rows);
  const measured = drill?.event.event === 'drill' ? drill.event : null;
  return {
    vault: deps.identity.vault.name,
    root: deps.identity.vault.root,
    store: deps.storage.url,
    isLocal: deps.storage.isLocal,
    isEncrypted: deps.encryption.isSealed === true,
    hasVersions: versioning === 'on',
    replicas: deps.settings.replicas,
    latest: complete[0]?.record.id ?? null,
    oldest: complete.at(-1)?.record.id ?? null,
    machines: [...new Set(view.points.map(({ record }) => record.machine.name))],
    holdingDir: deps.holdingArea.name,
    rtoMs: measured?.rtoMs ?? null,
    rpoMs: measured?.rpoMs ?? null,
    drilledAt: drill?.at ?? null,
  };
}
