import type { Alert } from '../model/alert.ts';
import { isSameGitState } from '../model/git-state.ts';
import type { GitState } from '../model/snapshot.ts';
import type { Upstream } from '../ports/git-repository.ts';
import { assessRefs } from './assess-refs.ts';
import type { Deps } from './deps.ts';
import { raiseAlert } from './raise-alert.ts';
import type { WatchExtension } from './watch/extensions.ts';

export interface GitExtensionOptions {
  /** Pushes the current branch to its upstream; returns why it failed. Null: nothing is pushed (the default). */
  readonly push: ((upstream: Upstream, branch: string, signal: AbortSignal) => Promise<string | null>) | null;
}

/** A push that failed is tried again after this long, or when the branch moves. */
const pushAgainMs = 15 * 60_000;

/** Follows the repository: asks for a snapshot at once where commits could be lost, and pushes where that is wished. */
export function createGitExtension(deps: Deps, { push }: GitExtensionOptions): WatchExtension {
  let last: GitState | null = null;
  let isMoved = true;
  let triedMs = Number.NEGATIVE_INFINITY;

  const pushAhead = async (signal: AbortSignal): Promise<void> => {
    const nowMs = deps.clock.monotonicMs();
    if (push === null || (!isMoved && nowMs - triedMs < pushAgainMs)) return;
    isMoved = false;
    triedMs = nowMs;
    const summary = await deps.repository.summary();
    if (summary === null || summary.branch === null || summary.upstream === null) return;
    // In the middle of a rebase the branch is not what it will be.
    if (summary.ahead === 0 || summary.operations.length > 0) return;
    const problem = await push(summary.upstream, summary.branch, signal);
    if (problem !== null) await raiseAlert(deps, pushFailedAlert(problem), { signal });
  };
  return {
    name: 'git',
    async refsChanged() {
      const { state } = await deps.repository.readState();
      const before = last;
      last = state;
      if (before !== null && isSameGitState(before, state)) return 'nothing';
      isMoved = true;
      const reasons = await assessRefs(before, state, (older, newer) => deps.repository.isAncestor(older, newer));
      return reasons.length > 0 ? 'snapshot_now' : 'snapshot_soon';
    },
    async afterSnapshot(outcome, signal) {
      last ??= outcome.kind === 'taken' ? outcome.record.git : (await deps.repository.readState()).state;
      await pushAhead(signal);
    },
    tick: pushAhead,
  };
}

function pushFailedAlert(problem: string): Alert {
  return {
    kind: 'unpushed',
    severity: 'warning',
    title: 'an automatic push failed',
    text: `The current branch could not be pushed: ${problem}.`,
    remedy: 'git push',
  };
}
