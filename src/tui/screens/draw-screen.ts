import { displayName, displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import { keyTable, keyText } from '../keys.ts';
import { emptyLine, fitLine, type Line, line, type Span, span, widthOf } from '../line.ts';
import { type AppState, type Screen, screenKindOf } from '../state/app-state.ts';
import { listHeight } from '../state/scroll.ts';
import { drawDiff } from './diff.ts';
import { drawBrowse, drawChanges, drawFound, drawVersions } from './lists.ts';
import { drawHelp, drawOutcome, drawRollback } from './pages.ts';
import { momentText } from './point-cells.ts';
import { reasonLine, statusLine } from './status-line.ts';
import { densityStrip, drawTimeline } from './timeline.ts';

const columnsMin = 20;

/** The whole screen as lines, one fewer than it has rows: status, why, title, body, message, keys. */
export function drawScreen(state: AppState): Line[] {
  const { columns, rows } = state.size;
  if (columns < columnsMin || rows < 7) return [fitLine(line('holdfast: make this window larger'), columns)];
  const height = listHeight(state);
  const body = drawBody(state, height);
  const lines = [statusLine(state), reasonLine(state), titleLine(state)];
  for (let i = 0; i < height; i++) lines.push(body[i] ?? emptyLine);
  lines.push(messageLine(state), keyLine(state));
  return lines;
}

function drawBody(state: AppState, height: number): Line[] {
  const screen = state.screens.at(-1);
  const area = { width: state.size.columns, height };
  if (screen === undefined) return drawTimeline(state, height);
  switch (screen.kind) {
    case 'changes':
      return drawChanges(state, screen, height);
    case 'diff':
      return drawDiff(screen.found, { path: screen.path, top: screen.top, ...area, isSideBySide: state.isSideBySide });
    case 'browse':
      return drawBrowse(state, screen, height);
    case 'versions':
      return drawVersions(state, screen, height);
    case 'found':
      return drawFound(state, screen, height);
    case 'rollback':
      return drawRollback(screen, area);
    case 'outcome':
      return drawOutcome(screen, area);
    case 'help':
      return drawHelp(screen, area);
  }
}

/** What is being looked at: on the first screen, when how much changed. */
function titleLine(state: AppState): Line {
  const screen = state.screens.at(-1);
  if (screen !== undefined) return line(span(' ' + titleOf(screen, state), 'heading'));
  const { query, queryTime, matches } = state.timeline;
  if (query === '') return densityStrip(state);
  const found =
    queryTime === null
      ? `${formatCount(matches)} of ${formatCount(state.timeline.points.length)}`
      : `the newest at ${momentText(queryTime.getTime(), state.nowMs)}`;
  return line(span(` ${displayText(query)}`, 'accent'), span(`  ${found}`, 'dim'));
}

function titleOf(screen: Screen, { nowMs }: AppState): string {
  const moment = 'point' in screen ? momentText(Date.parse(screen.point.record.takenAt), nowMs) : '';
  switch (screen.kind) {
    case 'changes': {
      const against = screen.against === 'live' ? 'since then, up to now' : 'against the point before';
      const counts = screen.found.state === 'ready' ? countsText(screen.found.value) : '';
      return `What changed ${against} · ${moment}${counts}`;
    }
    case 'diff':
      return `${displayName(screen.path)} · ${moment} · ${screen.found.state === 'ready' && screen.found.value.note !== '' ? screen.found.value.note : screen.title}`;
    case 'browse':
      return `${screen.path === '' ? 'All files' : `${displayName(screen.path)}/`} · ${moment}`;
    case 'versions':
      return `Versions of ${displayName(screen.path)}`;
    case 'found':
      return `Files named ${JSON.stringify(displayText(screen.query))}${screen.found.state === 'ready' ? ` · ${formatCount(screen.found.value.length)}` : ''}`;
    case 'rollback':
      return `Rollback to ${displayText(screen.point.record.id)}`;
    case 'outcome':
      return screen.title;
    case 'help':
      return 'Keys';
  }
}

function countsText({
  counts,
  more,
}: {
  counts: { added: number; changed: number; removed: number; renamed: number };
  more: number;
}): string {
  const parts = (['added', 'changed', 'removed', 'renamed'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${formatCount(counts[kind])} ${kind}`);
  return (parts.length === 0 ? '' : ` · ${parts.join(', ')}`) + (more > 0 ? ` (${formatCount(more)} not listed)` : '');
}

/** The work under way, or what came of the last, with the command that does the same. */
function messageLine(state: AppState): Line {
  const { prompt, job, message } = state;
  if (prompt !== null) {
    const ask = { filter: '/', label: 'snapshot now, label (none is fine): ', find: 'find files named: ' }[prompt.for];
    return line(span(` ${ask}`, 'bold'), displayText(prompt.text), span('▏', 'accent'));
  }
  if (job !== null) return jobLine(state, job);
  if (message === null) return emptyLine;
  const command =
    message.command === '' ? [] : [span(message.text === '' ? ' ' : '   ', 'dim'), span(message.command, 'dim')];
  return line(' ', span(message.text, message.tone), ...command);
}

function jobLine(state: AppState, job: NonNullable<AppState['job']>): Line {
  const elapsedMs = Math.max(0, state.nowMs - job.startedMs);
  const show = (amount: number): string => (job.unit === 'bytes' ? formatSize(amount) : formatCount(amount));
  const share = job.total === null || job.total === 0 ? null : Math.min(1, job.done / job.total);
  const progress =
    job.done === 0
      ? ''
      : share === null
        ? ` ${show(job.done)} ${job.unit}`
        : ` ${show(job.done)} of ${show(job.total!)} ${bar(share)} ${Math.round(share * 100)} %`;
  const eta =
    share === null || share < 0.05 || elapsedMs < 1500
      ? ''
      : `, ${formatDuration((elapsedMs / share) * (1 - share))} left`;
  const stopping = job.isStopping ? ' · stopping safely' : ' · x stops it';
  return line(
    span(` ${job.name}`, 'bold'),
    span(` ${job.phase}${progress}${eta}`),
    span(stopping, 'dim'),
    span(`   ${job.command}`, 'dim'),
  );
}

function bar(share: number): string {
  const filled = Math.round(share * 12);
  return '█'.repeat(filled) + '░'.repeat(12 - filled);
}

/** The keys that matter here, as many as fit. */
function keyLine(state: AppState): Line {
  const { columns } = state.size;
  if (state.prompt !== null)
    return hints(
      [
        ['⏎', 'done'],
        ['esc', 'cancel'],
      ],
      columns,
    );
  const kind = screenKindOf(state);
  if (kind === 'rollback')
    return hints(
      [
        ['⏎', 'roll back, when the label is right'],
        ['↑↓', 'more of the plan'],
        ['esc', 'leave it'],
      ],
      columns,
    );
  const rows = keyTable.filter(
    ({ short, on, command }) =>
      short !== '' && (on === null || on.includes(kind)) && !(command === 'back' && kind === 'timeline'),
  );
  const last = rows.filter(({ command }) => command === 'help' || command === 'quit');
  const first = rows.filter((row) => !last.includes(row));
  const pairsOf = (some: typeof rows) => some.map(({ keys, short }) => [keyText(keys[0]!), short] as const);
  const end = hints(pairsOf(last), columns);
  return { spans: [...hints(pairsOf(first), columns - widthOf(end) - 1).spans, span(' '), ...end.spans] };
}

function hints(pairs: readonly (readonly [string, string])[], columns: number): Line {
  const spans: Span[] = [];
  for (const [key, text] of pairs) {
    const next = [span(spans.length === 0 ? ' ' : '  '), span(key, 'key'), span(` ${text}`, 'dim')];
    if (widthOf({ spans: [...spans, ...next] }) > columns) break;
    spans.push(...next);
  }
  return { spans };
}
