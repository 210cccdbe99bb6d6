import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { endOf, openCliVault, type CliVault } from '../support/cli-vault.ts';

function openVault(contents: Readonly<Record<string, string>> = { note: 'a\n' }): CliVault {
  const vault = openCliVault(contents);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

test('status tells what is pending, how git stands, and ends with the colour when asked', async () => {
  const vault = openVault();
  expect((await vault.run(['status', '--check'])).code).toBe(1);
  vault.git('init', '-q', '-b', 'main');
  vault.git('add', 'note');
  vault.git('commit', '-q', '-m', 'one');
  await vault.run(['snapshot']);
  expect((await vault.json(['status', '--check'])).last).toMatchObject({
    colour: 'green',
    pending: { added: 0, changed: 0, removed: 0 },
    repository: { branch: 'refs/heads/main', dirty: 0, untracked: 0, ahead: null },
    watch: { state: 'never' },
    burst: null,
    exit_code: 0,
  });
  vault.write({ note: 'edited\n', new: 'x' });
  const { out } = await vault.run(['status']);
  expect(out).toContain('+1 ~1 -0 since the last snapshot');
  expect(out).toContain('main, 1 changed, 1 untracked, no remote');
});

/** Reads what a watcher prints: each call waits for the next object of a kind. */
function follow(child: ChildProcess): (event: string) => Promise<Record<string, unknown>> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async (event) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the watcher ended before it said "${event}"`);
      const row = JSON.parse(value as string) as Record<string, unknown>;
      if (row['event'] === event) return row;
    }
  };
}

test('a watched vault that is emptied: the burst is named, prune waits, rescue brings it back, --resolve ends it', async () => {
  const contents = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`notes/${i}.md`, `note ${i}\n`]));
  const vault = openVault({ ...contents, stays: 'x' });
  await vault.run(['snapshot', 'good']);
  const child = vault.start(['watch', '--json', '--quiet-period', '100ms', '--max-wait', '1s']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const until = follow(child);
  await until('ready');
  vault.write({ stays: 'an ordinary edit\n' });
  const ordinary = await until('taken');
  expect(ordinary['label']).toBe('auto-desk');

  rmSync(join(vault.root, 'notes'), { recursive: true });
  const after = await until('taken');
  expect(after['label']).toBe('after-burst-desk');
  const ended = endOf(child);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(143);

  const status = await vault.json(['status', '--check']);
  expect(status.last).toMatchObject({ colour: 'yellow', burst: { last_good: ordinary['id'] }, exit_code: 3 });
  const rescued = await vault.json(['rescue']);
  expect(rescued.last).toMatchObject({ good: ordinary['id'], vanished: 80, restored: 80, exit_code: 0 });
  expect((await vault.json(['rescue', '--resolve'])).last).toMatchObject({ resolved: true });
  expect((await vault.json(['status'])).last).toMatchObject({ burst: null });
});
