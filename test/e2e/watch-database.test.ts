import { DatabaseSync } from 'node:sqlite';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { endOf, openCliVault } from '../support/cli-vault.ts';
import { startSqliteWriter } from '../support/sqlite-writer.ts';

test('a watched database in WAL mode: every commit is a restore point, and idle stays idle', async () => {
  const vault = openCliVault({ note: 'x' });
  onTestFinished(() => vault[Symbol.dispose]());
  const path = join(vault.root, 'app.db');
  const writer = startSqliteWriter(path);
  await writer.run('PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)');
  const child = vault.start(['watch', '--json', '--quiet-period', '100ms', '--max-wait', '1s']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const until = async (event: string): Promise<void> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the watcher ended before it said "${event}"`);
      if ((JSON.parse(value as string) as { event?: string }).event === event) return;
    }
  };
  await until('ready');
  const before = statSync(path).mtimeMs;
  for (const value of [1, 2]) {
    await writer.run(`INSERT INTO t VALUES (${value})`);
    await until('taken');
  }
  // Both reached the log alone.
  expect(statSync(path).mtimeMs).toBe(before);
  const ended = endOf(child);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(143);
  const { last } = await vault.json(['restore', '--all', 'latest']);
  expect(last).toMatchObject({ complete: true, exit_code: 0 });
  const folder = String(last['directory']);
  expect(readdirSync(folder).filter((name) => name.startsWith('app'))).toEqual(['app.db']);
  const db = new DatabaseSync(join(folder, 'app.db'));
  expect(db.prepare('SELECT count(*) AS rows FROM t').get()).toEqual({ rows: 2 });
  db.close();
  // Nothing new: the log that was folded in is no change, however often somebody looks.
  expect((await vault.json(['snapshot'])).last).toMatchObject({ outcome: 'unchanged' });
});
