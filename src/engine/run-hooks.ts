import { displayText } from '../format/display-name.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { Notice } from '../model/problem.ts';
import type { SnapshotKind } from '../model/snapshot.ts';
import type { HookCall, HookProblem } from '../ports/hook-runner.ts';
import type { Deps } from './deps.ts';
import type { SnapshotOutcome } from './take-snapshot.ts';

export interface AroundSnapshot {
  readonly kind: SnapshotKind;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `hooks.preSnapshot`. What goes wrong is told, and the snapshot is taken all the same: better one without the dump. */
export async function runPreSnapshotHooks(deps: Deps, options: AroundSnapshot): Promise<readonly Notice[]> {
  // A rollback has planned from what is there now.
  if (options.kind === 'pre-rollback') return [];
  return runHooks(deps, {
    name: 'preSnapshot',
    facts: { snapshotKind: options.kind },
    isAutomatic: options.kind === 'auto',
    signal: options.signal,
  });
}

/** Runs `hooks.postSnapshot` for a snapshot that was taken, outside the vault lock. */
export async function runPostSnapshotHooks(
  deps: Deps,
  outcome: SnapshotOutcome,
  options: AroundSnapshot,
): Promise<readonly Notice[]> {
  if (outcome.kind !== 'taken') return [];
  const { record, where } = outcome;
  return runHooks(deps, {
    name: 'postSnapshot',
    facts: {
      snapshotId: record.id,
      snapshotLabel: record.label,
      snapshotKind: record.kind,
      snapshotWhere: where,
      snapshotComplete: record.complete ? '1' : '0',
    },
    isAutomatic: options.kind === 'auto',
    signal: options.signal,
  });
}

async function runHooks(deps: Deps, call: HookCall): Promise<readonly Notice[]> {
  try {
    return hookNotices(call.name, await deps.hooks.run(call));
  } catch (error) {
    if (isHoldfastError(error, 'canceled') || call.signal?.aborted === true) throw error;
    return [{ code: 'hook_failed', message: `hooks.${call.name} could not be run` }];
  }
}

/** Says what went wrong without what was printed: notices travel in the record. */
export function hookNotices(name: string, problems: readonly HookProblem[]): readonly Notice[] {
  const untrusted = problems.filter(({ kind }) => kind === 'untrusted').length;
  const notices: Notice[] = problems
    .filter(({ kind }) => kind !== 'untrusted')
    .map(({ program, message }) => ({
      code: 'hook_failed',
      message: `the hook ${displayText(program, { charsMax: 80 })} (hooks.${name}) ${message}; what it printed is in hooks.log of the private state`,
    }));
  if (untrusted > 0) {
    const message = `${untrusted} of hooks.${name} not run: not approved on this machine; look at them, then: holdfast hooks trust`;
    notices.push({ code: 'hook_untrusted', message, count: untrusted });
  }
  return notices;
}
