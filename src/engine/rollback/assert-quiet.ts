import { displayText } from '../../format/display-name.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Deps } from '../deps.ts';

/** How long git may take to finish what it is writing. */
const waitMsMax = 5_000;
const pauseMs = 100;

/**
 * Fails while git is in the middle of something whose files a rollback would pull away, and waits a moment for git to finish
 * writing. No lock of git's is ever removed.
 * @throws {HoldfastError} `git_under_way`; `git_locked` after 5 seconds
 */
export async function assertRepositoryQuiet(deps: Deps, signal?: AbortSignal): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  for (;;) {
    const { operations, locks } = await deps.repository.underWay();
    if (operations.length > 0) throw underWay(operations[0]!);
    if (locks.length === 0) return;
    if (deps.clock.monotonicMs() - startedMs >= waitMsMax) throw locked(locks[0]!);
    signal?.throwIfAborted();
    await deps.clock.sleep(pauseMs, signal);
  }
}

function underWay(operation: string): HoldfastError {
  const isConflict = operation === 'conflict';
  const what = isConflict ? 'the git index holds unresolved conflicts' : `git is in the middle of a ${operation}`;
  const way = isConflict
    ? 'Resolve them'
    : `Finish it, or end it with: git ${operation} ${operation === 'bisect' ? 'reset' : '--abort'}`;
  return new HoldfastError('git_under_way', `${what}; a rollback would pull its files away.`, {
    hint: `${way}, then roll back. Single paths can be had at any time with: holdfast restore`,
    data: { operation },
  });
}

function locked(lock: string): HoldfastError {
  return new HoldfastError('git_locked', `Git holds ${displayText(lock)}, and did not let go of it within 5 seconds.`, {
    hint: 'Wait for git to finish. When no git is running, the lock was left behind by one that was killed; git says how to remove it.',
    data: { lock },
  });
}
