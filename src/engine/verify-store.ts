import { packIndexKey, packsPrefix, parseStoreKey, snapshotsPrefix } from '../format/store-layout.ts';
import { isHoldfastError } from '../model/errors.ts';
import { HoldfastError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { PackRef } from '../model/snapshot.ts';
import type { OpenedReader } from '../ports/object-access.ts';
import { checkChains } from './check-chains.ts';
import { checkRecords } from './check-records.ts';
import { checkStoreFiles } from './check-store-files.ts';
import type { Deps } from './deps.ts';
import { assertNotForeign } from './ensure-store.ts';
import { describeDamage } from './describe-damage.ts';
import { choosePacks, type VerifyDepth } from './choose-packs.ts';
import { createInspector } from './inspect-snapshot.ts';
import { packsInUse } from './pack-sources.ts';
import { loadMarks, type StoreMarks } from './store-marks.ts';
import { loadStoreView, openPointReader, type StoreView } from './store-view.ts';

/** Something in the store is not what it should be. */
export interface VerifyFinding {
  /** The storage key it is about. */
  readonly key: string;
  /** Snapshots that cannot be restored whole because of it. */
  readonly snapshots: readonly SnapshotId[];
  readonly message: string;
}

export interface VerifyReport {
  readonly findings: readonly VerifyFinding[];
  readonly snapshots: number;
  /** Packs whose every byte was read. */
  readonly packs: number;
  readonly readBytes: number;
  readonly durationMs: number;
  /** Pack indexes that were missing or wrong and were rebuilt from their packs for this run. */
  readonly rebuiltIndexes: readonly string[];
}

export interface VerifyOptions {
  readonly depth: VerifyDepth;
  readonly signal?: AbortSignal | undefined;
}

/** A prune may change the store while it is looked at; several in a row, each in the middle of a look, do not happen. */
const looksMax = 4;

/**
 * Proves the store without changing it. 'quick': header, every record, its chain, every pack index, presence and size of
 * every pack. 'new' adds every byte of packs not proved before, 'full' of all packs, `sample` of some. All but 'quick' also
 * prove that every object the snapshots name is there.
 */
export async function verifyStore(deps: Deps, options: VerifyOptions): Promise<VerifyReport> {
  const startedMs = deps.clock.monotonicMs();
  const { depth, signal } = options;
  deps.events.emit({ type: 'phase_started', phase: 'verify' });
  const proved = new Set<string>();
  let look = await lookAtStore(deps, { ...options, proved });
  // What a prune dropped or moved meanwhile is no damage (X11). Packs that were proved are not read again.
  for (let looks = 1; looks < looksMax && look.findings.length > 0; looks++) {
    if (!(await wasPruned(deps, look, signal))) break;
    look = await lookAtStore(deps, { ...options, proved });
  }
  const report: VerifyReport = {
    findings: look.findings,
    snapshots: look.points.length,
    packs: look.chosen.length,
    readBytes: totalBytes(look.chosen),
    durationMs: Math.round(deps.clock.monotonicMs() - startedMs),
    rebuiltIndexes: look.rebuiltIndexes,
  };
  await deps.snapshotIndex.append({
    event: 'verify',
    store: deps.storage.url,
    depth: typeof depth === 'object' ? 'sample' : depth,
    snapshots: report.snapshots,
    packs: report.packs,
    readBytes: report.readBytes,
    findings: report.findings.length,
    durationMs: report.durationMs,
    proved: [...proved],
  });
  return report;
}

/** One look at the whole store, and the store it was a look at. */
interface Look {
  readonly findings: readonly VerifyFinding[];
  readonly points: readonly RestorePoint[];
  readonly marks: StoreMarks;
  /** Packs whose every byte was read. */
  readonly chosen: readonly PackRef[];
  readonly rebuiltIndexes: readonly string[];
}

/** Adds to `proved`, and does not read again, the packs whose every byte is right. */
async function lookAtStore(deps: Deps, options: VerifyOptions & { readonly proved: Set<string> }): Promise<Look> {
  const { depth, signal, proved } = options;
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  assertNotForeign(deps, view);
  assertAllReadable(view);
  const points = view.points.filter((point) => point.where === 'store');
  // What this machine keeps of the store proves nothing about the store.
  const opened = await openPointReader(deps, points, { fresh: true, signal });
  const marks = await loadMarks(deps);
  const packs = packsInUse(points, marks).live.map(({ ref }) => ref);
  const findings = [
    ...(points.length === 0 ? [] : await checkStoreFiles(deps, { signal })),
    ...recordFindings(view),
    ...(await checkRecords(deps, points, { signal })),
    ...checkChains(points, marks.plans),
  ];

  const { rows } = await deps.snapshotIndex.read();
  const chosen = choosePacks(packs, { depth, store: deps.storage.url, rows, random: deps.random });
  const { badPacks, wrongIndexes } = await checkPresence(deps, packs, signal);
  const bad = new Map([...opened.unusable.map(({ key, reason }) => [key, reason] as const), ...badPacks]);
  let readBytes = 0;
  for (const ref of chosen) {
    const isKnown = bad.has(ref.key) || proved.has(ref.key);
    const troubles = isKnown ? [] : await deps.objects.verify({ ref, localDirectory: null }, { signal });
    if (troubles.length > 0) bad.set(ref.key, troubles.join('; '));
    else if (!bad.has(ref.key)) proved.add(ref.key);
    readBytes += ref.sizeBytes;
    deps.events.emit({ type: 'progress', phase: 'verify', done: readBytes, total: totalBytes(chosen), unit: 'bytes' });
  }
  if (depth !== 'quick' || bad.size > 0) {
    findings.push(...(await snapshotFindings(points, { opened, bad, signal })));
  }
  return { findings, points, marks, chosen, rebuiltIndexes: [...new Set([...opened.rebuiltIndexes, ...wrongIndexes])] };
}

/** Since the look: a snapshot went, or a prune wrote its plan, or began to delete what it had condemned. */
async function wasPruned(deps: Deps, look: Look, signal: AbortSignal | undefined): Promise<boolean> {
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  const { plans, gonePlans } = await loadMarks(deps);
  if (plans.length > look.marks.plans.length || gonePlans.size > look.marks.gonePlans.size) return true;
  const there = new Set(view.points.map(({ record }) => record.id));
  return look.points.some(({ record }) => !there.has(record.id));
}

/** What a newer holdfast wrote cannot be judged, and a store judged in part would be called whole. */
function assertAllReadable(view: StoreView): void {
  const newer = view.invalid.filter(({ isNewer }) => isNewer);
  if (newer.length === 0) return;
  throw new HoldfastError('store_newer', newer[0]!.reason, {
    hint: 'Update holdfast on this machine, then verify again.',
    data: { snapshots: newer.map(({ id }) => id) },
  });
}

function recordFindings(view: StoreView): VerifyFinding[] {
  const invalid = view.invalid.map(({ id, reason }) => ({
    key: `${snapshotsPrefix}${id}/snapshot.json`,
    snapshots: [],
    message: `the record cannot be trusted: ${reason}`,
  }));
  const missing = view.missing.map((id) => ({
    key: `${snapshotsPrefix}${id}/snapshot.json`,
    snapshots: [id],
    message: `the snapshot was in the store on ${view.lastSeenAt ?? 'an earlier day'} and is gone`,
  }));
  return [...invalid, ...missing];
}

interface Presence {
  /** Packs that are missing or have another size, with the reason. */
  readonly badPacks: ReadonlyMap<string, string>;
  /** Packs whose index is missing or has another size. No loss: it is rebuilt from its pack. */
  readonly wrongIndexes: readonly string[];
}

async function checkPresence(
  deps: Deps,
  packs: readonly PackRef[],
  signal: AbortSignal | undefined,
): Promise<Presence> {
  const sizes = new Map<string, number>();
  for (const prefix of [snapshotsPrefix, packsPrefix]) {
    for await (const object of deps.storage.list(prefix, { signal })) {
      const kind = parseStoreKey(object.key)?.kind;
      if (kind === 'pack' || kind === 'index') sizes.set(object.key, object.sizeBytes);
    }
  }
  // A listing can be behind the store, so that something is not in it proves nothing (S10).
  const sizeOf = async (key: string): Promise<number | undefined> =>
    sizes.get(key) ?? (await deps.storage.head(key, { signal }))?.sizeBytes;
  const badPacks = new Map<string, string>();
  const wrongIndexes: string[] = [];
  for (const ref of packs) {
    const sizeBytes = await sizeOf(ref.key);
    if (sizeBytes === undefined) badPacks.set(ref.key, await describeMissing(deps, ref.key, signal));
    else if (sizeBytes !== ref.sizeBytes) {
      badPacks.set(ref.key, `the pack is ${sizeBytes} bytes long instead of ${ref.sizeBytes}`);
    }
    if ((await sizeOf(packIndexKey(ref.key))) !== ref.indexSizeBytes) wrongIndexes.push(ref.key);
  }
  return { badPacks, wrongIndexes };
}

/** Asked for, a storage that keeps versions tells when the pack was deleted, and that it can be brought back (S12). */
async function describeMissing(deps: Deps, key: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    await deps.storage.get(key, { range: { start: 0, end: 1 }, signal });
  } catch (error) {
    if (!isHoldfastError(error) || error.kind !== 'integrity') throw error;
    if (error.data['recoverable'] === true) return `${describeDamage(error)} (${error.hint ?? ''})`;
  }
  return 'the pack is missing';
}

async function snapshotFindings(
  points: readonly RestorePoint[],
  options: { opened: OpenedReader; bad: ReadonlyMap<string, string>; signal: AbortSignal | undefined },
): Promise<VerifyFinding[]> {
  const { reader } = options.opened;
  const badPacks = new Set(reader.packs.flatMap((pack, number) => (options.bad.has(pack.key) ? [number] : [])));
  const inspector = createInspector(reader, { badPacks, signal: options.signal });
  const damaged = new Map<string, SnapshotId[]>();
  for (const point of points) {
    for (const trouble of await inspector.inspect(point.record)) {
      damaged.set(trouble, [...(damaged.get(trouble) ?? []), point.record.id]);
    }
  }
  const affected = [...new Set([...damaged.values()].flat())];
  const packs = [...options.bad].map(([key, message]) => ({ key, snapshots: affected, message }));
  const objects = [...damaged].map(([message, snapshots]) => ({ key: snapshotsPrefix, snapshots, message }));
  return [...packs, ...objects.filter(({ message }) => !message.includes('lies in the damaged'))];
}

function totalBytes(packs: readonly PackRef[]): number {
  return packs.reduce((sum, pack) => sum + pack.sizeBytes, 0);
}
