import { decodePinMark, pinMarkBytesMax } from '../format/pin-mark.ts';
import { decodePrunePlan, prunePlanBytesMax } from '../format/prune-plan.ts';
import { parseStoreKey } from '../format/store-layout.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Pin } from '../model/pin.ts';
import type { PrunePlan } from '../model/prune-plan.ts';
import type { StorageKey } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';

/** What a store says besides its records: which snapshots are pinned, and what prune did. */
export interface StoreMarks {
  readonly pins: ReadonlyMap<SnapshotId, Pin>;
  /** Oldest first, by name. */
  readonly plans: readonly PrunePlan[];
  /** Plans whose condemned packs are being deleted, or gone. */
  readonly gonePlans: ReadonlySet<string>;
  /** Plans that cannot be read, with the error. */
  readonly invalidPlans: ReadonlyMap<string, Error>;
}

type MarkBytes = ReadonlyMap<StorageKey, Uint8Array>;

const fetchesMax = 16;
const nothing = new Uint8Array(0);
const unreadablePin: Pin = { at: null, machine: null, user: null, reason: null };

/** Reads what this machine has seen of them; makes no request. */
export async function loadMarks(deps: Pick<Deps, 'recordCache'>): Promise<StoreMarks> {
  return decodeMarks(await deps.recordCache.loadMarks());
}

/**
 * Makes the marks under these listed keys known here: fetches what is new. Returns all marks, and the names of the plans
 * never seen before.
 */
export async function learnMarks(
  deps: Pick<Deps, 'recordCache' | 'storage'>,
  keys: readonly StorageKey[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<{ readonly marks: StoreMarks; readonly newPlans: readonly PrunePlan[] }> {
  const known = await deps.recordCache.loadMarks();
  const unknown = keys.filter((key) => !known.has(key));
  if (unknown.length === 0) return { marks: decodeMarks(known), newPlans: [] };
  const fetched = new Map<StorageKey, Uint8Array>();
  const answers = mapConcurrent(unknown, { limit: fetchesMax, signal: options.signal }, async (key) => ({
    key,
    bytes: await fetchMark(deps, key, options.signal),
  }));
  for await (const { key, bytes } of answers) if (bytes !== null) fetched.set(key, bytes);
  const marks = decodeMarks(new Map([...known, ...fetched]));
  // A plan that cannot be read is not kept: it may be mended in the store.
  const kept = [...fetched].filter(([key]) => !marks.invalidPlans.has(planOf(key) ?? ''));
  await deps.recordCache.saveMarks(new Map(kept));
  const newPlans = marks.plans.filter(({ plan }) => fetched.has(`condemned/${plan}.json`));
  return { marks, newPlans };
}

/** Null when it has gone since the listing. */
async function fetchMark(
  deps: Pick<Deps, 'storage'>,
  key: StorageKey,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | null> {
  const kind = parseStoreKey(key)?.kind;
  // Its being there is all it says.
  if (kind === 'gone') return nothing;
  const sizeBytesMax = kind === 'condemned' ? prunePlanBytesMax : pinMarkBytesMax;
  try {
    return await deps.storage.get(key, { sizeBytesMax, signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return null;
    throw error;
  }
}

function planOf(key: StorageKey): string | null {
  const parsed = parseStoreKey(key);
  return parsed?.kind === 'condemned' ? parsed.plan : null;
}

function decodeMarks(bytes: MarkBytes): StoreMarks {
  const plans: PrunePlan[] = [];
  const gonePlans = new Set<string>();
  const invalidPlans = new Map<string, Error>();
  for (const [key, content] of bytes) {
    const parsed = parseStoreKey(key);
    if (parsed?.kind === 'gone') gonePlans.add(parsed.plan);
    if (parsed?.kind !== 'condemned') continue;
    try {
      plans.push(decodePrunePlan(content, parsed.plan));
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      invalidPlans.set(parsed.plan, error);
    }
  }
  plans.sort((a, b) => (a.plan < b.plan ? -1 : 1));
  return { pins: pinsOf(bytes), plans, gonePlans, invalidPlans };
}

function pinsOf(bytes: MarkBytes): ReadonlyMap<SnapshotId, Pin> {
  const newest = new Map<SnapshotId, { number: number; pin: Pin | null }>();
  for (const [key, content] of bytes) {
    const parsed = parseStoreKey(key);
    if (parsed?.kind !== 'mark') continue;
    const { id, number, mark } = parsed;
    const before = newest.get(id);
    // Of two with one number the pin counts: keeping too much does no harm.
    if (before !== undefined && (before.number > number || (before.number === number && before.pin !== null))) continue;
    newest.set(id, { number, pin: mark === 'pin' ? readPin(content) : null });
  }
  return new Map([...newest].flatMap(([id, { pin }]) => (pin === null ? [] : [[id, pin] as const])));
}

/** The name alone pins. */
function readPin(content: Uint8Array): Pin {
  try {
    const { at, machine, user, reason } = decodePinMark(content);
    return { at, machine, user, reason };
  } catch (error) {
    if (isHoldfastError(error)) return unreadablePin;
    throw error;
  }
}
