/*
 * Everything written before the record is garbage if we die; everything after it is cache.
 */
import { sha256Of } from '../format/digest.ts';
import { encodeRecord } from '../format/snapshot-record.ts';
import { fileNameOfPackKey, hashOfPackKey, packIndexKey, recordKey, snapshotPackKey } from '../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import { makeSnapshotId, type SnapshotId } from '../model/ids.ts';
import type { PackRef, SnapshotRecord } from '../model/snapshot.ts';
import type { StorageBody } from '../ports/object-storage.ts';
import type { SpooledSnapshot } from '../ports/spool.ts';
import type { Deps } from './deps.ts';
import { ensureStore } from './ensure-store.ts';
import { loadMarks } from './store-marks.ts';

/** Another writer may take an id in the same second; more clashes than this is not chance. */
const clashesMax = 20;
/** Half of prune's grace, as old as a view may be, and six hours for the work itself. */
const lookAgeMsMax = 18 * 3_600_000;

export interface PublishOptions {
  readonly signal?: AbortSignal | undefined;
  /** Ids captured by this very command; the others had been waiting. */
  readonly fresh?: ReadonlySet<SnapshotId>;
}

/**
 * Publishes what waits in the spool, oldest first: packs, pack indexes, record, each durable before the next. Safe to
 * repeat after a crash at any point: what is already there is recognised. Returns the snapshots under their final ids.
 * @throws {HoldfastError} of kind storage or access when the store cannot take them; what is left stays in the spool
 */
export async function publishSnapshots(
  deps: Deps,
  spooled: readonly SpooledSnapshot[],
  options: PublishOptions = {},
): Promise<readonly SpooledSnapshot[]> {
  if (spooled.length === 0) return [];
  await ensureStore(deps, options);
  const { plans } = await loadMarks(deps);
  const doomed = new Set(plans.flatMap((plan) => [...plan.condemned.map(({ key }) => key), ...plan.leftovers]));
  const lookedAt = Date.parse((await deps.recordCache.sighting())?.seenAt ?? '');
  const published: SpooledSnapshot[] = [];
  let waiting = await relink(deps, spooled);
  while (waiting.length > 0) {
    const before = waiting[0]!.record.id;
    const { done, rest } = await publishFirst(deps, waiting, { doomed, lookedAt, signal: options.signal });
    await rememberPublished(deps, done, { waited: options.fresh?.has(before) !== true });
    published.push(done);
    waiting = rest;
  }
  return published;
}

/** What is known of the store while publishing. */
interface Circumstances {
  /** Keys prune has condemned, or is about to clear away. */
  readonly doomed: ReadonlySet<string>;
  /** When the store was last looked at, in milliseconds since 1970. */
  readonly lookedAt: number;
  readonly signal: AbortSignal | undefined;
}

/** Publishes the first that waits under its id, or under the next free one when another writer has it. */
async function publishFirst(
  deps: Deps,
  waiting: readonly SpooledSnapshot[],
  options: Circumstances,
): Promise<{ readonly done: SpooledSnapshot; readonly rest: readonly SpooledSnapshot[] }> {
  let [current, ...rest] = waiting as readonly [SpooledSnapshot, ...SpooledSnapshot[]];
  const { label } = current.record;
  const taken = new Date(current.record.takenAt);
  for (let clash = 2; ; clash++) {
    if (await tryPut(deps, current, { ...options, isLastTry: clash > clashesMax })) return { done: current, rest };
    const slug = deps.encryption.hiddenSlug(label, taken) ?? label;
    const record = withId(current.record, makeSnapshotId(taken, slug, clash, idNonce(deps)));
    const renamed = await deps.spool.rewrite(current, record, encodeRecord(record));
    // Before it is published: once it has left the spool, nothing would tell those behind it that it was renamed.
    current = renamed;
    rest = (await relink(deps, [renamed, ...rest])).slice(1);
  }
}

/** Returns false when the id is taken, or as good as taken: prune is clearing it away (this upload, given up weeks ago). */
async function tryPut(
  deps: Deps,
  snapshot: SpooledSnapshot,
  options: Circumstances & { readonly isLastTry: boolean },
): Promise<boolean> {
  if (snapshot.record.packs.some(({ key }) => options.doomed.has(key))) return false;
  try {
    await putSnapshot(deps, snapshot, options);
    return true;
  } catch (error) {
    if (!isHoldfastError(error, 'storage_conflict') || options.isLastTry) throw error;
    return false;
  }
}

/**
 * A machine that slept between capture and publishing may build on packs that prune has deleted meanwhile (X13); the snapshot
 * stays in the spool, and the next command looks at the store first.
 */
function assertAwake(deps: Deps, { lookedAt }: Circumstances): void {
  if (deps.clock.now().getTime() - lookedAt <= lookAgeMsMax) return;
  throw new HoldfastError('storage_timeout', 'This machine seems to have slept while it was publishing a snapshot.', {
    hint: 'Run the command again; the snapshot is safe on this machine.',
  });
}

