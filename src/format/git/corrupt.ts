import { HoldfastError } from '../../model/errors.ts';

const hint =
  'Nothing was written. Run `holdfast verify --full` to see what is damaged; other snapshots and replicas may hold it whole.';

/** An object whose bytes are malformed, too large, or not what its name says. `what` is a whole sentence. */
export function objectCorrupt(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('object_corrupt', what, { hint, cause });
}

/** A pack or pack index that breaks its format. `what` is a whole sentence. */
export function packCorrupt(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('pack_corrupt', what, { hint, cause });
}

/** A tree entry that must never reach a disk. `what` is a whole sentence. */
export function treeUnsafe(what: string): HoldfastError {
  return new HoldfastError('tree_unsafe', what, { hint });
}
