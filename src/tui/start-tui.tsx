import { render } from 'ink';
import { readHeartbeat } from '../engine/watch-health.ts';
import type { Deps } from '../engine/deps.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { HoldfastEvent } from '../model/events.ts';
import { App } from './components/App.tsx';
import { createReaderCache, type IntentContext } from './intents/intent-context.ts';
import { readFirstPoints } from './intents/read-points.ts';
import { createRunner } from './intents/runner.ts';
import { type ColourLevel, createPalette } from './palette.ts';
import type { TuiServices } from './services.ts';
import type { AppState } from './state/app-state.ts';
import { emptyTimeline } from './state/timeline.ts';
import { createStore } from './store.ts';

export interface TuiStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface TuiOptions {
  readonly deps: Deps;
  /** The sink `deps` tells its events to; the UI listens here. */
  readonly events: RelaySink;
  readonly services: TuiServices;
  readonly streams: TuiStreams;
  readonly colourLevel: ColourLevel;
  /** Ends the UI as `q` does: SIGTERM, SIGHUP. */
  readonly signal: AbortSignal;
}

/** An event sink whose listener comes later than it. */
export interface RelaySink extends EventSink {
  listener: ((event: HoldfastEvent) => void) | null;
}

export function createRelaySink(): RelaySink {
  const sink: RelaySink = {
    listener: null,
    emit: (event) => sink.listener?.(event),
  };
  return sink;
}

const tickMs = 2000;
/** Faster than a key repeats, so that no frame waits for the next. */
const framesPerSecond = 120;
const progressEveryMs = 60;

/** Opens the terminal UI and resolves when it was left, with the terminal as it was before. */
export async function startTui(options: TuiOptions): Promise<void> {
  const { deps, services, streams, signal } = options;
  const { stdout, stdin, stderr } = streams;
  let points: AppState['timeline']['points'] = [];
  const context: IntentContext = {
    deps,
    services,
    points: () => points,
    reader: createReaderCache(deps, () => points),
    dispatch: (action) => {
      // Work reads the points that are shown.
      if (action.type === 'points_read') points = action.points;
      store.dispatch(action);
    },
  };
  const runner = createRunner(context);
  const store = createStore(initialState(deps, stdout), (intent) => runner.start(intent));
  options.events.listener = throttled((event) => store.dispatch({ type: 'engine', event }));

  store.dispatch({ type: 'ticked', nowMs: deps.clock.now().getTime(), watch: await readHeartbeat(deps) });
  await readFirstPoints(context);
  const instance = render(<App store={store} palette={createPalette(options.colourLevel)} />, {
    stdin,
    stdout,
    stderr,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: framesPerSecond,
  });
  const resize = (): void => store.dispatch({ type: 'resized', ...sizeOf(stdout) });
  stdout.on('resize', resize);
  const leave = (): void => instance.unmount();
  signal.addEventListener('abort', leave, { once: true });
  const ticking = setInterval(() => void tick(), tickMs);
  const tick = async (): Promise<void> => {
    const watch = await readHeartbeat(deps).catch(() => null);
    store.dispatch({ type: 'ticked', nowMs: deps.clock.now().getTime(), watch });
  };
  try {
    // Listing a long history takes the thread in small bites; the first frame comes before the first of them.
    await instance.waitUntilRenderFlush();
    await new Promise((resolve) => setImmediate(resolve));
    runner.start({ type: 'read_points' });
    await instance.waitUntilExit();
  } finally {
    clearInterval(ticking);
    stdout.off('resize', resize);
    signal.removeEventListener('abort', leave);
    instance.cleanup();
    await runner.close();
  }
}

function initialState(deps: Deps, stdout: NodeJS.WriteStream): AppState {
  return {
    size: sizeOf(stdout),
    nowMs: deps.clock.now().getTime(),
    vaultName: deps.identity.vault.name,
    machineId: deps.identity.machine.id,
    store: 'asking',
    status: null,
    watch: null,
    pinned: new Set(),
    timeline: emptyTimeline,
    screens: [],
    prompt: null,
    job: null,
    message: null,
    isSideBySide: true,
    isOver: false,
  };
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } {
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

/** Progress is told hundreds of times a second; a person sees a few of them. */
function throttled(tell: (event: HoldfastEvent) => void): (event: HoldfastEvent) => void {
  let lastMs = 0;
  return (event) => {
    if (event.type === 'file_restored') return;
    const nowMs = performance.now();
    if (event.type === 'progress' && nowMs - lastMs < progressEveryMs) return;
    lastMs = nowMs;
    tell(event);
  };
}
