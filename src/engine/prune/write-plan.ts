import { sha256Of } from '../../format/digest.ts';
import { encodePrunePlan } from '../../format/prune-plan.ts';
import { condemnedKey, consolidatedPackKey, packIndexKey } from '../../format/store-layout.ts';
import type { PrunePlan } from '../../model/prune-plan.ts';
import type { PackRef } from '../../model/snapshot.ts';
import type { SealedPack } from '../../ports/object-writer.ts';
import type { Deps } from '../deps.ts';
import { inPackOrder } from './pack-order.ts';
import { packBytes } from './plan-packs.ts';
import type { PruneOutline } from './plan-prune.ts';
import type { PruneLease } from './prune-lease.ts';

/** Gathers what must move, uploads it, and writes the plan: from then on the condemned packs are on their way out. */
export async function writePlan(
  deps: Deps,
  work: {
    kind: PrunePlan['kind'];
    outline: Pick<
      PruneOutline,
      'dropped' | 'condemned' | 'standing' | 'leftovers' | 'gathered' | 'gatheredBytes' | 'opened'
    >;
    lease: PruneLease;
    signal: AbortSignal | undefined;
  },
): Promise<{ readonly plan: PrunePlan | null; readonly bytes: number }> {
  const { outline, lease, signal } = work;
  const { dropped, condemned, leftovers, gathered } = outline;
  if (dropped.length + condemned.length + leftovers.length + gathered.length === 0) return { plan: null, bytes: 0 };
  await using draft = await deps.spool.begin();
  const now = deps.clock.now();
  const name = planName(deps, now);
  const sealed = await deps.objects.packTightly(inPackOrder(outline.opened.reader, gathered, { signal }), {
    directory: draft.directory,
    // A pack of the same bytes as one condemned before would go with it.
    mark: `holdfast prune ${name}`,
    sizeBytes: outline.gatheredBytes,
    signal,
  });
  const packs: PackRef[] = [];
  for (const pack of sealed) packs.push(await uploadPack(deps, pack, signal));
  const plan: PrunePlan = {
    plan: name,
    kind: work.kind,
    at: now.toISOString(),
    machine: deps.identity.machine.name,
    user: deps.identity.machine.user,
    dropped: dropped.map(({ record, recordSha256 }) => ({ id: record.id, recordSha256 })),
    packs: [...packs, ...outline.standing],
    condemned,
    leftovers,
  };
  await lease.assertHeld();
  signal?.throwIfAborted();
  const bytes = encodePrunePlan(plan);
  await deps.storage.putIfAbsent(
    condemnedKey(plan.plan),
    { kind: 'bytes', bytes, sha256: sha256Of(bytes) },
    { signal },
  );
  for (const ref of packs) await deps.objects.remember(ref, draft.directory);
  return { plan, bytes: packs.reduce((sum, ref) => sum + packBytes(ref), 0) };
}

/** The machine in it keeps two of one second apart where chance is not to be had. */
function planName(deps: Deps, now: Date): string {
  const nonce = Buffer.from(deps.random.bytes(4)).toString('hex');
  return `${now.toISOString().slice(0, 19)}Z-${deps.identity.machine.id.slice(0, 16)}-${nonce}`;
}

export async function uploadPack(deps: Deps, pack: SealedPack, signal: AbortSignal | undefined): Promise<PackRef> {
  const key = consolidatedPackKey(pack.hash);
  const { sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount } = pack;
  await deps.storage.putIfAbsent(key, { kind: 'file', path: pack.packPath, sizeBytes, sha256 }, { signal });
  const index = { kind: 'file', path: pack.indexPath, sizeBytes: indexSizeBytes, sha256: indexSha256 } as const;
  await deps.storage.putIfAbsent(packIndexKey(key), index, { signal });
  return { key, sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount };
}
