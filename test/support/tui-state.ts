import type { Label, SnapshotId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import type { KeyName, KeyPress } from '../../src/tui/keys.ts';
import type { Intent } from '../../src/tui/state/actions.ts';
import type { AppState } from '../../src/tui/state/app-state.ts';
import { reduce } from '../../src/tui/state/reduce.ts';
import { emptyTimeline, withPoints } from '../../src/tui/state/timeline.ts';
import { sampleRecord, sha256Like } from './sample-record.ts';

export const nowMs = Date.parse('2026-04-16T15:00:00Z');

/** A restore point some hours before `nowMs`. */
export function pointAt(
  hoursAgo: number,
  changes: { label?: string; kind?: 'auto' | 'manual'; complete?: boolean } = {},
): RestorePoint {
  const takenAt = new Date(nowMs - hoursAgo * 3_600_000).toISOString();
  const label = (changes.label ?? 'auto-laptop') as Label;
  const id = `${takenAt.slice(0, 19)}Z-p${hoursAgo}` as SnapshotId;
  const record = sampleRecord({
    id,
    label,
    takenAt,
    kind: changes.kind ?? (changes.label === undefined ? 'auto' : 'manual'),
    complete: changes.complete ?? true,
    problems: [],
  });
  return { record, recordSha256: sha256Like('4'), where: 'store', localDirectory: null };
}

export function stateWith(points: readonly RestorePoint[], columns = 80, rows = 16): AppState {
  return {
    size: { columns, rows },
    nowMs,
    vaultName: 'notes',
    machineId: '0123456789abcdef',
    store: 'answered',
    status: null,
    watch: null,
    pinned: new Set(),
    timeline: withPoints(emptyTimeline, points, true),
    screens: [],
    prompt: null,
    job: null,
    message: null,
    isSideBySide: true,
    isOver: false,
  };
}

const names: readonly string[] = [
  'up',
  'down',
  'left',
  'right',
  'pageup',
  'pagedown',
  'home',
  'end',
  'enter',
  'escape',
  'tab',
  'backspace',
];

export function key(text: string): KeyPress {
  const isNamed = names.includes(text);
  return {
    name: isNamed ? (text as KeyName) : null,
    text: isNamed ? '' : text.replace(/^ctrl-/, ''),
    ctrl: text.startsWith('ctrl-'),
  };
}

/** Presses keys one after the other; the state, and all the work they asked for. */
export function press(state: AppState, ...keys: readonly string[]): { state: AppState; intents: Intent[] } {
  const intents: Intent[] = [];
  let now = state;
  for (const text of keys) {
    const step = reduce(now, { type: 'key', key: key(text) });
    now = step.state;
    intents.push(...step.intents);
  }
  return { state: now, intents };
}
