import type { ByteString } from '../../lib/bytes.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { SnapshotId } from '../../model/ids.ts';
import { displayName } from '../../format/display-name.ts';
import type { Step } from './actions.ts';
import { type AppState, markedPoint, type Screen } from './app-state.ts';
import { push } from './handle-key.ts';
import { only, replaceTop } from './reduce.ts';

/** Opens what is marked, the way asked for. */
export function openMarked(state: AppState, how: 'open' | 'browse' | 'versions' | 'against'): Step {
  const top = state.screens.at(-1);
  if (how === 'browse') return browse(state, pointOfTop(state), '');
  if (how === 'versions') return versions(state, pathOfMarked(state));
  if (how === 'against')
    return top?.kind === 'changes'
      ? changes(replaceTop(state, top), top.point, top.against === 'live' ? 'previous' : 'live', true)
      : only(state);
  if (top === undefined) {
    const point = markedPoint(state.timeline);
    return point === null ? only(state) : changes(state, point, 'previous', false);
  }
  return openOn(state, top);
}

function openOn(state: AppState, top: Screen): Step {
  if (top.kind === 'changes' && top.found.state === 'ready') {
    const row = top.found.value.rows[top.cursor];
    if (row?.change == null) return only(state);
    const against = top.against === 'live' ? 'against what is there now' : 'against the point before';
    const next = push(state, diffScreen(top.point, row.path, against));
    return {
      state: next,
      intents: [{ type: 'read_diff', point: top.point, against: top.against, change: row.change }],
    };
  }
  if (top.kind === 'browse' && top.found.state === 'ready') {
    const entry = top.found.value[top.cursor];
    if (entry === undefined) return only(state);
    if (entry.kind === 'folder') return browse(state, top.point, entry.path);
    return {
      state: push(state, diffScreen(top.point, entry.path, 'as it was')),
      intents: [{ type: 'read_file', point: top.point, path: entry.path }],
    };
  }
  if (top.kind === 'versions' && top.found.state === 'ready') {
    const version = top.found.value[top.cursor];
    const point = version === undefined ? null : pointById(state, version.until);
    if (version === undefined || point === null) return only(state);
    const next = push(state, diffScreen(point, top.path, 'against what is there now'));
    return { state: next, intents: [{ type: 'read_version', path: top.path, id: version.until }] };
  }
  if (top.kind === 'found') return versions(state, pathOfMarked(state));
  return only(state);
}

function diffScreen(point: RestorePoint, path: ByteString, title: string): Screen {
  return { kind: 'diff', point, path, title, found: { state: 'loading' }, cursor: 0, top: 0 };
}

function changes(state: AppState, point: RestorePoint, against: 'previous' | 'live', isToggle: boolean): Step {
  const screen: Screen = {
    kind: 'changes',
    point,
    against,
    found: { state: 'loading' },
    diff: null,
    cursor: 0,
    top: 0,
  };
  const next = isToggle ? replaceTop(state, screen) : push(state, screen);
  return { state: next, intents: [{ type: 'read_changes', point, against }] };
}

function browse(state: AppState, point: RestorePoint | null, path: ByteString): Step {
  if (point === null) return only(state);
  const screen: Screen = { kind: 'browse', point, path, found: { state: 'loading' }, preview: null, cursor: 0, top: 0 };
  return { state: push(state, screen), intents: [{ type: 'read_folder', point, path }] };
}

function versions(state: AppState, path: ByteString | null): Step {
  if (path === null) return only({ ...state, message: { text: 'mark a file first', tone: 'warn', command: '' } });
  const screen: Screen = { kind: 'versions', path, found: { state: 'loading' }, cursor: 0, top: 0 };
  const next = push(state, screen);
  return {
    state: { ...next, message: { text: '', tone: 'plain', command: `holdfast log ${displayName(path)}` } },
    intents: [{ type: 'read_versions', path }],
  };
}

/** The path that is marked on the screen on top; null for everything. */
export function pathOfMarked(state: AppState): ByteString | null {
  const top = state.screens.at(-1);
  if (top === undefined) return null;
  if (top.kind === 'diff' || top.kind === 'versions') return top.path;
  if (top.kind === 'changes')
    return top.found.state === 'ready' ? (top.found.value.rows[top.cursor]?.path ?? null) : null;
  if (top.kind === 'browse' || top.kind === 'found')
    return top.found.state === 'ready' ? (top.found.value[top.cursor]?.path ?? null) : null;
  return null;
}

/** The restore point the screen on top is about. */
export function pointOfTop(state: AppState): RestorePoint | null {
  const top = state.screens.at(-1);
  if (top === undefined) return markedPoint(state.timeline);
  if ('point' in top) return top.point;
  if (top.kind === 'versions' && top.found.state === 'ready')
    return pointById(state, top.found.value[top.cursor]?.until);
  if (top.kind === 'found' && top.found.state === 'ready') return pointById(state, top.found.value[top.cursor]?.newest);
  return null;
}

/** Where a restore finds what is marked: what a point no longer had is in the one before. */
export function pointToRestore(state: AppState): RestorePoint | null {
  const top = state.screens.at(-1);
  const point = pointOfTop(state);
  if (top?.kind !== 'changes' || top.against === 'live' || top.found.state !== 'ready' || point === null) return point;
  const isGone = top.found.value.rows[top.cursor]?.change?.kind === 'removed';
  return isGone ? (pointById(state, point.record.base ?? undefined) ?? point) : point;
}

export function pointById(state: AppState, id: SnapshotId | undefined): RestorePoint | null {
  return state.timeline.points.find(({ record }) => record.id === id) ?? null;
}
