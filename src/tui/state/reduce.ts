import type { HoldfastEvent } from '../../model/events.ts';
import type { Action, Result, Step } from './actions.ts';
import type { AppState, Loadable, Screen, ScreenKind } from './app-state.ts';
import { handleKey } from './handle-key.ts';
import { clampScroll, rowsOf } from './scroll.ts';
import { withPoints, withQuery } from './timeline.ts';

/** The whole of the program's behaviour: what happened, and what comes of it. Pure; work is only asked for. */
export function reduce(state: AppState, action: Action): Step {
  switch (action.type) {
    case 'key':
      return handleKey(state, action.key);
    case 'resized':
      return only(clampScroll({ ...state, size: { columns: action.columns, rows: action.rows } }));
    case 'ticked':
      return ticked(state, action);
    case 'engine':
      return only(withEvent(state, action.event));
    case 'points_read': {
      const timeline = withPoints(state.timeline, action.points, action.isWhole);
      const next = clampScroll({ ...state, timeline, pinned: action.pinned, store: action.store });
      const isFirst = action.isWhole && action.store !== 'asking' && state.status === null;
      return { state: next, intents: isFirst ? [{ type: 'read_status' }] : [] };
    }
    case 'status_read':
      return only({
        ...state,
        status: action.status,
        store: action.status.store.reachable ? state.store : 'unreachable',
      });
    case 'when_read':
      if (state.timeline.query !== action.query) return only(state);
      return only(clampScroll({ ...state, timeline: withQuery(state.timeline, action.query, action.time) }));
    case 'refused':
      return only({
        ...onScreen(state, 'rollback', (screen) => ({ ...screen, refusal: action.text, typed: '' })),
        job: null,
      });
    case 'job_done':
      return jobDone(state, action);
    case 'told':
      return only({ ...state, message: action.message });
    case 'stopped':
      return only({
        ...state,
        job: null,
        message: { text: 'stopped; nothing live was changed', tone: 'warn', command: '' },
      });
    case 'changes_read':
    case 'diff_read':
    case 'folder_read':
    case 'versions_read':
    case 'files_found':
    case 'plan_read':
      return found(state, action);
  }
}

type FoundAction = Extract<Action, { result: unknown }>;

/** What was read for a screen; a screen that is gone or shows something else by now does not want it. */
function found(state: AppState, action: FoundAction): Step {
  switch (action.type) {
    case 'changes_read':
      return withMarkedDiff(
        onScreen(state, 'changes', (screen) =>
          screen.point.record.id === action.id && screen.against === action.against
            ? { ...screen, found: loaded(action.result), cursor: firstChange(action.result) }
            : screen,
        ),
      );
    case 'diff_read':
      return only(withDiff(state, action));
    case 'folder_read': {
      const next = onScreen(state, 'browse', (screen) =>
        screen.path === action.path ? { ...screen, found: loaded(action.result) } : screen,
      );
      return only(clampScroll(next));
    }
    case 'versions_read':
      return only(
        onScreen(state, 'versions', (screen) =>
          screen.path === action.path ? { ...screen, found: loaded(action.result) } : screen,
        ),
      );
    case 'files_found':
      return only(
        onScreen(state, 'found', (screen) =>
          screen.query === action.query ? { ...screen, found: loaded(action.result) } : screen,
        ),
      );
    case 'plan_read':
      return only(
        onScreen(state, 'rollback', (screen) =>
          screen.point.record.id === action.id ? { ...screen, plan: loaded(action.result) } : screen,
        ),
      );
  }
}

/** Where there is room, the marked change is shown beside the tree. */
export function withMarkedDiff(state: AppState): Step {
  const screen = state.screens.at(-1);
  if (screen?.kind !== 'changes' || screen.found.state !== 'ready') return only(state);
  const change = screen.found.value.rows[screen.cursor]?.change ?? null;
  if (change === null || !hasSidePane(state) || screen.diff?.path === change.path) return only(state);
  const next = replaceTop(state, { ...screen, diff: { path: change.path, found: { state: 'loading' } } });
  return { state: next, intents: [{ type: 'read_diff', point: screen.point, against: screen.against, change }] };
}

/** Wide enough for two panes. */
export function hasSidePane(state: AppState): boolean {
  return state.size.columns >= 100;
}

export function only(state: AppState): Step {
  return { state, intents: [] };
}

export function replaceTop(state: AppState, screen: Screen): AppState {
  return { ...state, screens: [...state.screens.slice(0, -1), screen] };
}

function onScreen<Kind extends Exclude<ScreenKind, 'timeline'>>(
  state: AppState,
  kind: Kind,
  change: (screen: Extract<Screen, { kind: Kind }>) => Screen,
): AppState {
  const isKind = (screen: Screen): screen is Extract<Screen, { kind: Kind }> => screen.kind === kind;
  return { ...state, screens: state.screens.map((screen) => (isKind(screen) ? change(screen) : screen)) };
}

function withDiff(state: AppState, action: Extract<Action, { type: 'diff_read' }>): AppState {
  const diff = { path: action.path, found: loaded(action.result) };
  const screens = state.screens.map((screen): Screen => {
    if (screen.kind === 'changes' && screen.diff?.path === action.path) return { ...screen, diff };
    if (screen.kind === 'browse' && screen.preview?.path === action.path) return { ...screen, preview: diff };
    if (screen.kind === 'diff' && screen.path === action.path && screen.found.state === 'loading')
      return { ...screen, found: diff.found };
    return screen;
  });
  return clampScroll({ ...state, screens });
}

function loaded<T>(result: Result<T>): Loadable<T> {
  return 'value' in result ? { state: 'ready', value: result.value } : { state: 'failed', ...result.failure };
}

function firstChange(result: Extract<Action, { type: 'changes_read' }>['result']): number {
  return 'value' in result
    ? Math.max(
        0,
        result.value.rows.findIndex(({ change }) => change !== null),
      )
    : 0;
}

/** A snapshot the watcher took is read at once; the watcher's own word says when. */
function ticked(state: AppState, action: Extract<Action, { type: 'ticked' }>): Step {
  const seen = state.watch?.heartbeat?.lastSnapshot?.id;
  const last = action.watch?.heartbeat?.lastSnapshot;
  const next = { ...state, nowMs: action.nowMs, watch: action.watch };
  const isNew = last !== null && last !== undefined && last.id !== seen && state.watch !== null;
  return { state: next, intents: isNew ? [{ type: 'read_points' }, { type: 'read_status' }] : [] };
}

function withEvent(state: AppState, event: HoldfastEvent): AppState {
  if (state.job === null) return state;
  if (event.type === 'phase_started')
    return { ...state, job: { ...state.job, phase: event.phase, done: 0, total: null, unit: '' } };
  if (event.type === 'progress') {
    const { phase, done, total, unit } = event;
    return { ...state, job: { ...state.job, phase, done, total, unit } };
  }
  if (event.type === 'request_retried')
    return { ...state, message: { text: `the store: ${event.reason}; trying again`, tone: 'warn', command: '' } };
  return state;
}

function jobDone(state: AppState, { message, outcome }: Extract<Action, { type: 'job_done' }>): Step {
  const kept = state.screens.filter(({ kind }) => kind !== 'rollback');
  const screens = outcome === null ? kept : [...kept, { kind: 'outcome', cursor: 0, top: 0, ...outcome } as const];
  const next = { ...state, job: null, message, screens };
  return {
    state: rowsOf(next) >= 0 ? clampScroll(next) : next,
    intents: [{ type: 'read_points' }, { type: 'read_status' }],
  };
}
