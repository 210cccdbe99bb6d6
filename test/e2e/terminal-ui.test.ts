import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openCliVault } from '../support/cli-vault.ts';

const root = resolve(import.meta.dirname, '../..');
const launcher = join(root, 'bin/holdfast.js');
const waitMsMax = 20_000;

/** A terminal of its own, made by tmux, which must be installed where this runs. */
function openTmux(folder: string, command: string, env: Readonly<Record<string, string>>) {
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', join(folder, 'tmux'), '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { ...env, TERM: 'xterm-256color' },
    });
  tmux('new-session', '-d', '-s', 't', '-x', '100', '-y', '30', command);
  const screen = (): string => tmux('capture-pane', '-t', 't', '-p');
  const until = async (pattern: RegExp): Promise<string> => {
    const endMs = performance.now() + waitMsMax;
    for (;;) {
      const shown = screen();
      if (pattern.test(shown)) return shown;
      if (performance.now() > endMs) throw new Error(`The screen never showed ${String(pattern)}:\n${shown}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  return {
    until,
    type: (...keys: string[]) => keys.forEach((key) => tmux('send-keys', '-t', 't', key)),
    [Symbol.dispose]: () => void tmux('kill-server'),
  };
}

test('finds an old version of a note, restores it, refuses a wrong label and rolls back with the right one', async () => {
  using vault = openCliVault({ 'notes/plan.md': '# Plan\n\n- the old way\n', 'a.md': 'a\n' });
  await vault.run(['snapshot', 'the old way']);
  vault.write({ 'notes/plan.md': '# Plan\n\n- a new way\n', 'extra.md': 'more\n' });
  await vault.run(['snapshot', 'the new way']);
  const env = {
    PATH: process.env['PATH']!,
    HOME: vault.home,
    XDG_DATA_HOME: vault.data,
    TZ: 'UTC',
    HOLDFAST_MACHINE: 'desk',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const command = `cd '${vault.root}' && echo before; '${process.execPath}' '${launcher}'; echo "ended $?"; sleep 60`;
  using terminal = openTmux(vault.folder, command, env);

  await terminal.until(/store ok/);
  terminal.type('f', 'plan', 'Enter');
  await terminal.until(/notes\/plan\.md .*2 versions/);
  terminal.type('Enter');
  await terminal.until(/Versions of notes\/plan\.md/);
  await terminal.until(/the old way/);
  terminal.type('Down', 'Enter');
  await terminal.until(/- - a new way[\s\S]*\+ - the old way/);
  terminal.type('r');
  const restored = await terminal.until(/Nothing live was touched/);
  expect(restored).toMatch(/_restore\/notes-plan\.md-/);
  const [name] = readdirSync(join(vault.root, '_restore')).filter((entry) => entry.startsWith('notes-plan'));
  expect(readFileSync(join(vault.root, '_restore', name!, 'notes/plan.md'), 'utf8')).toContain('the old way');
  expect(readFileSync(join(vault.root, 'notes/plan.md'), 'utf8')).toContain('a new way');

  terminal.type('Escape');
  await terminal.until(/this version/);
  terminal.type('Escape');
  await terminal.until(/Versions of/);
  terminal.type('Escape');
  await terminal.until(/Files named/);
  terminal.type('Escape');
  await terminal.until(/the new way/);
  terminal.type('Down', 'B');
  await terminal.until(/press ⏎: the old way/);
  terminal.type('the new way', 'Enter');
  await terminal.until(/refused: --confirm-label "the new way" does not match snapshot label "the old way"/);
  expect(existsSync(join(vault.root, 'extra.md'))).toBe(true);
  terminal.type('the old way', 'Enter');
  await terminal.until(/Rolled back[\s\S]*undo with:/);
  expect(readFileSync(join(vault.root, 'notes/plan.md'), 'utf8')).toContain('the old way');
  expect(existsSync(join(vault.root, 'extra.md'))).toBe(false);
  terminal.type('q');
  // The terminal is as it was: what stood there before is there again.
  expect(await terminal.until(/ended 0/)).toMatch(/before/);
});
