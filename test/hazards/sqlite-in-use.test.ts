import { lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openPointReader, loadStoreView } from '../../src/engine/store-view.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { takeSnapshot, type SnapshotOutcome } from '../../src/engine/take-snapshot.ts';
import { copyDatabase } from '../../src/adapters/vault/database/copy-database.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startSqliteWriter } from '../support/sqlite-writer.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

function vaultIn(root = scratchFolder()): TestVault {
  return openTestVault({ root, storage: createMemoryStorage() });
}

async function snapshot(vault: TestVault, label: string | null = null): Promise<SnapshotOutcome> {
  vault.clock.advance(60_000);
  return takeSnapshot(vault.deps, { label: label as never, kind: 'manual' });
}

/** Restores the newest snapshot; returns the folder. */
async function restored(vault: TestVault): Promise<string> {
  const view = await loadStoreView(vault.deps, { refresh: 'never' });
  const { reader } = await openPointReader(vault.deps, view.points);
  const outcome = await restoreSnapshot(vault.deps, { point: view.points[0]!, reader, paths: null });
  expect(outcome).toMatchObject({ complete: true, problems: [] });
  return outcome.directory!;
}

function countIn(path: string): number {
  const db = new DatabaseSync(path);
  const { rows } = db.prepare('SELECT count(*) AS rows FROM t').get() as { rows: number };
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  db.close();
  return rows;
}

/** Everything about the database's files that somebody could notice. */
function traces(folder: string): unknown {
  return readdirSync(folder)
    .filter((name) => name.startsWith('app.db'))
    .map((name) => {
      const { size, mtimeNs, ctimeNs, ino, mode } = lstatSync(join(folder, name), { bigint: true });
      return [name, size, mtimeNs, ctimeNs, ino, mode, readFileSync(join(folder, name)).toString('base64')];
    });
}

const wal = 'PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)';

describe('a SQLite database while it is written', () => {
  test('P4: what is committed is in the snapshot, the log too, and no file of the database is touched', async () => {
    const vault = vaultIn();
    const writer = startSqliteWriter(join(vault.root, 'app.db'));
    await writer.run(wal);
    await writer.run('INSERT INTO t VALUES (1), (2), (3)');
    await writer.run('BEGIN; INSERT INTO t VALUES (4)');
    const before = traces(vault.root);
    const outcome = await snapshot(vault);
    expect(traces(vault.root)).toEqual(before);
    expect(outcome.kind === 'taken' && outcome.record.notices).toMatchObject([
      { code: 'database_log', message: expect.stringContaining('app.db-shm, app.db-wal') as string, count: 2 },
    ]);
    const folder = await restored(vault);
    expect(readdirSync(folder).filter((name) => name.startsWith('app'))).toEqual(['app.db']);
    expect(countIn(join(folder, 'app.db'))).toBe(3);
    expect(readdirSync(join(vault.privateFolder, 'cache/databases'))).toEqual([]);
  });

  test('a row that reached only the log makes the next snapshot; nothing new makes none', async () => {
    const vault = vaultIn();
    const writer = startSqliteWriter(join(vault.root, 'app.db'));
    await writer.run(wal);
    await snapshot(vault);
    await writer.run('INSERT INTO t VALUES (1)');
    expect((await snapshot(vault)).kind).toBe('taken');
    expect(countIn(join(await restored(vault), 'app.db'))).toBe(1);
    expect((await snapshot(vault)).kind).toBe('unchanged');
    const labelled = await snapshot(vault, 'named');
    // Left out then as before, and said again.
    expect(labelled.notices).toMatchObject([{ code: 'database_log' }]);
    expect(countIn(join(await restored(vault), 'app.db'))).toBe(1);
  });

  test('a transaction half written to the database itself (rollback journal) is captured as before it', async () => {
    const vault = vaultIn();
    const writer = startSqliteWriter(join(vault.root, 'app.db'));
    await writer.run('CREATE TABLE t (x)');
    await writer.run('INSERT INTO t VALUES (1)');
    // So small a cache makes SQLite write pages of an open transaction.
    const fill =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i FROM n';
    await writer.run(`PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; ${fill}`);
    expect(lstatSync(join(vault.root, 'app.db-journal')).size).toBeGreaterThan(0);
    const before = traces(vault.root);
    await snapshot(vault);
    expect(traces(vault.root)).toEqual(before);
    expect(countIn(join(await restored(vault), 'app.db'))).toBe(1);
  });

  test('after a crash of its program the log is folded in as SQLite would on the next start', async () => {
    const vault = vaultIn();
    const writer = startSqliteWriter(join(vault.root, 'app.db'));
    await writer.run(wal);
    await writer.run('INSERT INTO t VALUES (1), (2)');
    await writer.crash();
    const before = traces(vault.root);
    await snapshot(vault);
    expect(traces(vault.root)).toEqual(before);
    expect(countIn(join(await restored(vault), 'app.db'))).toBe(2);
  });

  test('C05: a log that git ignores is folded in all the same', async () => {
    const vault = vaultIn();
    vault.write('.gitignore', '*.db-*\n');
    const writer = startSqliteWriter(join(vault.root, 'app.db'));
    await writer.run(wal);
    await writer.run('INSERT INTO t VALUES (1), (2)');
    await snapshot(vault);
    expect(countIn(join(await restored(vault), 'app.db'))).toBe(2);
  });

  test('a database that never holds still is copied by SQLite itself', async () => {
    const root = scratchFolder();
    const target = scratchFolder();
    const writer = startSqliteWriter(join(root, 'app.db'));
    await writer.run(wal);
    await writer.run('INSERT INTO t VALUES (1), (2)');
    const touched = readFileSync(join(root, 'app.db'));
    const { ino } = lstatSync(join(root, 'app.db'));
    let reads = 0;
    const onRead = (): void => {
      reads++;
      // The same bytes under a new time: what a checkpoint looks like from outside.
      writeFileSync(join(root, 'app.db'), touched);
    };
    const copied = await copyDatabase({ root, path: 'app.db', inode: ino, target, onRead });
    expect(copied).toMatchObject({ kind: 'copied' });
    expect(reads).toBe(4);
    expect(countIn(join(target, 'app.db'))).toBe(2);
  });

  test('what only looks like a database, or is damaged, is stored as its bytes, and said so', async () => {
    const vault = vaultIn();
    const bytes = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4096 - 16, 7)]);
    vault.write('app.db', bytes);
    vault.write('app.db-wal', 'not a log');
    vault.write('note-wal', 'a note about the wall');
    vault.write('note', 'no database\n');
    const outcome = await snapshot(vault);
    expect(outcome.notices).toMatchObject([
      { code: 'database_as_bytes', message: expect.stringContaining('app.db') as string, count: 1 },
    ]);
    const folder = await restored(vault);
    for (const name of ['app.db', 'app.db-wal', 'note', 'note-wal']) {
      expect(readFileSync(join(folder, name))).toEqual(readFileSync(join(vault.root, name)));
    }
  });

  test('a database at rest is its bytes, page for page', async () => {
    const vault = vaultIn();
    const db = new DatabaseSync(join(vault.root, 'app.db'));
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    db.close();
    expect((await snapshot(vault)).notices).toEqual([]);
    const folder = await restored(vault);
    expect(readFileSync(join(folder, 'app.db'))).toEqual(readFileSync(join(vault.root, 'app.db')));
  });
});
