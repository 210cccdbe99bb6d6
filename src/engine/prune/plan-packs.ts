import { packIndexKey } from '../../format/store-layout.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import { ObjectIdSet } from '../../lib/object-id-set.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { PackRef, SnapshotRecord } from '../../model/snapshot.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { PacksInUse } from '../pack-sources.ts';
import type { LiveObjects, PathHint } from './find-live.ts';

/** A pack this full is left where it is: writing it anew would cost more than it frees. */
const fullShare = 0.8;
/** A smaller pack is always taken apart: requests cost more than bytes, and what is alike packs better together. */
const standingBytesMin = 2 * 1024 * 1024;
const mergeFactor = 2;
/** So little garbage in a pack of an earlier run is left in it. */
const garbageBytesMax = 64 * 1024;

export interface GatheredObject {
  readonly id: ObjectId;
  readonly hint: PathHint;
  /** Bytes it takes where it is now. */
  readonly sizeBytes: number;
}

/** What becomes of the packs when only the live objects stay. */
export interface PackFates {
  /** Packs of dropped snapshots that are left standing. */
  readonly standing: readonly PackRef[];
  readonly condemned: readonly PackRef[];
  /** Live objects that have no other home than packs that go. */
  readonly gathered: readonly GatheredObject[];
}

interface Candidate {
  readonly ref: PackRef;
  /** The reader's number of the pack. */
  readonly number: number;
  /** A plan names it already. */
  readonly isPlanned: boolean;
}

/**
 * Decides for every pack whether it stays. Packs of kept records are not touched, but for the `foldable` ones. Objects that live
 * only in packs condemned earlier (a snapshot relied on one at that very moment) are gathered as well.
 */
export function planPacks(
  reader: ObjectReader,
  packs: PacksInUse,
  options: {
    live: LiveObjects;
    kept: readonly SnapshotRecord[];
    planned: ReadonlySet<string>;
    /** Packs of kept snapshots that may be gathered as well: old ones, whose versions of files pack best together. */
    foldable?: ReadonlySet<string>;
    seed: number;
    /** A pack that holds such an object goes, whoever names it and however much of it is needed. */
    mustLeave?: (id: ObjectId) => boolean;
  },
): PackFates {
  const { live, mustLeave } = options;
  const numbers = new Map(reader.packs.map(({ key }, number) => [key, number]));
  const kept = new Set(options.kept.flatMap((record) => record.packs.map(({ key }) => key)));
  const settled = new ObjectIdSet({ seed: options.seed });
  const candidates: Candidate[] = [];
  const leaving: Candidate[] = [];
  for (const { ref } of packs.live) {
    const number = numbers.get(ref.key)!;
    if (mustLeave !== undefined && holds(reader, number, mustLeave)) leaving.push({ ref, number, isPlanned: false });
    else if (kept.has(ref.key) && options.foldable?.has(ref.key) !== true) settle(reader, number, settled);
    else candidates.push({ ref, number, isPlanned: options.planned.has(ref.key) });
  }
  const standing: PackRef[] = [];
  let leavingBytes = 0;
  for (const candidate of inOrderOfJudgement(candidates)) {
    const { ref, number, isPlanned } = candidate;
    const { neededBytes, allBytes } = measure(reader, number, { live, settled });
    const slackBytes = isPlanned ? garbageBytesMax : 0;
    const isFull = neededBytes > 0 && neededBytes >= allBytes * fullShare - slackBytes;
    // A small pack of an earlier run is merged when a comparable amount is written anyway: their number grows slowly so.
    const isWorthwhile = isPlanned ? ref.sizeBytes >= mergeFactor * leavingBytes : ref.sizeBytes >= standingBytesMin;
    if (!isFull || !isWorthwhile) {
      leaving.push(candidate);
      leavingBytes += neededBytes;
      continue;
    }
    if (!isPlanned && !kept.has(ref.key)) standing.push(ref);
    settle(reader, number, settled);
  }
  const reserve = packs.condemned.flatMap(({ ref }) => numbers.get(ref.key) ?? []);
  const sources = [...leaving.map(({ number }) => number), ...reserve];
  const gathered = gather(reader, sources, { live, settled });
  return { standing, condemned: leaving.map(({ ref }) => ref), gathered };
}

/**
 * Packs of dropped snapshots first, the largest in front (what several hold stays in the one that is likeliest to stand); then those
 * of earlier runs, the smallest in front.
 */
function inOrderOfJudgement(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => {
    if (a.isPlanned !== b.isPlanned) return a.isPlanned ? 1 : -1;
    return a.isPlanned ? a.ref.sizeBytes - b.ref.sizeBytes : b.ref.sizeBytes - a.ref.sizeBytes;
  });
}

/** Bytes of a pack and its index together. */
export function packBytes(ref: PackRef): number {
  return ref.sizeBytes + ref.indexSizeBytes;
}

/** The two keys of a pack. */
export function keysOfPack(ref: { readonly key: string }): readonly [string, string] {
  return [ref.key, packIndexKey(ref.key)];
}

function holds(reader: ObjectReader, number: number, wanted: (id: ObjectId) => boolean): boolean {
  for (const { id } of reader.entries(number)) if (wanted(id)) return true;
  return false;
}

function settle(reader: ObjectReader, number: number, settled: ObjectIdSet): void {
  for (const { id } of reader.entries(number)) settled.add(rawObjectId(id), 0);
}

function measure(
  reader: ObjectReader,
  number: number,
  { live, settled }: { live: LiveObjects; settled: ObjectIdSet },
): { readonly neededBytes: number; readonly allBytes: number } {
  let neededBytes = 0;
  let allBytes = 0;
  for (const { id, start, end } of reader.entries(number)) {
    const raw = rawObjectId(id);
    allBytes += end - start;
    if (live.ids.has(raw, 0) && !settled.has(raw, 0)) neededBytes += end - start;
  }
  return { neededBytes, allBytes };
}

function gather(
  reader: ObjectReader,
  numbers: readonly number[],
  { live, settled }: { live: LiveObjects; settled: ObjectIdSet },
): GatheredObject[] {
  const gathered: GatheredObject[] = [];
  for (const number of numbers) {
    for (const { id, start, end } of reader.entries(number)) {
      const raw = rawObjectId(id);
      if (!live.ids.has(raw, 0) || !settled.add(raw, 0)) continue;
      gathered.push({ id, hint: live.hints.get(id) ?? 0, sizeBytes: end - start });
    }
  }
  return gathered;
}