async function putSnapshot(deps: Deps, snapshot: SpooledSnapshot, options: Circumstances): Promise<void> {
  const { signal } = options;
  for (const pack of snapshot.record.packs) {
    await deps.storage.putIfAbsent(pack.key, fileBody(snapshot.directory, pack, 'pack'), { signal });
    await deps.storage.putIfAbsent(packIndexKey(pack.key), fileBody(snapshot.directory, pack, 'idx'), { signal });
  }
  assertAwake(deps, options);
  signal?.throwIfAborted(); // Last way out: after the next line the snapshot exists.
  await deps.storage.putIfAbsent(recordKey(snapshot.record.id), bytesBody(snapshot.recordBytes));
}

/** From here on everything is cache: if we die, the next command finds the record in the store and does this again. */
async function rememberPublished(deps: Deps, snapshot: SpooledSnapshot, options: { waited: boolean }): Promise<void> {
  const { record, recordBytes } = snapshot;
  await deps.recordCache.save(record.id, recordBytes);
  const sighting = await deps.recordCache.sighting();
  if (sighting !== null && !sighting.snapshotIds.includes(record.id)) {
    await deps.recordCache.saveSighting({ ...sighting, snapshotIds: [...sighting.snapshotIds, record.id] });
  }
  for (const pack of record.packs) await deps.objects.remember(pack, snapshot.directory);
  await appendIndexRow(deps, snapshot, options);
  await deps.spool.remove(snapshot);
  deps.events.emit({ type: 'snapshot_published', id: record.id, waited: options.waited });
}

async function appendIndexRow(deps: Deps, snapshot: SpooledSnapshot, options: { waited: boolean }): Promise<void> {
  const { record } = snapshot;
  const recordSha256 = sha256Of(snapshot.recordBytes);
  if (options.waited) {
    const { rows } = await deps.snapshotIndex.read();
    const known = rows.filter((row) => 'id' in row.event && row.event.id === record.id).map((row) => row.event.event);
    if (known.includes('published')) return;
    if (known.includes('snapshot')) {
      await deps.snapshotIndex.append({ event: 'published', id: record.id, recordSha256 });
      return;
    }
  }
  await deps.snapshotIndex.append(snapshotEvent(record, { where: 'store', recordSha256 }));
}

/** The index row of a snapshot. */
export function snapshotEvent(
  record: SnapshotRecord,
  options: { where: 'store' | 'local'; recordSha256: ReturnType<typeof sha256Of>; rebuilt?: boolean },
) {
  const { counts } = record;
  return {
    event: 'snapshot',
    id: record.id,
    label: record.label,
    kind: record.kind,
    takenAt: record.takenAt,
    where: options.where,
    complete: record.complete,
    files: counts.files,
    sizeBytes: counts.sizeBytes,
    storedBytes: counts.storedBytes,
    added: counts.added,
    changed: counts.changed,
    removed: counts.removed,
    durationMs: record.durationMs,
    recordSha256: options.recordSha256,
    ...(options.rebuilt === true ? { rebuilt: true } : {}),
  } as const;
}

/** Makes every snapshot of the queue refer to the record before it as it is now: a clash may have given that another id. */
async function relink(deps: Deps, queue: readonly SpooledSnapshot[]): Promise<readonly SpooledSnapshot[]> {
  const linked: SpooledSnapshot[] = [];
  for (const snapshot of queue) {
    const before = linked.at(-1);
    const { chain } = snapshot.record;
    const previous = before === undefined ? null : sha256Of(before.recordBytes);
    if (before === undefined || chain.sequence !== before.record.chain.sequence + 1 || chain.previous === previous) {
      linked.push(snapshot);
      continue;
    }
    const record = { ...snapshot.record, base: before.record.id, chain: { ...chain, previous } };
    linked.push(await deps.spool.rewrite(snapshot, record, encodeRecord(record)));
  }
  return linked;
}

/** Where the storage cannot be relied on to refuse a second creation of one key, ids carry chance. */
export function idNonce(deps: Deps): string | undefined {
  if (deps.storage.createIsExclusive) return undefined;
  return Array.from(deps.random.bytes(4), (byte) => (byte % 36).toString(36)).join('');
}

function withId(record: SnapshotRecord, id: SnapshotId): SnapshotRecord {
  const packs = record.packs.map((pack) => ({ ...pack, key: snapshotPackKey(id, hashOfPackKey(pack.key)) }));
  return { ...record, id, packs };
}

function fileBody(directory: string, pack: PackRef, extension: 'pack' | 'idx'): StorageBody {
  const isPack = extension === 'pack';
  return {
    kind: 'file',
    path: `${directory}/${fileNameOfPackKey(isPack ? pack.key : packIndexKey(pack.key))}`,
    sizeBytes: isPack ? pack.sizeBytes : pack.indexSizeBytes,
    sha256: isPack ? pack.sha256 : pack.indexSha256,
  };
}

function bytesBody(bytes: Uint8Array): StorageBody {
  return { kind: 'bytes', bytes, sha256: sha256Of(bytes) };
}
