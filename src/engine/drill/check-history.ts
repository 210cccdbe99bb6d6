import { formatCounted } from '../../format/size.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { DrillComponentResult } from '../../model/drill-report.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import { findReachable } from '../reachable-objects.ts';

/** Follows every branch, tag, stash and remembered commit of a snapshot to its first commit: all of it must be there. */
export async function checkHistory(
  reader: ObjectReader,
  point: RestorePoint,
  options: { signal?: AbortSignal | undefined },
): Promise<DrillComponentResult> {
  const component = 'history';
  const { git } = point.record;
  const roots = git === null ? [] : [...new Set([...git.refs.map(({ id }) => id), ...git.extraRoots, ...headOf(git)])];
  if (git === null || roots.length === 0) {
    return { component, outcome: 'none', checked: 0, detail: 'the vault has no git history' };
  }
  if (!git.historyComplete || git.shallow.length > 0) {
    const detail = 'the repository itself lacks part of its history (a shallow or partial clone); what it has is kept';
    const present = roots.filter((id) => reader.has(id)).length;
    const outcome = present === roots.length ? 'passed' : 'failed';
    return { component, outcome, checked: present, detail };
  }
  try {
    const objects = await findReachable(reader, roots, options);
    const detail = `${formatCounted(roots.length, 'tip')} and every object behind`;
    return { component, outcome: 'passed', checked: objects.size, detail };
  } catch (error) {
    if (!isHoldfastError(error) || error.kind !== 'integrity') throw error;
    return { component, outcome: 'failed', checked: roots.length, detail: error.message };
  }
}

function headOf(git: { readonly head: RestorePoint['record']['commit'] | null }): RestorePoint['record']['commit'][] {
  return git.head === null ? [] : [git.head];
}
