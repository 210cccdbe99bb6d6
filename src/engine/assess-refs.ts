import type { ObjectId } from '../model/ids.ts';
import type { GitState } from '../model/snapshot.ts';

/** Something that can lose commits, or is about to: worth a snapshot at once. */
export type RefsReason = 'head_moved_back' | 'ref_forced' | 'ref_deleted' | 'operation_started';

/** Says whether a commit is among the ancestors of another, or is it; null when that cannot be told cheaply. */
export type IsAncestor = (older: ObjectId, newer: ObjectId) => Promise<boolean | null>;

/** Branches, tags and the stash are the person's own; what remotes have moves with every fetch. */
const watchedRef = /^refs\/(?:heads\/|tags\/|stash$)/;

/**
 * Compares two states of a repository. A ref that went on to a descendant, a new one, and a switch of branches are ordinary; where it
 * cannot be told, it counts as moved back: a snapshot too many costs nothing.
 */
export async function assessRefs(
  before: GitState | null,
  after: GitState | null,
  isAncestor: IsAncestor,
): Promise<readonly RefsReason[]> {
  if (before === null || after === null) return [];
  const reasons = new Set<RefsReason>();
  if (after.operations.some((operation) => !before.operations.includes(operation))) reasons.add('operation_started');
  const isSwitch = before.branch !== after.branch;
  if (!isSwitch && (await isLost(before.head, after.head, isAncestor))) reasons.add('head_moved_back');
  const idsAfter = new Map(after.refs.map((ref) => [ref.name, ref.id]));
  for (const { name, id } of before.refs) {
    if (!watchedRef.test(name)) continue;
    const now = idsAfter.get(name);
    if (now === undefined) reasons.add('ref_deleted');
    else if (await isLost(id, now, isAncestor)) reasons.add('ref_forced');
  }
  return [...reasons];
}

async function isLost(older: ObjectId | null, newer: ObjectId | null, isAncestor: IsAncestor): Promise<boolean> {
  if (older === null || older === newer) return false;
  return newer === null || (await isAncestor(older, newer)) !== true;
}
