import { sha256Of } from '../../format/digest.ts';
import {
  decodePruneLease,
  encodePruneLease,
  pruneLeaseBytesMax,
  type PruneLeaseNote,
} from '../../format/prune-lease.ts';
import { leaseKey, leasePrefix, parseStoreKey } from '../../format/store-layout.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import { clockSkewMsMax } from '../../model/retention.ts';
import type { StoredObject } from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import { readStoreHeader } from '../ensure-store.ts';

/** A holder that has not let go by then has died. Nothing breaks if it has not: see `PruneLease`. */
const leaseMs = 6 * 3_600_000;
const checkEveryMs = 5000;

/**
 * Keeps two runs of prune from doing the same work. Nothing more: that no needed pack is deleted rests on the grace and on
 * reading all records again, never on this. Leases are numbered and written once; a higher number ends a lower one.
 */
export interface PruneLease {
  /** The storage's own time when the lease was taken; null where the storage tells no times. */
  readonly storeNow: Date | null;
  /** @throws {HoldfastError} `store_busy` when another run took over meanwhile (X13) */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** @throws {HoldfastError} `store_busy` naming the holder; `store_newer` */
export async function takePruneLease(
  deps: Deps,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<PruneLease> {
  const { signal } = options;
  // Before the lease, which is the first thing written: nothing of ours belongs in a store of a newer holdfast (Q18).
  await readStoreHeader(deps, { signal });
  const leases = await listLeases(deps, signal);
  const newest = leases.at(-1);
  const holder = newest === undefined ? null : await holderOf(deps, newest, signal);
  if (holder !== null) throw busy(`Prune is running on ${holder.machine} (${holder.user}) since ${holder.at}`);
  const epoch = (newest?.epoch ?? 0) + 1;
  const key = leaseKey(epoch);
  await putLease(deps, key, { epoch, isFree: false, signal });
  const storeNow = (await deps.storage.head(key, { signal }))?.modifiedAt ?? null;
  let checkedAt = -Infinity;
  return {
    storeNow,
    async assertHeld() {
      const now = deps.clock.monotonicMs();
      if (now - checkedAt < checkEveryMs) return;
      const later = (await listLeases(deps, signal)).find((lease) => lease.epoch > epoch);
      if (later !== undefined) throw busy('Another run of prune took over');
      checkedAt = now;
    },
    async release() {
      try {
        await putLease(deps, leaseKey(epoch + 1), { epoch: epoch + 1, isFree: true, signal: undefined });
        // The one that says "free" stays, so that numbers are never used again.
        for (const lease of leases) await deps.storage.delete(lease.key);
        await deps.storage.delete(key);
      } catch (error) {
        // It runs out by itself; what the run did or why it failed matters more.
        if (!isHoldfastError(error)) throw error;
      }
    },
  };
}

/** Fails when this machine's clock and the storage's differ by more than five minutes: then no age can be told. */
export function assertClock(deps: Pick<Deps, 'clock'>, storeNow: Date | null): void {
  if (storeNow === null) return;
  const skewMs = deps.clock.now().getTime() - storeNow.getTime();
  if (Math.abs(skewMs) <= clockSkewMsMax) return;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  throw new HoldfastError(
    'clock_skewed',
    `This machine's clock is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} the store's. Nothing was pruned.`,
    { hint: 'Set the clock (turn on automatic time), then prune again.', data: { skewMs } },
  );
}

type Lease = StoredObject & { readonly epoch: number };

async function listLeases(deps: Deps, signal: AbortSignal | undefined): Promise<Lease[]> {
  const leases: Lease[] = [];
  for await (const object of deps.storage.list(leasePrefix, { signal })) {
    const parsed = parseStoreKey(object.key);
    if (parsed?.kind === 'lease') leases.push({ ...object, epoch: parsed.epoch });
  }
  return leases;
}

/** True while some machine holds the lease. */
export async function isPruneRunning(deps: Deps, options: { signal?: AbortSignal | undefined } = {}): Promise<boolean> {
  const newest = (await listLeases(deps, options.signal)).at(-1);
  return newest !== undefined && (await holderOf(deps, newest, options.signal)) !== null;
}

/** Who holds a lease; null when it is free, or its time is over. */
async function holderOf(deps: Deps, lease: Lease, signal: AbortSignal | undefined): Promise<PruneLeaseNote | null> {
  const ageMs = lease.modifiedAt === null ? 0 : deps.clock.now().getTime() - lease.modifiedAt.getTime();
  if (Math.abs(ageMs) > leaseMs) return null;
  try {
    const bytes = await deps.storage.get(lease.key, { sizeBytesMax: pruneLeaseBytesMax, signal });
    const note = decodePruneLease(bytes);
    return note.isFree ? null : note;
  } catch (error) {
    // Nobody can hold what nobody can read; and one that was let go in this moment is free.
    if (!isHoldfastError(error, 'object_missing', 'record_invalid')) throw error;
    return null;
  }
}

async function putLease(
  deps: Deps,
  key: string,
  options: { epoch: number; isFree: boolean; signal: AbortSignal | undefined },
): Promise<void> {
  const { machine } = deps.identity;
  const { epoch, isFree, signal } = options;
  const at = deps.clock.now().toISOString();
  const nonce = Buffer.from(deps.random.bytes(8)).toString('hex');
  const bytes = encodePruneLease({ epoch, isFree, machine: machine.name, user: machine.user, at, nonce });
  try {
    await deps.storage.putIfAbsent(key, { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, { signal });
  } catch (error) {
    if (isHoldfastError(error, 'storage_conflict')) throw busy('Another run of prune began at this moment');
    throw error;
  }
}

function busy(what: string): HoldfastError {
  return new HoldfastError('store_busy', `${what}.`, {
    hint: `Wait until it has ended. One that died is taken over after ${leaseMs / 3_600_000} hours.`,
  });
}
