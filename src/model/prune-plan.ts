import type { Sha256, SnapshotId } from './ids.ts';
import type { PackRef } from './snapshot.ts';

/** Enough to find and read a pack while it is still there. */
export type CondemnedPack = Pick<PackRef, 'key' | 'sizeBytes' | 'indexSizeBytes' | 'indexSha256'>;

/**
 * What one run of prune (or purge) decided: `condemned/<plan>.json`, written once, after the packs it names and before
 * anything is dropped. All plans of a store together say which packs exist beside those of the records, which are going,
 * and which snapshots are gone on purpose.
 */
export interface PrunePlan {
  readonly plan: string;
  readonly kind: 'prune' | 'purge';
  readonly at: string;
  /** Names, for people. */
  readonly machine: string;
  readonly user: string;
  /** Records that were to be removed: absent, they are lawful gaps (K18). Those still there are snapshots as ever. */
  readonly dropped: readonly { readonly id: SnapshotId; readonly recordSha256: Sha256 }[];
  /** Packs that no record names any more but that are needed: those written by this run, and those it left standing. */
  readonly packs: readonly PackRef[];
  /** Packs to be deleted when the grace is over. A pack that was condemned once never counts as a home again. */
  readonly condemned: readonly CondemnedPack[];
  /** Other keys to be deleted with them: what cut-off uploads left, and marks of snapshots dropped before. */
  readonly leftovers: readonly string[];
}
