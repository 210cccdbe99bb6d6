import type { Action, Intent } from './state/actions.ts';
import type { AppState } from './state/app-state.ts';
import { reduce } from './state/reduce.ts';

/** Holds the state. The only place where it changes. */
export interface Store {
  readonly state: () => AppState;
  readonly dispatch: (action: Action) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

/** `start` gets the work each action asks for, after the state has changed. */
export function createStore(initial: AppState, start: (intent: Intent) => void): Store {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    state: () => state,
    dispatch(action) {
      const step = reduce(state, action);
      if (step.state !== state) {
        state = step.state;
        for (const listener of listeners) listener();
      }
      for (const intent of step.intents) start(intent);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
