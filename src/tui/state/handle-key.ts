import type { RestorePoint } from '../../model/restore-point.ts';
import { type Command, commandOf, type KeyPress } from '../keys.ts';
import type { Intent, Step } from './actions.ts';
import { type AppState, markedPoint, type Prompt, type Screen, screenKindOf } from './app-state.ts';
import { openMarked, pathOfMarked, pointToRestore } from './open-screen.ts';
import { hasSidePane, only, replaceTop, withMarkedDiff } from './reduce.ts';
import { clampScroll, isPager, listHeight, rowsOf } from './scroll.ts';
import { startWork } from './start-work.ts';
import { jumpInTimeline, moveInTimeline, withQuery } from './timeline.ts';

/** What a key does: to the line being typed, to the label that confirms a rollback, or as a command. */
export function handleKey(state: AppState, key: KeyPress): Step {
  if (key.ctrl && key.text === 'c') return quit(state);
  if (state.prompt !== null) return typed(state, state.prompt, key);
  const top = state.screens.at(-1);
  if (top?.kind === 'rollback' && state.job === null) {
    const step = confirmed(state, top, key);
    if (step !== null) return step;
  }
  const command = commandOf(key, screenKindOf(state));
  return command === null ? only(state) : run({ ...state, message: null }, command);
}

function run(state: AppState, command: Command): Step {
  switch (command) {
    case 'up':
      return move(state, -1);
    case 'down':
      return move(state, 1);
    case 'page-up':
      return move(state, -listHeight(state));
    case 'page-down':
      return move(state, listHeight(state));
    case 'first':
      return move(state, -rowsOf(state));
    case 'last':
      return move(state, rowsOf(state));
    case 'next-day':
    case 'previous-day':
    case 'next-label':
      return only(
        clampScroll({ ...state, timeline: { ...state.timeline, cursor: jumpInTimeline(state.timeline, command) } }),
      );
    case 'back':
      return goBack(state);
    case 'filter':
      return only({ ...state, prompt: { for: 'filter', text: state.timeline.query } });
    case 'find':
      return only({ ...state, prompt: { for: 'find', text: '' } });
    case 'snapshot':
      return state.job === null ? only({ ...state, prompt: { for: 'label', text: '' } }) : busy(state);
    case 'open':
    case 'browse':
    case 'versions':
    case 'against':
      return openMarked(state, command);
    case 'layout':
      return only({ ...state, isSideBySide: !state.isSideBySide });
    case 'help':
      return screenKindOf(state) === 'help' ? goBack(state) : only(push(state, { kind: 'help', cursor: 0, top: 0 }));
    case 'refresh':
      return { state: { ...state, store: 'asking' }, intents: [{ type: 'read_points' }, { type: 'read_status' }] };
    case 'stop':
      return state.job === null ? { state, intents: [{ type: 'stop_view' }] } : stop(state);
    case 'quit':
      return quit(state);
    case 'open-folder': {
      const top = state.screens.at(-1);
      return top?.kind === 'outcome' && top.directory !== null
        ? { state, intents: [{ type: 'open_folder', directory: top.directory }] }
        : only(state);
    }
    case 'rollback':
      return withPoint(state, (point) => planRollback(state, point));
    case 'restore':
    case 'pin':
    case 'verify':
    case 'drill':
      return start(state, command);
  }
}

function start(state: AppState, command: 'restore' | 'pin' | 'verify' | 'drill'): Step {
  if (command === 'verify') return startWork(state, { type: 'verify' });
  const target = command === 'restore' ? pointToRestore(state) : markedPoint(state.timeline);
  if (target === null) return only(state);
  const { id } = target.record;
  if (command === 'restore') return startWork(state, { type: 'restore', id, path: pathOfMarked(state) });
  if (command === 'drill') return startWork(state, { type: 'drill', id });
  return startWork(state, { type: 'set_pin', id, pinned: !state.pinned.has(id) });
}

function planRollback(state: AppState, point: RestorePoint): Step {
  if (state.job !== null) return busy(state);
  const screen: Screen = {
    kind: 'rollback',
    point,
    plan: { state: 'loading' },
    typed: '',
    refusal: '',
    cursor: 0,
    top: 0,
  };
  return { state: push(state, screen), intents: [{ type: 'plan_rollback', point }] };
}

function withPoint(state: AppState, act: (point: RestorePoint) => Step): Step {
  const point = markedPoint(state.timeline);
  return point === null ? only(state) : act(point);
}

