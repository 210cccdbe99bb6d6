import { displayName, displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import { wrapToWidth } from '../../format/text-width.ts';
import { keyTable, keyText } from '../keys.ts';
import { emptyLine, type Line, line, span } from '../line.ts';
import type { Screen } from '../state/app-state.ts';
import { drawLoadable } from './loadable.ts';

type Of<Kind extends Screen['kind']> = Extract<Screen, { kind: Kind }>;

interface Area {
  readonly width: number;
  readonly height: number;
}

/** The help page, from the key table. */
export function helpLines(width: number): Line[] {
  const lines: Line[] = [];
  const keyColumns = 16;
  for (const { keys, long, on } of keyTable) {
    const where =
      on === null || on.length > 4
        ? ''
        : ` (${on.map((kind) => (kind === 'timeline' ? 'restore points' : kind)).join(', ')})`;
    const [first, ...rest] = wrapToWidth(`${long}${where}`, Math.max(12, width - keyColumns - 2));
    lines.push(line(' ', span(keys.map(keyText).join(' ').padEnd(keyColumns), 'key'), first ?? ''));
    for (const text of rest) lines.push(line(' '.repeat(keyColumns + 1), text));
  }
  lines.push(emptyLine);
  for (const text of wrapToWidth(
    '● in the store   ◐ partial   ○ on this machine only   bars: how much changed in which hour',
    width - 2,
  ))
    lines.push(line(span(` ${text}`, 'dim')));
  return lines;
}

export function drawHelp({ top }: Of<'help'>, { width, height }: Area): Line[] {
  return helpLines(width).slice(top, top + height);
}

/** How work ended. Long lines are wrapped: a path that is cut off cannot be used. */
export function drawOutcome({ lines, top }: Of<'outcome'>, { width, height }: Area): Line[] {
  const wrapped = lines.flatMap((whole): Line[] => {
    const text = whole.spans.map((part) => part.text).join('');
    const style = whole.spans.at(-1)?.style ?? 'plain';
    const rows = wrapToWidth(text, width - 2, '  ');
    return rows.length <= 1
      ? [{ spans: [span(' '), ...whole.spans] }]
      : rows.map((row) => line(span(` ${row}`, style)));
  });
  return wrapped.slice(top, top + height);
}

const marks = {
  change: ['~', 'warn'],
  'bring back': ['+', 'added'],
  'set aside': ['-', 'removed'],
  time: ['t', 'dim'],
} as const;

/** The plan of a rollback, and the label that has to be typed. */
export function drawRollback(screen: Of<'rollback'>, { width, height }: Area): Line[] {
  const { record } = screen.point;
  const ask: Line[] =
    screen.plan.state === 'ready'
      ? [
          emptyLine,
          ...(screen.refusal === ''
            ? []
            : wrapToWidth(`refused: ${screen.refusal}`, width - 2).map((text) => line(span(` ${text}`, 'bad')))),
          ...wrapToWidth(`To do it, type the label and press ⏎: ${displayText(record.label)}`, width - 2).map((text) =>
            line(span(` ${text}`, 'bold')),
          ),
          line(' label: ', span(displayText(screen.typed), 'accent'), span('▏', 'accent')),
        ]
      : [];
  const room = Math.max(1, height - ask.length);
  const body = drawLoadable(screen.plan, (plan) => {
    const head = ` would change ${formatCount(plan.changed)}, bring back ${formatCount(plan.broughtBack)}, set aside ${formatCount(plan.setAside)}; reads ${formatSize(plan.fetchBytes)}, about ${formatDuration(plan.estimateMs)}`;
    const shown = plan.paths.slice(screen.top, screen.top + Math.max(0, room - 3));
    const more = plan.paths.length - shown.length;
    return [
      ...wrapToWidth(head, width - 1, ' ').map((text) => line(span(text, 'bold'))),
      line(span(' A snapshot of the vault as it is comes first. Nothing is deleted: it is set aside.', 'dim')),
      ...shown.map(({ path, what }) => line('   ', span(marks[what][0], marks[what][1]), ` ${displayName(path)}`)),
      ...(more > 0 ? [line(span(`   and ${formatCount(more)} more`, 'dim'))] : []),
    ];
  });
  return [...body.slice(0, room), ...ask];
}
