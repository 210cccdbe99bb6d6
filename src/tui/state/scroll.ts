import type { AppState, Screen } from './app-state.ts';

/** Lines of the screen that are not the list: status, strip or title, message, keys. */
const frameRows = 5;
/** Ink redraws without flicker what is smaller than the screen. */
const spareRows = 1;

/** Rows a list has on this screen. */
export function listHeight(state: AppState): number {
  return Math.max(1, state.size.rows - spareRows - frameRows);
}

/** How many rows what is on top has. */
export function rowsOf(state: AppState): number {
  const screen = state.screens.at(-1);
  if (screen === undefined) return state.timeline.rows.length;
  return rowsOfScreen(screen);
}

/** Keeps the mark inside the list and the list around the mark. */
export function clampScroll(state: AppState): AppState {
  const height = listHeight(state);
  const screen = state.screens.at(-1);
  if (screen === undefined) {
    const timeline = { ...state.timeline, ...clamp(state.timeline, rowsOf(state), height) };
    return { ...state, timeline };
  }
  const next = { ...screen, ...(isPager(screen) ? clampPager : clamp)(screen, rowsOfScreen(screen), height) };
  return { ...state, screens: [...state.screens.slice(0, -1), next] };
}

/** Pages have no mark: keys move the page itself. */
export function isPager({ kind }: Screen): boolean {
  return kind === 'diff' || kind === 'outcome' || kind === 'help' || kind === 'rollback';
}

function rowsOfScreen(screen: Screen): number {
  switch (screen.kind) {
    case 'changes':
      return screen.found.state === 'ready' ? screen.found.value.rows.length : 0;
    case 'diff':
      return screen.found.state === 'ready' ? screen.found.value.rows.length : 0;
    case 'browse':
    case 'versions':
    case 'found':
      return screen.found.state === 'ready' ? screen.found.value.length : 0;
    case 'outcome':
      return screen.lines.length;
    case 'rollback':
      return screen.plan.state === 'ready' ? screen.plan.value.paths.length : 0;
    case 'help':
      return 60;
  }
}

function clamp({ cursor, top }: { cursor: number; top: number }, count: number, height: number) {
  const at = Math.max(0, Math.min(count - 1, cursor));
  const margin = Math.min(2, Math.floor((height - 1) / 2));
  const highest = Math.max(0, Math.min(at - margin, count - height));
  const lowest = Math.max(0, at + margin - height + 1);
  return { cursor: at, top: Math.max(0, Math.min(Math.max(top, lowest), highest, Math.max(0, count - height))) };
}

function clampPager({ top }: { top: number }, count: number, height: number) {
  const at = Math.max(0, Math.min(top, count - height));
  return { cursor: at, top: at };
}
