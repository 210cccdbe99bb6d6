import type { ScreenKind } from './state/app-state.ts';

/** A key as the terminal gave it: `name` for keys that have one, else the text typed. */
export interface KeyPress {
  readonly name: KeyName | null;
  readonly text: string;
  readonly ctrl: boolean;
}

export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'pageup'
  | 'pagedown'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'tab'
  | 'backspace';

/** What a key asks for. */
export type Command =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'next-day'
  | 'previous-day'
  | 'next-label'
  | 'open'
  | 'back'
  | 'filter'
  | 'find'
  | 'browse'
  | 'versions'
  | 'against'
  | 'layout'
  | 'restore'
  | 'snapshot'
  | 'pin'
  | 'verify'
  | 'drill'
  | 'rollback'
  | 'open-folder'
  | 'refresh'
  | 'stop'
  | 'help'
  | 'quit';

export interface KeyRow {
  readonly command: Command;
  /** As typed: names of keys, or characters. The first is the one shown. */
  readonly keys: readonly string[];
  /** A few words for the bottom line; '' keeps it off there. */
  readonly short: string;
  readonly long: string;
  /** Screens on which it means something; null for all. */
  readonly on: readonly ScreenKind[] | null;
}

const lists: readonly ScreenKind[] = ['timeline', 'changes', 'browse', 'versions', 'found'];

/** Every key. The help screen and the bottom line are made from it. */
export const keyTable: readonly KeyRow[] = [
  { command: 'up', keys: ['up', 'k'], short: '', long: 'up', on: null },
  { command: 'down', keys: ['down', 'j'], short: '', long: 'down', on: null },
  { command: 'page-up', keys: ['pageup', 'ctrl-u'], short: '', long: 'a page up', on: null },
  { command: 'page-down', keys: ['pagedown', ' ', 'ctrl-d'], short: '', long: 'a page down', on: null },
  { command: 'first', keys: ['home', 'g'], short: '', long: 'to the beginning', on: null },
  { command: 'last', keys: ['end', 'G'], short: '', long: 'to the end', on: null },
  { command: 'open', keys: ['enter', 'right', 'l'], short: 'open', long: 'look inside what is marked', on: lists },
  {
    command: 'back',
    keys: ['escape', 'left', 'h', 'backspace'],
    short: 'back',
    long: 'back to where you came from',
    on: null,
  },
  {
    command: 'filter',
    keys: ['/'],
    short: 'filter or date',
    long: 'filter by words of label, id, machine; or go to a time: "yesterday 14:00"',
    on: ['timeline'],
  },
  { command: 'next-day', keys: ['J', ']'], short: '', long: 'to the day before', on: ['timeline'] },
  { command: 'previous-day', keys: ['K', '['], short: '', long: 'to the day after', on: ['timeline'] },
  { command: 'next-label', keys: ['n'], short: '', long: 'to the next labelled restore point', on: ['timeline'] },
  {
    command: 'find',
    keys: ['f'],
    short: 'find a file',
    long: 'find files by name, in all restore points',
    on: ['timeline', 'changes', 'browse', 'versions', 'found'],
  },
  {
    command: 'browse',
    keys: ['b'],
    short: 'browse',
    long: 'browse all files of this moment',
    on: ['timeline', 'changes', 'versions'],
  },
  {
    command: 'versions',
    keys: ['v'],
    short: 'versions',
    long: 'every version of the marked file',
    on: ['changes', 'browse', 'found', 'diff'],
  },
  {
    command: 'against',
    keys: ['t'],
    short: 'live / previous',
    long: 'compare with the point before, or with what is there now',
    on: ['changes'],
  },
  {
    command: 'layout',
    keys: ['s'],
    short: 'side by side',
    long: 'one column or side by side',
    on: ['diff', 'changes'],
  },
  {
    command: 'restore',
    keys: ['r'],
    short: 'restore',
    long: 'bring what is marked into the holding directory; nothing live is touched',
    on: ['timeline', 'changes', 'browse', 'versions', 'found', 'diff'],
  },
  { command: 'snapshot', keys: ['S'], short: 'snapshot', long: 'take a snapshot now, under a label', on: ['timeline'] },
  { command: 'pin', keys: ['p'], short: 'pin', long: 'pin the restore point, or take that back', on: ['timeline'] },
  { command: 'verify', keys: ['V'], short: '', long: 'prove what is new in the store', on: ['timeline'] },
  {
    command: 'drill',
    keys: ['D'],
    short: '',
    long: 'rehearse a restore of this point and measure it',
    on: ['timeline'],
  },
  {
    command: 'rollback',
    keys: ['B'],
    short: 'rollback',
    long: 'take the vault back to this moment: shows the plan, and asks for the label',
    on: ['timeline'],
  },
  { command: 'open-folder', keys: ['o'], short: 'open folder', long: 'open the restored folder', on: ['outcome'] },
  { command: 'refresh', keys: ['ctrl-r'], short: '', long: 'ask the store again', on: ['timeline'] },
  { command: 'stop', keys: ['x'], short: '', long: 'stop what is being done', on: null },
  { command: 'help', keys: ['?'], short: 'help', long: 'this page', on: null },
  {
    command: 'quit',
    keys: ['q', 'ctrl-c'],
    short: 'quit',
    long: 'leave; what is being done is stopped safely',
    on: null,
  },
];

/** What a key means on a screen; null when nothing. */
export function commandOf(key: KeyPress, screen: ScreenKind): Command | null {
  const typed = key.ctrl ? `ctrl-${key.text}` : (key.name ?? key.text);
  const row = keyTable.find(({ keys, on }) => keys.includes(typed) && (on === null || on.includes(screen)));
  return row?.command ?? null;
}

const shownNames: Readonly<Record<string, string>> = {
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  enter: '⏎',
  escape: 'esc',
  ' ': 'space',
  pageup: 'PgUp',
  pagedown: 'PgDn',
};

/** How a key is written for people. */
export function keyText(key: string): string {
  return shownNames[key] ?? key.replace(/^ctrl-/, '^');
}
