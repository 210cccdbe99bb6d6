/*
 * The live mirror holds the vault's files as they are, one object each, so that the storage's own versions are a second and
 * independent way back: no pack, no index, no record has to be read. Only what changed since the last snapshot is written.
 */
import { sha256Of } from '../format/digest.ts';
import { liveKeyOf, pathOfLiveKey } from '../format/live-key.ts';
import { livePrefix } from '../format/store-layout.ts';
import type { ByteString } from '../lib/bytes.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import type { ChangeSide } from '../model/change.ts';
import type { ObjectId } from '../model/ids.ts';
import { newestOfMachine, type RestorePoint } from '../model/restore-point.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import type { StorageKey } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { diffTrees } from './diff-trees.ts';
import { readBlobs } from './read-file.ts';
import { openTreeReader, type TreeReader } from './read-tree.ts';
import { loadStoreView, openPointReader } from './store-view.ts';

export interface MirrorReport {
  readonly written: number;
  readonly deleted: number;
  /** Links, and paths too long for a key: the snapshot has them, the mirror does not. */
  readonly leftOut: number;
}

const writesMax = 8;

/**
 * Brings the live mirror to the state of this machine's newest published snapshot; null when it has that already. What an
 * interruption left undone is done by the next call: the index row, written last, says how far the mirror is.
 */
export async function updateLiveMirror(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<MirrorReport | null> {
  const { signal } = options;
  const { points } = await loadStoreView(deps, { refresh: 'never', signal });
  const stored = points.filter(({ where }) => where === 'store');
  const point = newestOfMachine(stored, deps.identity.machine.id);
  const before = await mirroredPoint(deps, stored);
  if (point === null || point.record.id === before?.record.id) return null;
  const { reader } = await openPointReader(deps, points, { signal });
  const trees = openTreeReader(reader, { signal });
  const work = await planMirror(deps, { trees, before, after: point, signal });
  const jobs = mapConcurrent(work.jobs, { limit: writesMax, signal }, async (job) => {
    await (job.side === null
      ? deps.storage.delete(job.key, { signal })
      : writeFile(deps, { reader, trees, ...job, side: job.side, signal }));
    return job;
  });
  let written = 0;
  let deleted = 0;
  for await (const job of jobs) {
    if (job.side === null) deleted++;
    else written++;
  }
  const report = { written, deleted, leftOut: work.leftOut };
  await deps.snapshotIndex.append({ event: 'live', id: point.record.id, ...report });
  return report;
}

/** The snapshot whose state the mirror has, when this machine wrote it and the store still has that snapshot. */
async function mirroredPoint(deps: Deps, points: readonly RestorePoint[]): Promise<RestorePoint | null> {
  const { rows } = await deps.snapshotIndex.read();
  const last = rows.findLast(({ event }) => event.event === 'live');
  if (last?.event.event !== 'live' || last.machine !== deps.identity.machine.id) return null;
  const { id } = last.event;
  return points.find(({ record }) => record.id === id) ?? null;
}

interface Job {
  readonly key: StorageKey;
  readonly path: ByteString;
  /** Null: to be deleted. */
  readonly side: ChangeSide | null;
}

interface Work {
  readonly jobs: readonly Job[];
  readonly leftOut: number;
}

async function planMirror(
  deps: Deps,
  at: { trees: TreeReader; before: RestorePoint | null; after: RestorePoint; signal: AbortSignal | undefined },
): Promise<Work> {
  const { trees, before, after, signal } = at;
  const jobs = new Map<StorageKey, Job>();
  let leftOut = 0;
  // Nothing known of the mirror: everything is written, and what is there besides goes.
  if (before === null) {
    for await (const { key } of deps.storage.list(livePrefix, { signal })) {
      const path = pathOfLiveKey(key);
      if (path !== null) jobs.set(key, { key, path, side: null });
    }
  }
  const changes = await diffTrees(
    { trees: before === null ? nothing : trees, root: before?.record.tree ?? noTree },
    { trees, root: after.record.tree },
    { except: deps.settings.logFolder, signal },
  );
  for (const change of changes) {
    if (change.kind === 'mode') continue;
    const { path } = change;
    const key = liveKeyOf(path);
    const side = change.after?.kind === 'link' ? null : change.after;
    if (key === null || change.after?.kind === 'link') leftOut++;
    if (key !== null && (side !== null || change.before !== null)) jobs.set(key, { key, path, side });
  }
  return { jobs: [...jobs.values()], leftOut };
}

const noTree = '0'.repeat(40) as ObjectId;

/** A tree with nothing in it, whatever it is asked for. */
const nothing: TreeReader = {
  folder: async () => [],
  chunks: async () => ({ ids: [], executable: false, trueName: null }),
  prefetch: async () => {},
};

async function writeFile(
  deps: Deps,
  job: { reader: ObjectReader; trees: TreeReader; key: StorageKey; side: ChangeSide; signal: AbortSignal | undefined },
): Promise<void> {
  const { reader, trees, key, side, signal } = job;
  if (side.kind !== 'chunked') {
    const { content } = await reader.read(side.id, signal === undefined ? {} : { signal });
    await deps.storage.put(key, { kind: 'bytes', bytes: content, sha256: sha256Of(content) }, { signal });
    return;
  }
  const { ids } = await trees.chunks(side.id);
  using file = await deps.temporaryFiles.collect(readBlobs(reader, ids, { signal }));
  const { path, sizeBytes, sha256 } = file;
  await deps.storage.put(key, { kind: 'file', path, sizeBytes, sha256 }, { signal });
}
