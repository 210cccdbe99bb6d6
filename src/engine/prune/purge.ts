/*
 * Purge is a prune that first writes the snapshots anew without a path. Packs, plan, new records, then the old records go: killed
 * anywhere, every snapshot is there, with the path or without it, and the same command goes on.
 */
import { sha256Of } from '../../format/digest.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import { encodePinMark } from '../../format/pin-mark.ts';
import { encodeRecord } from '../../format/snapshot-record.ts';
import { markKey, recordKey } from '../../format/store-layout.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { isSnapshotId, type ObjectId, type SnapshotId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { Pin } from '../../model/pin.ts';
import type { PackRef, SnapshotRecord } from '../../model/snapshot.ts';
import type { OpenedReader } from '../../ports/object-access.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { Deps } from '../deps.ts';
import { packsInUse } from '../pack-sources.ts';
import { readMany } from '../read-many.ts';
import { treeLinks } from '../../format/git/tree-links.ts';
import { loadStoreView } from '../store-view.ts';
import { deleteUnlessBlocked } from './delete-key.ts';
import { assertWayBack } from './prune-guards.ts';
import { uploadPack, writePlan } from './write-plan.ts';
import { findLive } from './find-live.ts';
import { keysOfPack, packBytes, type PackFates, planPacks } from './plan-packs.ts';
import { graceMs } from './plan-prune.ts';
import { assertClock, takePruneLease } from './prune-lease.ts';
import { createPathRemover, type RewrittenSnapshot } from './remove-path.ts';
import { type StoreSurvey, surveyStore } from './survey-store.ts';
import { sweepCondemned } from './sweep-condemned.ts';

