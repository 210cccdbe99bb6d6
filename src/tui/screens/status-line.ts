import { displayName, displayText } from '../../format/display-name.ts';
import { formatAge, formatDuration } from '../../format/duration.ts';
import { formatCount } from '../../format/size.ts';
import { emptyLine, type Line, line, type Span, span, spreadLine } from '../line.ts';
import type { AppState } from '../state/app-state.ts';

const words = { green: 'safe', yellow: 'look at this', red: 'not safe' } as const;
const styles = { green: 'good', yellow: 'warn', red: 'bad' } as const;

/** The first line: is the vault safe, and why not; what is known of everything around it, as far as it fits. */
export function statusLine(state: AppState): Line {
  const { status, nowMs } = state;
  const { columns } = state.size;
  const head: Span[] =
    status === null
      ? [span('◌ ', 'dim'), span(displayText(state.vaultName), 'bold'), span('  asking the store', 'dim')]
      : [
          span('● ', styles[status.colour]),
          span(displayText(state.vaultName), 'bold'),
          span(`  ${words[status.colour]}`, styles[status.colour]),
        ];
  const facts = factsOf(state, nowMs);
  const kept: Span[] = [];
  let room = columns - 2 - head.reduce((sum, { text }) => sum + text.length, 0);
  for (const fact of facts) {
    if (fact.text.length + 3 > room) break;
    kept.push(span(kept.length === 0 ? '' : ' · ', 'dim'), fact);
    room -= fact.text.length + 3;
  }
  return spreadLine(line(...head), line(...kept), columns);
}

/** The second line: the worst reason and what mends it, or what was just done, or the work under way. */
export function reasonLine(state: AppState): Line {
  const [reason, ...others] = state.status?.reasons ?? [];
  if (reason === undefined) return emptyLine;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const remedy = reason.remedy === '' ? [] : [span('  → ', 'dim'), span(displayText(reason.remedy), 'accent')];
  return line(span('  ' + displayText(reason.text) + more, styles[reason.colour]), ...remedy);
}

function factsOf(state: AppState, nowMs: number): Span[] {
  const { status, watch } = state;
  const facts: Span[] = [];
  const newest = state.timeline.points.find(({ record }) => record.machine.id === state.machineId);
  if (newest !== undefined) facts.push(span(`last ${formatAge(nowMs - Date.parse(newest.record.takenAt))}`));
  facts.push(watchFact(state));
  if (state.store === 'unreachable') facts.push(span('store away', 'bad'));
  else facts.push(span(state.store === 'asking' ? 'store …' : 'store ok', state.store === 'asking' ? 'dim' : 'good'));
  const changesSince = watch?.state === 'running' ? (watch.heartbeat?.changesSince ?? null) : null;
  if (changesSince !== null)
    facts.push(span(`changes since ${formatAge(nowMs - Date.parse(changesSince)).replace(' ago', '')}`, 'warn'));
  if (status !== null && status.waiting > 0) facts.push(span(`${formatCount(status.waiting)} to upload`, 'warn'));
  const repository = status?.repository ?? null;
  if (repository !== null) {
    const branch =
      repository.branch === null
        ? 'detached'
        : displayName(repository.branch, { charsMax: 24 }).replace(/^refs\/heads\//, '');
    const ahead = (repository.unpushedCommits ?? 0) > 0 ? ` ↑${repository.unpushedCommits}` : '';
    facts.push(span(`git ${branch}${ahead}`, ahead === '' ? 'plain' : 'warn'));
  }
  const drill = status?.lastDrill;
  if (drill?.event.event === 'drill') {
    const { passed, rtoMs, rpoMs } = drill.event;
    const age = formatAge(nowMs - Date.parse(drill.at));
    facts.push(
      span(
        `drill ${passed ? 'passed' : 'FAILED'} ${age}, RTO ${formatDuration(rtoMs)}, RPO ${formatDuration(rpoMs)}`,
        passed ? 'plain' : 'bad',
      ),
    );
  }
  if (status !== null) facts.push(span(displayText(status.store.url, { charsMax: 60 }), 'dim'));
  return facts;
}

function watchFact({ watch }: AppState): Span {
  if (watch === null || watch.state === 'never' || watch.state === 'stopped') return span('not watching', 'dim');
  if (watch.state === 'killed') return span('watcher died', 'warn');
  return watch.heartbeat?.pause == null ? span('watching', 'good') : span('watcher waits', 'warn');
}
