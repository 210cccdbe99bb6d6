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
import type { SnapshotRecord } from '../../model/snapshot.ts';
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
import { keysOfPack, packBytes, planPacks } from './plan-packs.ts';
import { graceMs } from './plan-prune.ts';
import { assertClock, takePruneLease } from './prune-lease.ts';
import { createPathRemover, type RewrittenSnapshot } from './remove-path.ts';
import { surveyStore } from './survey-store.ts';
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
    const packs = packsInUse(survey.points, survey.marks);
    const opened = await deps.objects.openReader([...packs.condemned, ...packs.live], { signal });
    if (opened.unusable.length > 0)
      throw new HoldfastError('pack_missing', `A pack cannot be used: ${opened.unusable[0]!.key}.`);
    await using draft = await deps.spool.begin();
    await using writer = deps.objects.openWriter(draft.directory, opened.known);
    const remover = createPathRemover(opened.reader, writer, options.paths);
    const changed: { point: RestorePoint; rewritten: RewrittenSnapshot }[] = [];
    for (const point of survey.points) {
      signal?.throwIfAborted();
      const rewritten = await remover.remove(point.record);
      if (rewritten !== null) changed.push({ point, rewritten });
    }
    if (changed.length === 0) {
      throw new HoldfastError('path_unknown', 'No restore point in the store has that path.', {
        hint: 'Look for it with: holdfast find',
      });
    }
    const sealed = await writer.seal();
    const newPacks = [];
    for (const pack of sealed) newPacks.push(await uploadPack(deps, pack, signal));
    const ids = new Set<string>(survey.points.map(({ record }) => record.id));
    const records = changed.map(({ point, rewritten }) => purgedRecord(point.record, rewritten, ids));

    const sources = newPacks.map((ref) => ({ ref, localDirectory: null }));
    const all = await deps.objects.openReader([...packs.condemned, ...packs.live, ...sources], { signal });
    const gone = new Set(changed.map(({ point }) => point));
    const kept = survey.points.filter((point) => !gone.has(point)).map(({ record }) => record);
    const seed = Buffer.from(deps.random.bytes(4)).readUInt32LE();
    const live = await findLive(all.reader, [...kept, ...records], { seed, wantsHint: () => true, signal });
    const leaked = await everythingBelow(opened.reader, remover.removed, signal);
    const dead = new Set([...leaked].filter((id) => !live.ids.has(rawObjectId(id), 0)));
    const planned = new Set([
      ...survey.marks.plans.flatMap((plan) => plan.packs.map(({ key }) => key)),
      ...newPacks.map(({ key }) => key),
    ]);
    const fates = planPacks(
      all.reader,
      { live: [...packs.live, ...sources], condemned: packs.condemned },
      { live, kept, planned, seed, mustLeave: (id) => dead.has(id) },
    );
    const dropped = changed.map(({ point }) => point);
    const gatheredBytes = fates.gathered.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const left = new Set(fates.condemned.map(({ key }) => key));
    const outline = { ...fates, standing: [...fates.standing, ...newPacks.filter(({ key }) => !left.has(key))] };
    const { plan } = await writePlan(deps, {
      kind: 'purge',
      outline: { ...outline, dropped, leftovers: [], gatheredBytes, opened: all },
      lease,
      signal,
    });
    for (const record of records) {
      const bytes = encodeRecord(record);
      await deps.storage.putIfAbsent(
        recordKey(record.id),
        { kind: 'bytes', bytes, sha256: sha256Of(bytes) },
        { signal },
      );
    }
    await carryPins(
      deps,
      changed.map(({ point }, at) => [point.record.id, records[at]!.id]),
      survey.view.pins,
    );
    const blocked: string[] = [];
    for (const { point } of changed)
      await deleteUnlessBlocked(deps, recordKey(point.record.id), { lease, blocked, signal });
    const sweep = { survey, lease, graceMs: options.now ? 0 : graceMs, newPlan: plan, signal };
    const swept = await sweepCondemned(deps, sweep);
    const deletedVersions =
      options.now && options.versions && plan !== null
        ? await deleteVersions(
            deps,
            [...plan.condemned.flatMap(keysOfPack), ...changed.map(({ point }) => recordKey(point.record.id))],
            signal,
          )
        : 0;
    await deps.snapshotIndex.append({
      event: 'purge',
      plan: plan?.plan ?? '',
      paths: options.paths,
      snapshots: changed.length,
      objects: leaked.size,
      stillNeeded: leaked.size - dead.size,
      condemnedBytes: fates.condemned.reduce((sum, ref) => sum + packBytes(ref), 0),
      deletedBytes: swept.deletedBytes,
      deletedVersions,
    });
    await loadStoreView(deps, { refresh: 'always', signal });
    const isDeleted = options.now || fates.condemned.length === 0 || lease.storeNow === null;
    return {
      rewritten: changed.map(({ point }, at) => ({ from: point.record.id, to: records[at]!.id })),
      objects: leaked.size,
      stillNeeded: leaked.size - dead.size,
      deletedBytes: swept.deletedBytes,
      deletedVersions,
      blocked: [...blocked, ...swept.blocked],
      dueAt: isDeleted ? null : new Date(lease.storeNow!.getTime() + graceMs),
    };
  } finally {
    await lease.release();
  }
}

/** The same snapshot in everything but what was taken out of it. */
function purgedRecord(record: SnapshotRecord, rewritten: RewrittenSnapshot, ids: Set<string>): SnapshotRecord {
  let id = `${record.id.slice(0, idCharsMax)}-purged`;
  for (let number = 2; ids.has(id); number++) id = `${record.id.slice(0, idCharsMax)}-purged-${number}`;
  if (!isSnapshotId(id)) throw new HoldfastError('invariant_broken', `No id can be made of ${record.id}.`);
  ids.add(id);
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
  ids: readonly (readonly [SnapshotId, SnapshotId])[],
  pins: Awaited<ReturnType<typeof loadStoreView>>['pins'],
): Promise<void> {
  for (const [from, to] of ids) {
    const pin = pins.get(from);
    if (pin === undefined) continue;
    const { machine } = deps.identity;
    const at = deps.clock.now().toISOString();
    const bytes = encodePinMark({
      snapshot: to,
      mark: 'pin',
      at,
      machine: machine.name,
      user: machine.user,
      reason: pin.reason,
    });
    await deps.storage.putIfAbsent(markKey(to, 1, 'pin'), { kind: 'bytes', bytes, sha256: sha256Of(bytes) });
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