export interface PurgeOptions {
  readonly paths: readonly ByteString[];
  /** Deletes at once instead of a day later: what another machine captures at this very moment may then lack objects. */
  readonly now: boolean;
  /** Deletes the earlier versions the bucket keeps of what goes, too; only with `now`. */
  readonly versions: boolean;
  readonly withoutVersions?: boolean;
  readonly alone?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PurgeOutcome {
  /** Snapshots that had a path, by their new ids. */
  readonly rewritten: readonly { readonly from: SnapshotId; readonly to: SnapshotId }[];
  /** Objects that stood at the paths. */
  readonly objects: number;
  /** Of those: still needed elsewhere (the same content under another name, or the user's own commits), so still there. */
  readonly stillNeeded: number;
  readonly deletedBytes: number;
  readonly deletedVersions: number;
  readonly blocked: readonly string[];
  /** When what was condemned may be deleted; null when it was deleted already, or nothing was condemned. */
  readonly dueAt: Date | null;
}

/**
 * Removes paths from every snapshot of the store. The snapshots get new ids that end in `-purged`; the user's own git history is
 * not rewritten.
 * @throws {HoldfastError} `path_unknown` when no snapshot has them, and what `applyPrune` throws; then nothing was changed
 */
export async function purgePaths(deps: Deps, options: PurgeOptions): Promise<PurgeOutcome> {
  await assertWayBack(deps, options);
  const { signal } = options;
  const lease = await takePruneLease(deps, { signal });
  try {
    assertClock(deps, lease.storeNow);
    const survey = await surveyStore(deps, { signal });
    const rewriting = await rewriteSnapshots(deps, survey, options);
    const { changed, leaked } = rewriting;
    const { fates, opened, dead } = await findFates(deps, { survey, rewriting, signal });
    const { plan } = await writePlan(deps, {
      kind: 'purge',
      outline: {
        ...fates,
        dropped: changed.map(({ point }) => point),
        leftovers: [],
        gatheredBytes: fates.gathered.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        opened,
      },
      lease,
      signal,
    });
    await putRecords(deps, changed, survey.view.pins);
    const blocked: string[] = [];
    for (const { point } of changed) {
      await deleteUnlessBlocked(deps, recordKey(point.record.id), { lease, blocked, signal });
    }
    const swept = await sweepCondemned(deps, {
      survey,
      lease,
      graceMs: options.now ? 0 : graceMs,
      newPlan: plan,
      signal,
    });
    const oldKeys = [...fates.condemned.flatMap(keysOfPack), ...changed.map(({ point }) => recordKey(point.record.id))];
    const mayForget = options.now && options.versions;
    const deletedVersions = mayForget ? await deleteVersions(deps, oldKeys, signal) : 0;
    const stillNeeded = leaked.size - dead.size;
    await deps.snapshotIndex.append({
      event: 'purge',
      plan: plan?.plan ?? '',
      paths: options.paths,
      snapshots: changed.length,
      objects: leaked.size,
      stillNeeded,
      condemnedBytes: fates.condemned.reduce((sum, ref) => sum + packBytes(ref), 0),
      deletedBytes: swept.deletedBytes,
      deletedVersions,
    });
    await loadStoreView(deps, { refresh: 'always', signal });
    const isDeleted = options.now || fates.condemned.length === 0 || lease.storeNow === null;
    return {
      rewritten: changed.map(({ point, record }) => ({ from: point.record.id, to: record.id })),
      objects: leaked.size,
      stillNeeded,
      deletedBytes: swept.deletedBytes,
      deletedVersions,
      blocked: [...blocked, ...swept.blocked],
      dueAt: isDeleted ? null : new Date(lease.storeNow!.getTime() + graceMs),
    };
  } finally {
    await lease.release();
  }
}

interface ChangedSnapshot {
  readonly point: RestorePoint;
  /** What takes its place. */
  readonly record: SnapshotRecord;
}

interface Rewriting {
  readonly changed: readonly ChangedSnapshot[];
  /** Everything that stood at the paths. */
  readonly leaked: ReadonlySet<ObjectId>;
  /** With the new trees and commits; in the store already. */
  readonly packs: readonly PackRef[];
}

/** Writes the trees of all snapshots that have a path anew, and uploads them; nobody knows of them yet. */
async function rewriteSnapshots(deps: Deps, survey: StoreSurvey, options: PurgeOptions): Promise<Rewriting> {
  const { signal } = options;
  const { live, condemned } = packsInUse(survey.points, survey.marks);
  const { reader, known, unusable } = await deps.objects.openReader([...condemned, ...live], { signal });
  if (unusable.length > 0) {
    throw new HoldfastError('pack_missing', `Nothing is purged while a pack cannot be used: ${unusable[0]!.key}.`, {
      hint: 'See which snapshots it touches with: holdfast verify',
    });
  }
  await using draft = await deps.spool.begin();
  await using writer = deps.objects.openWriter(draft.directory, known);
  const remover = createPathRemover(reader, writer, options.paths);
  const ids = new Map<string, ObjectId>(survey.points.map(({ record }) => [record.id, record.commit]));
  const changed: ChangedSnapshot[] = [];
  for (const point of survey.points) {
    signal?.throwIfAborted();
    const rewritten = await remover.remove(point.record);
    if (rewritten !== null) changed.push({ point, record: purgedRecord(point.record, rewritten, ids) });
  }
  if (changed.length === 0) {
    throw new HoldfastError('path_unknown', 'No restore point in the store has that path.', {
      hint: 'Look for it with: holdfast find',
    });
  }
  const packs: PackRef[] = [];
  for (const pack of await writer.seal()) packs.push(await uploadPack(deps, pack, signal));
  return { changed, packs, leaked: await everythingBelow(reader, remover.removed, signal) };
}

/** Decides what becomes of all packs when the new snapshots stand in the place of the old: whatever holds what leaked goes. */
async function findFates(
  deps: Deps,
  work: { survey: StoreSurvey; rewriting: Rewriting; signal: AbortSignal | undefined },
): Promise<{ readonly fates: PackFates; readonly opened: OpenedReader; readonly dead: ReadonlySet<ObjectId> }> {
  const { survey, rewriting, signal } = work;
  const { live: old, condemned } = packsInUse(survey.points, survey.marks);
  const added = rewriting.packs.map((ref) => ({ ref, localDirectory: null }));
  const opened = await deps.objects.openReader([...condemned, ...old, ...added], { signal });
  const gone = new Set(rewriting.changed.map(({ point }) => point));
  const kept = survey.points.filter((point) => !gone.has(point)).map(({ record }) => record);
  const records = [...kept, ...rewriting.changed.map(({ record }) => record)];
  const seed = Buffer.from(deps.random.bytes(4)).readUInt32LE();
  const live = await findLive(opened.reader, records, { seed, wantsHint: () => true, signal });
  const dead = new Set([...rewriting.leaked].filter((id) => !live.ids.has(rawObjectId(id), 0)));
  const planned = new Set(
    [...survey.marks.plans.flatMap((plan) => plan.packs), ...rewriting.packs].map(({ key }) => key),
  );
  const packs = { live: [...old, ...added], condemned };
  const fates = planPacks(opened.reader, packs, { live, kept, planned, seed, mustLeave: (id) => dead.has(id) });
  const leaving = new Set(fates.condemned.map(({ key }) => key));
  const standing = [...fates.standing, ...rewriting.packs.filter(({ key }) => !leaving.has(key))];
  return { fates: { ...fates, standing }, opened, dead };
}

/** From here on both are there; the old ones go next. */
async function putRecords(
  deps: Deps,
  changed: readonly ChangedSnapshot[],
  pins: ReadonlyMap<SnapshotId, Pin>,
): Promise<void> {
  for (const { record } of changed) {
    const bytes = encodeRecord(record);
    await deps.storage.putIfAbsent(recordKey(record.id), { kind: 'bytes', bytes, sha256: sha256Of(bytes) });
  }
  await carryPins(deps, changed, pins);
}

/** The same snapshot in everything but what was taken out of it. */
function purgedRecord(
  record: SnapshotRecord,
  rewritten: RewrittenSnapshot,
  ids: Map<string, ObjectId>,
): SnapshotRecord {
  // A run that was cut short may have put this very record there already.
  const isTaken = (candidate: string): boolean => (ids.get(candidate) ?? rewritten.commit) !== rewritten.commit;
  let id = `${record.id.slice(0, idCharsMax)}-purged`;
  for (let number = 2; isTaken(id); number++) id = `${record.id.slice(0, idCharsMax)}-purged-${number}`;
  if (!isSnapshotId(id)) throw new HoldfastError('invariant_broken', `No id can be made of ${record.id}.`);
  ids.set(id, rewritten.commit);
  const notice = { code: 'purged', message: `paths were purged from this snapshot, which was ${record.id}` } as const;
  return { ...record, ...rewritten, id, packs: [], notices: [...record.notices, notice] };
}

/** Leaves room for "-purged-" and a number. */
const idCharsMax = 21 + 70;

async function everythingBelow(
  reader: ObjectReader,
  roots: ReadonlySet<ObjectId>,
  signal: AbortSignal | undefined,
): Promise<Set<ObjectId>> {
  const found = new Set<ObjectId>(roots);
  for (let level = [...roots]; level.length > 0;) {
    const next: ObjectId[] = [];
    for (const { type, content } of (await readMany(reader, level, { signal })).values()) {
      if (type !== 'tree') continue;
      for (const { id } of treeLinks(content)) {
        if (found.has(id)) continue;
        found.add(id);
        next.push(id);
      }
    }
    level = next;
  }
  return found;
}

async function carryPins(
  deps: Deps,
  changed: readonly ChangedSnapshot[],
  pins: ReadonlyMap<SnapshotId, Pin>,
): Promise<void> {
  const { machine, user } = { machine: deps.identity.machine.name, user: deps.identity.machine.user };
  for (const { point, record } of changed) {
    const pin = pins.get(point.record.id);
    if (pin === undefined || pins.has(record.id)) continue;
    const at = deps.clock.now().toISOString();
    const bytes = encodePinMark({ snapshot: record.id, mark: 'pin', at, machine, user, reason: pin.reason });
    await deps.storage.putIfAbsent(markKey(record.id, 1, 'pin'), { kind: 'bytes', bytes, sha256: sha256Of(bytes) });
  }
}

/** Deletes for good what the bucket kept of these keys. */
async function deleteVersions(deps: Deps, keys: readonly string[], signal: AbortSignal | undefined): Promise<number> {
  let deleted = 0;
  for (const key of keys) {
    const versions = [];
    for await (const version of deps.storage.versions(key, { signal })) if (version.key === key) versions.push(version);
    for (const { storageVersionId, isDeleteMarker } of versions) {
      await deps.storage.delete(key, { storageVersionId, signal });
      if (!isDeleteMarker) deleted++;
    }
  }
  return deleted;
}
