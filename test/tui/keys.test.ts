import type { Key } from 'ink';
import { describe, expect, test } from 'vitest';
import { keyPressesOf } from '../../src/tui/components/App.tsx';
import { commandOf, keyTable } from '../../src/tui/keys.ts';
import { key } from '../support/tui-state.ts';

const plain = { ctrl: false } as Key;

describe('keys', () => {
  test('several that arrive as one text each count', () => {
    const presses = keyPressesOf('fplan\r', plain);
    expect(presses.map(({ name, text }) => name ?? text)).toEqual(['f', 'p', 'l', 'a', 'n', 'enter']);
    expect(keyPressesOf('', { ...plain, upArrow: true })).toEqual([{ name: 'up', text: '', ctrl: false }]);
  });

  test('no key means two things on one screen', () => {
    for (const screen of ['timeline', 'changes', 'diff', 'browse', 'versions', 'found', 'outcome', 'help'] as const) {
      const rows = keyTable.filter(({ on }) => on === null || on.includes(screen));
      const keys = rows.flatMap((row) => row.keys);
      expect(keys.filter((one, i) => keys.indexOf(one) !== i)).toEqual([]);
      for (const { keys: own, command } of rows) expect(commandOf(key(own[0]!), screen)).toBe(command);
    }
  });
});