function move(state: AppState, by: number): Step {
  const top = state.screens.at(-1);
  if (top === undefined) {
    const cursor = moveInTimeline(state.timeline, state.timeline.cursor + by, by < 0 ? -1 : 1);
    return only(clampScroll({ ...state, timeline: { ...state.timeline, cursor } }));
  }
  if (isPager(top)) return only(clampScroll(replaceTop(state, { ...top, top: top.top + by })));
  const next = clampScroll(replaceTop(state, { ...top, cursor: top.cursor + by }));
  return top.kind === 'browse' ? withPreview(next) : withMarkedDiff(next);
}

/** Where there is room, the marked file is shown beside the folder. */
export function withPreview(state: AppState): Step {
  const screen = state.screens.at(-1);
  if (screen?.kind !== 'browse' || screen.found.state !== 'ready' || !hasSidePane(state)) return only(state);
  const entry = screen.found.value[screen.cursor];
  if (entry === undefined || entry.kind === 'folder') return only(replaceTop(state, { ...screen, preview: null }));
  if (screen.preview?.path === entry.path) return only(state);
  const next = replaceTop(state, { ...screen, preview: { path: entry.path, found: { state: 'loading' } } });
  return { state: next, intents: [{ type: 'read_file', point: screen.point, path: entry.path }] };
}

function goBack(state: AppState): Step {
  if (state.screens.length === 0) {
    const cleared = state.timeline.query === '' ? state : { ...state, timeline: withQuery(state.timeline, '', null) };
    return only(clampScroll(cleared));
  }
  return { state: { ...state, screens: state.screens.slice(0, -1) }, intents: [{ type: 'stop_view' }] };
}

export function push(state: AppState, screen: Screen): AppState {
  return { ...state, screens: [...state.screens, screen], prompt: null };
}

function busy(state: AppState): Step {
  return only({
    ...state,
    message: { text: `${state.job?.name ?? 'something'} is under way; x stops it`, tone: 'warn', command: '' },
  });
}

function stop(state: AppState): Step {
  return { state: { ...state, job: { ...state.job!, isStopping: true } }, intents: [{ type: 'stop_job' }] };
}

function quit(state: AppState): Step {
  const intents: Intent[] = state.job === null ? [] : [{ type: 'stop_job' }];
  return { state: { ...state, isOver: true }, intents };
}

function typed(state: AppState, prompt: Prompt, key: KeyPress): Step {
  if (key.name === 'escape') {
    const timeline = prompt.for === 'filter' ? withQuery(state.timeline, '', null) : state.timeline;
    return only(clampScroll({ ...state, prompt: null, timeline }));
  }
  if (key.name === 'enter') return entered(state, prompt);
  if (prompt.for === 'filter' && (key.name === 'up' || key.name === 'down'))
    return move(state, key.name === 'up' ? -1 : 1);
  const text = editText(prompt.text, key);
  if (text === prompt.text) return only(state);
  const next = { ...state, prompt: { ...prompt, text } };
  if (prompt.for !== 'filter') return only(next);
  // Words filter at once; whether they mean a moment is found out beside it.
  const timeline = withQuery(state.timeline, text, null);
  return { state: clampScroll({ ...next, timeline }), intents: [{ type: 'read_when', query: text }] };
}

function entered(state: AppState, prompt: Prompt): Step {
  const text = prompt.text.trim();
  if (prompt.for === 'filter') return only({ ...state, prompt: null });
  if (prompt.for === 'label') return startWork({ ...state, prompt: null }, { type: 'snapshot', label: text });
  if (text === '') return only({ ...state, prompt: null });
  const screen: Screen = { kind: 'found', query: text, found: { state: 'loading' }, cursor: 0, top: 0 };
  return { state: push(state, screen), intents: [{ type: 'find_files', query: text }] };
}

/** On the page of a rollback letters are the label, so only keys with names are commands there. */
function confirmed(state: AppState, screen: Extract<Screen, { kind: 'rollback' }>, key: KeyPress): Step | null {
  if (key.name === 'enter') {
    if (screen.plan.state !== 'ready') return only(state);
    return startWork(replaceTop(state, { ...screen, refusal: '' }), {
      type: 'rollback',
      point: screen.point,
      label: screen.typed,
    });
  }
  if (key.name === 'backspace' || (key.name === null && !key.ctrl)) {
    return only(replaceTop(state, { ...screen, typed: editText(screen.typed, key) }));
  }
  return null;
}

function editText(text: string, key: KeyPress): string {
  if (key.name === 'backspace') return withoutLast(text);
  if (key.ctrl && key.text === 'u') return '';
  if (key.ctrl && key.text === 'w') return text.replace(/\S*\s*$/, '');
  if (key.ctrl || key.name !== null) return text;
  // What is pasted may hold anything; a label or a name has no line breaks.
  return (text + key.text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')).slice(0, 200);
}

function withoutLast(text: string): string {
  const [last = ''] = Array.from(
    new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text),
    ({ segment }) => segment,
  ).slice(-1);
  return text.slice(0, text.length - last.length);
}
