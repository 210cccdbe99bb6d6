/*
 * Keys are written once, so a replica is level when it has them. Order is everything: a record reaches the replica only after
 * every pack that was listed with it, so at any interruption the replica is a whole store of the snapshots it shows.
 */
import { type ParsedStoreKey, parseStoreKey, snapshotsPrefix } from '../../format/store-layout.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { ObjectStorage, StorageKey, StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { readStoreHeader } from '../ensure-store.ts';
import { copyObject, expectedSums } from './copy-object.ts';

export interface SyncOptions {
  /** The replica as it lies there: bytes are copied as they are, encrypted ones too. */
  readonly replica: ObjectStorage;
  readonly signal?: AbortSignal | undefined;
}

export interface SyncReport {
  readonly url: string;
  /** Snapshots that are on the replica now and were not before. */
  readonly snapshots: number;
  readonly objects: number;
  readonly copiedBytes: number;
  /** Objects of the source whose bytes are not what their record says: not copied (`verify` and `repair` are for them). */
  readonly damaged: readonly StorageKey[];
  readonly complete: boolean;
  readonly durationMs: number;
}

/** At once: enough to keep a distant storage busy, few enough to bound memory. */
const copiesMax = 8;
/** A pack that prune deleted while it was to be copied makes the listing stale; so often it cannot happen by chance. */
const listingsMax = 3;

/**
 * Brings one replica level with the store: whatever it lacks is copied, packs first, records last, each object's SHA-256
 * compared. Nothing is ever deleted there. What was copied before an interruption is found again. Writes an index row.
 * @throws {HoldfastError} `store_foreign` when the replica belongs to another vault; of kind storage or access when either
 * cannot be reached; `store_missing` when there is nothing to replicate yet
 */
export async function syncReplica(deps: Deps, options: SyncOptions): Promise<SyncReport> {
  const startedMs = deps.clock.monotonicMs();
  const { replica, signal } = options;
  await assertOwnReplica(deps, replica, signal);
  deps.events.emit({ type: 'phase_started', phase: 'replicate' });
  const tally = { objects: 0, copiedBytes: 0, snapshots: 0 };
  let damaged: readonly StorageKey[] = [];
  for (let listing = 1; ; listing++) {
    const work = await listWork(deps, replica, signal);
    const result = await copyStages(deps, { ...options, work, tally });
    damaged = result.damaged;
    if (!result.isStale) break;
    if (listing === listingsMax) throw tooBusy(deps);
  }
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  const report = { url: replica.url, ...tally, damaged, complete: damaged.length === 0, durationMs };
  deps.events.emit({ type: 'phase_finished', phase: 'replicate', durationMs });
  const { url, snapshots, objects, copiedBytes, complete } = report;
  await deps.snapshotIndex.append({
    event: 'replicate',
    replica: url,
    snapshots,
    objects,
    copiedBytes,
    damaged: damaged.length,
    complete,
    durationMs,
  });
  return report;
}

async function assertOwnReplica(deps: Deps, replica: ObjectStorage, signal: AbortSignal | undefined): Promise<void> {
  const source = await readStoreHeader({ storage: deps.rawStorage }, { signal });
  if (source === null) {
    throw new HoldfastError('store_missing', 'There is nothing to replicate yet: the store is empty.', {
      hint: 'Take a first snapshot with: holdfast snapshot',
    });
  }
  const header = await readStoreHeader({ storage: replica }, { signal });
  if (header === null || header.vaultId === source.vaultId) return;
  throw new HoldfastError(
    'store_foreign',
    `The replica ${replica.url} belongs to another vault ("${header.vaultName}").`,
    {
      hint: 'Give each vault a replica of its own: another prefix or folder. Nothing was copied.',
    },
  );
}

interface Work {
  /** Objects to copy, in stages; one stage is finished before the next begins. */
  readonly stages: readonly (readonly StoredObject[])[];
}

/** What the store has and the replica lacks. An object of another size there was cut short, or is not ours to judge: see `put`. */
async function listWork(deps: Deps, replica: ObjectStorage, signal: AbortSignal | undefined): Promise<Work> {
  const there = new Map<StorageKey, number>();
  for await (const { key, sizeBytes } of replica.list('', { signal })) there.set(key, sizeBytes);
  const stages: StoredObject[][] = [[], [], [], []];
  for await (const object of deps.rawStorage.list('', { signal })) {
    const stage = stageOf(object.key);
    if (stage !== null && there.get(object.key) !== object.sizeBytes) stages[stage]!.push(object);
  }
  return { stages };
}

const planStage = 2;

/**
 * Header and keys first (a record nobody can open is none), then data, then the plans of prune (which say what packs there are
 * beside those of the records), then marks and records. Null: not replicated.
 */
function stageOf(key: StorageKey): 0 | 1 | 2 | 3 | null {
  const kind = parseStoreKey(key)?.kind;
  return kind === undefined ? null : stages[kind];
}

// What was condemned is deleted in the storage it was condemned in; the live mirror's history is its bucket's own.
const stages = {
  header: 0,
  guide: 0,
  decryptor: 0,
  keys: 0,
  pack: 1,
  index: 1,
  drill: 1,
  log: 1,
  condemned: planStage,
  record: 3,
  mark: 3,
  gone: null,
  lease: null,
  live: null,
} as const satisfies Record<ParsedStoreKey['kind'], 0 | 1 | 2 | 3 | null>;

async function copyStages(
  deps: Deps,
  options: SyncOptions & {
    readonly work: Work;
    readonly tally: { objects: number; copiedBytes: number; snapshots: number };
  },
): Promise<{ readonly isStale: boolean; readonly damaged: readonly StorageKey[] }> {
  const { work, tally, signal } = options;
  const totalBytes = work.stages.flat().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const sums = await expectedSums(deps, { signal });
  const damaged: StorageKey[] = [];
  let doneBytes = 0;
  let isStale = false;
  for (const [stage, objects] of work.stages.entries()) {
    // A record, or a plan, whose packs did not all arrive would promise what the replica cannot keep.
    if (stage >= planStage && (isStale || damaged.length > 0)) break;
    const copies = mapConcurrent(objects, { limit: copiesMax, signal }, async (object) => ({
      object,
      outcome: await copyObject(deps, { ...options, object, sha256: sums.get(object.key) ?? null }),
    }));
    for await (const { object, outcome } of copies) {
      doneBytes += object.sizeBytes;
      deps.events.emit({ type: 'progress', phase: 'replicate', done: doneBytes, total: totalBytes, unit: 'bytes' });
      if (outcome === 'vanished') isStale = true;
      else if (outcome === 'damaged') damaged.push(object.key);
      else {
        tally.objects++;
        tally.copiedBytes += object.sizeBytes;
        if (parseStoreKey(object.key)?.kind === 'record') tally.snapshots++;
      }
    }
  }
  return { isStale, damaged };
}

function tooBusy(deps: Deps): HoldfastError {
  return new HoldfastError('storage_conflict', `The store ${deps.storage.url} changes while it is copied.`, {
    hint: 'A prune is running there: run "holdfast replicate sync" again when it is done. Nothing is lost.',
  });
}

/** Snapshots of a storage, by their records. */
export async function listRecordIds(storage: ObjectStorage, signal: AbortSignal | undefined): Promise<SnapshotId[]> {
  const ids: SnapshotId[] = [];
  for await (const { key } of storage.list(snapshotsPrefix, { signal })) {
    const parsed = parseStoreKey(key);
    if (parsed?.kind === 'record') ids.push(parsed.id);
  }
  return ids;
}
