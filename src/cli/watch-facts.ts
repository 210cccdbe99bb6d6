import type { StatusReport } from '../engine/read-status.ts';
import { displayName, displayText } from '../format/display-name.ts';
import { formatAge, formatDuration } from '../format/duration.ts';
import { formatCount, formatCounted } from '../format/size.ts';

/** The facts of the status screen about the watcher and about what is not captured yet. */
export function* watchFacts(report: StatusReport, now: Date): Iterable<[string, string]> {
  const ago = (time: string): string => formatAge(now.getTime() - Date.parse(time));
  const { state, heartbeat } = report.watch;
  if (heartbeat === null) yield ['watching', 'no; start it with: holdfast service install'];
  else if (state === 'running') {
    const how = heartbeat.sees === 'events' ? '' : ', by looking from time to time';
    yield ['watching', `since ${ago(heartbeat.startedAt)}${how}`];
    if (heartbeat.lastLookAt !== null) yield ['last look', ago(heartbeat.lastLookAt)];
  } else {
    const end =
      heartbeat.stoppedAt === null
        ? `not any more, last heard ${ago(heartbeat.writtenAt)}`
        : `stopped ${ago(heartbeat.stoppedAt)}`;
    yield ['watching', `${end}; start it with: holdfast service install`];
  }
  const pending = pendingText(report, now);
  if (pending !== null) yield ['pending', pending];
  if (heartbeat?.lastError !== null && heartbeat?.lastError !== undefined) {
    yield ['last problem', `${ago(heartbeat.lastError.at)}: ${displayText(heartbeat.lastError.message)}`];
  }
  if (state === 'running' && heartbeat?.nextJob != null) {
    const inMs = Date.parse(heartbeat.nextJob.dueAt) - now.getTime();
    yield ['next job', `${displayText(heartbeat.nextJob.name)} ${inMs <= 0 ? 'now' : `in ${formatDuration(inMs)}`}`];
  }
}

const nothingPending = 'nothing: every change is in a snapshot';

function pendingText({ changes, watch }: StatusReport, now: Date): string | null {
  if (changes === null) return null;
  if (changes.pending === null) {
    const { state, heartbeat } = watch;
    if (state !== 'running' || heartbeat === null) return null;
    if (heartbeat.changesSince === null) return nothingPending;
    return `changes of ${formatAge(now.getTime() - Date.parse(heartbeat.changesSince))}, about to be captured`;
  }
  const { added, changed, removed } = changes.pending;
  if (added + changed + removed === 0) return nothingPending;
  return `+${formatCount(added)} ~${formatCount(changed)} -${formatCount(removed)} since the last snapshot`;
}

/** "main, 2 ahead of origin, 3 changed, 1 untracked, 2 commits not pushed" */
export function repositoryText(
  repository: NonNullable<StatusReport['repository']>,
  changes: StatusReport['changes'],
): string {
  const branch = repository.branch === null ? 'detached' : displayName(repository.branch).replace(/^refs\/heads\//, '');
  const { ahead, behind, upstream, operations, unpushedCommits } = repository;
  const parts = [branch];
  if (operations.length > 0) parts.push(`in the middle of a ${operations.map((name) => displayText(name)).join(', ')}`);
  if (upstream !== null && ahead !== null && behind !== null && ahead + behind > 0) {
    const apart = [ahead > 0 ? `${formatCount(ahead)} ahead` : '', behind > 0 ? `${formatCount(behind)} behind` : ''];
    parts.push(`${apart.filter((part) => part !== '').join(' and ')} of ${displayName(upstream.remote)}`);
  }
  if (changes?.work != null) {
    const { dirty, untracked } = changes.work;
    if (dirty > 0) parts.push(`${formatCount(dirty)} changed`);
    if (untracked > 0) parts.push(`${formatCount(untracked)} untracked`);
    if (dirty + untracked === 0) parts.push('clean');
  }
  if (!repository.hasRemote) parts.push('no remote');
  else if (unpushedCommits !== null && unpushedCommits > 0) {
    parts.push(`${formatCounted(unpushedCommits, 'commit')} on no remote`);
  }
  return parts.join(', ');
}

/** The same facts for `--json`. */
export function watchFields({ watch, changes, burst }: StatusReport): Readonly<Record<string, unknown>> {
  const { state, heartbeat } = watch;
  return {
    watch: {
      state,
      since: heartbeat?.startedAt ?? null,
      heard_at: heartbeat?.writtenAt ?? null,
      sees: heartbeat?.sees ?? null,
      changes_since: heartbeat?.changesSince ?? null,
      pause: heartbeat?.pause ?? null,
      last_look_at: heartbeat?.lastLookAt ?? null,
      last_error: heartbeat?.lastError ?? null,
      next_job: heartbeat?.nextJob == null ? null : { name: heartbeat.nextJob.name, due_at: heartbeat.nextJob.dueAt },
    },
    pending: changes?.pending ?? null,
    burst:
      burst === null
        ? null
        : { at: burst.at, last_good: burst.lastGood, removed: burst.removed, rewritten: burst.rewritten },
  };
}

/** The repository for `--json`. */
export function repositoryFields({ repository, changes }: StatusReport): Readonly<Record<string, unknown>> | null {
  if (repository === null) return null;
  const { upstream } = repository;
  return {
    branch: repository.branch === null ? null : displayName(repository.branch),
    head: repository.head,
    operations: repository.operations,
    unpushed_commits: repository.unpushedCommits,
    has_remote: repository.hasRemote,
    upstream: upstream === null ? null : { remote: displayName(upstream.remote), branch: displayName(upstream.branch) },
    ahead: repository.ahead,
    behind: repository.behind,
    dirty: changes?.work?.dirty ?? null,
    untracked: changes?.work?.untracked ?? null,
  };
}
