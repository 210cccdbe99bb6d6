/*
 * Everything written before the record is garbage if we die; everything after it is cache.
 */
import { sha256Of } from '../format/digest.ts';
import { encodeRecord } from '../format/snapshot-record.ts';
import { fileNameOfPackKey, hashOfPackKey, packIndexKey, recordKey, snapshotPackKey } from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import { makeSnapshotId, type SnapshotId } from '../model/ids.ts';
import type { PackRef, SnapshotRecord } from '../model/snapshot.ts';
import type { StorageBody } from '../ports/object-storage.ts';
import type { SpooledSnapshot } from '../ports/spool.ts';
import type { Deps } from './deps.ts';
import { ensureStore } from './ensure-store.ts';

/** Another writer may take an id in the same second; more clashes than this is not chance. */
const clashesMax = 20;

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
  const published: SpooledSnapshot[] = [];
  let waiting = [...spooled];
  while (waiting.length > 0) {
    const [next, ...rest] = waiting as [SpooledSnapshot, ...SpooledSnapshot[]];
    const done = await publishOne(deps, next, options);
    waiting = done.record.id === next.record.id ? rest : await relink(deps, rest, { before: next, after: done });
    await rememberPublished(deps, done, { waited: options.fresh?.has(next.record.id) !== true });
    published.push(done);
  }
  return published;
}

/** Publishes under the snapshot's id, or under the next free one when another writer has it. */
async function publishOne(deps: Deps, snapshot: SpooledSnapshot, options: PublishOptions): Promise<SpooledSnapshot> {
  let current = snapshot;
  for (let clash = 2; ; clash++) {
    try {
      await putSnapshot(deps, current, options.signal);
      return current;
    } catch (error) {
      if (!isHoldfastError(error, 'storage_conflict') || clash > clashesMax) throw error;
      const id = makeSnapshotId(new Date(snapshot.record.takenAt), snapshot.record.label, clash, idNonce(deps));
      const record = withId(snapshot.record, id);
      current = await deps.spool.rewrite(current, record, encodeRecord(record));
    }
  }
}

async function putSnapshot(deps: Deps, snapshot: SpooledSnapshot, signal: AbortSignal | undefined): Promise<void> {
  for (const pack of snapshot.record.packs) {
    await deps.storage.putIfAbsent(pack.key, fileBody(snapshot.directory, pack, 'pack'), { signal });
    await deps.storage.putIfAbsent(packIndexKey(pack.key), fileBody(snapshot.directory, pack, 'idx'), { signal });
  }
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

/** After a snapshot got another id, those behind it in the machine's chain refer to its new record. */
async function relink(
  deps: Deps,
  rest: readonly SpooledSnapshot[],
  change: { before: SpooledSnapshot; after: SpooledSnapshot },
): Promise<SpooledSnapshot[]> {
  const relinked: SpooledSnapshot[] = [];
  let { before, after } = change;
  for (const snapshot of rest) {
    if (snapshot.record.base !== before.record.id) {
      relinked.push(snapshot);
      continue;
    }
    const chain = { ...snapshot.record.chain, previous: sha256Of(after.recordBytes) };
    const record = { ...snapshot.record, base: after.record.id, chain };
    before = snapshot;
    after = await deps.spool.rewrite(snapshot, record, encodeRecord(record));
    relinked.push(after);
  }
  return relinked;
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
