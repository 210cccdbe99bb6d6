import { useApp, useInput, type Key } from 'ink';
import { type ReactElement, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { KeyName, KeyPress } from '../keys.ts';
import type { Palette } from '../palette.ts';
import { drawScreen } from '../screens/draw-screen.ts';
import type { Store } from '../store.ts';
import { Frame } from './Frame.tsx';

export interface AppProps {
  readonly store: Store;
  readonly palette: Palette;
}

/** Keys in, lines out; everything between is the store's. */
export function App({ store, palette }: AppProps): ReactElement {
  const state = useSyncExternalStore(store.subscribe, store.state);
  const { exit } = useApp();
  useInput((input, key) => {
    for (const press of keyPressesOf(input, key)) store.dispatch({ type: 'key', key: press });
  });
  useEffect(() => {
    if (state.isOver) exit();
  }, [state.isOver, exit]);
  const lines = useMemo(() => drawScreen(state), [state]);
  return <Frame lines={lines} columns={state.size.columns} palette={palette} />;
}

const names: readonly (readonly [keyof Key, KeyName])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['tab', 'tab'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
];

/** Keys typed fast, or while a frame was drawn, arrive as one text: each of them counts. */
export function keyPressesOf(input: string, key: Key): readonly KeyPress[] {
  const name = names.find(([field]) => key[field] === true)?.[1] ?? null;
  if (name !== null || key.ctrl || input.length < 2) return [{ name, text: input, ctrl: key.ctrl }];
  return Array.from(input, (text) => {
    const typed = text === '\r' || text === '\n' ? 'enter' : text === '\u007f' || text === '\b' ? 'backspace' : null;
    return { name: typed, text: typed === null ? text : '', ctrl: false };
  });
}
