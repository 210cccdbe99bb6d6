import { join } from 'node:path';
import { byteStringOf } from '../../lib/bytes.ts';
import { parseIdLines } from '../../format/git-refs.ts';
import type { Notice } from '../../model/problem.ts';
import type { GitState } from '../../model/snapshot.ts';
import type { Repository } from './inspect-repository.ts';
import { extraRootsMax, readExtraRoots } from './read-extra-roots.ts';
import { lstatIfThere, readGitFile } from './read-git-file.ts';
import { readRefs } from './read-refs.ts';

/**
 * Reads refs, HEAD, stash, shallow list and operations under way of the vault's own repository. `historyComplete` is
 * false here: only a capture can say it. State is null, with a notice saying why, when it cannot be read whole.
 */
export function readRepositoryState(repository: Repository): { state: GitState | null; notices: Notice[] } {
  const unread = (reason: string): { state: null; notices: Notice[] } => ({
    state: null,
    notices: [{ code: 'repository_unread', message: `The history of the repository is left out: ${reason}.` }],
  });
  const { head } = repository;
  if (repository.unread !== null || head === null) return unread(repository.unread ?? 'its HEAD cannot be read');
  const { gitDir, commonDir } = repository.place;
  const notices: Notice[] = [];
  try {
    const { refs, unusable, resolve } = readRefs(repository);
    if (unusable > 0) {
      notices.push({
        code: 'repository_state',
        message: `${unusable} ${unusable === 1 ? 'ref is' : 'refs are'} left out: git would not take the name or the contents`,
        count: unusable,
      });
    }
    const headId = resolve(head);
    const named = new Set<string>(refs.map((ref) => ref.id));
    if (headId !== null) named.add(headId);
    const roots = readExtraRoots(repository.place, named);
    if (roots.isCut) {
      notices.push({
        code: 'repository_state',
        message: `The reflogs name more than ${extraRootsMax} commits that no ref leads to; the newest are kept as roots`,
      });
    }
    const shallow = readGitFile(join(commonDir, 'shallow'), { sizeBytesMax: 64 << 20 });
    const operations = operationsUnderWay(gitDir);
    for (const operation of operations) {
      notices.push({ code: 'repository_state', message: `${withArticle(operation)} is under way in the repository` });
    }
    if (repository.isPartialClone) notices.push({ code: 'repository_state', message: partialCloneMessage });
    const state: GitState = {
      head: headId,
      branch: head.kind === 'symbolic' ? head.target : null,
      refs,
      extraRoots: roots.ids,
      shallow: shallow === null ? [] : parseIdLines(byteStringOf(shallow)),
      operations,
      historyComplete: false,
    };
    if (state.shallow.length > 0) notices.push({ code: 'repository_state', message: shallowMessage });
    return { state, notices };
  } catch (error) {
    return unread(error instanceof Error ? error.message.replace(/\.$/, '') : String(error));
  }
}

/** Names of what git was doing when it stopped to ask: "merge", "rebase", "am", "cherry-pick", "revert", "bisect". */
export function operationsUnderWay(gitDir: string): string[] {
  const has = (name: string): boolean => lstatIfThere(join(gitDir, name)) !== null;
  const operations: string[] = [];
  if (has('MERGE_HEAD')) operations.push('merge');
  if (has('rebase-apply/applying')) operations.push('am');
  else if (has('rebase-merge') || has('rebase-apply')) operations.push('rebase');
  if (has('CHERRY_PICK_HEAD')) operations.push('cherry-pick');
  if (has('REVERT_HEAD')) operations.push('revert');
  if (has('BISECT_LOG')) operations.push('bisect');
  return operations;
}

const partialCloneMessage =
  'The repository is a partial clone: objects it has not fetched are not on this machine, so not in the store';
const shallowMessage = 'The repository is a shallow clone: its history ends where the clone was cut';

function withArticle(operation: string): string {
  return operation === 'am' ? 'An am' : `A ${operation}`;
}
