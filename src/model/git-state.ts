import type { GitState } from './snapshot.ts';

/** True when nothing a person would call a change happened to the repository: HEAD, branch, refs, operations. */
export function isSameGitState(a: GitState | null, b: GitState | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.head !== b.head || a.branch !== b.branch || a.refs.length !== b.refs.length) return false;
  const idsOfB = new Map(b.refs.map((ref) => [ref.name, ref.id]));
  return a.refs.every((ref) => idsOfB.get(ref.name) === ref.id) && a.operations.join() === b.operations.join();
}
