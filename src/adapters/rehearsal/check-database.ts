import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type ByteString, bytesOf } from '../../lib/bytes.ts';
import type { DatabaseVerdict } from '../../ports/rehearsal.ts';
import { openRestoredFolder } from './restored-folder.ts';

const magic = 'SQLite format 3\0';

/** Lets SQLite check a restored database file, the log of its last writers included. */
export function checkDatabase(directory: string, path: ByteString): DatabaseVerdict {
  const start = openRestoredFolder(directory).read(path, 0, magic.length);
  if (Buffer.from(start).toString('latin1') !== magic) return { kind: 'none' };
  try {
    using database = openDatabase(join(directory, bytesOf(path).toString('utf8')));
    const rows = database.prepare('PRAGMA integrity_check(1)').all();
    const verdict = Object.values(rows[0] ?? {})[0];
    return verdict === 'ok' ? { kind: 'whole' } : { kind: 'damaged', reason: String(verdict) };
  } catch (error) {
    return { kind: 'damaged', reason: error instanceof Error ? error.message : 'it cannot be opened' };
  }
}

/** Loaded on use: most vaults hold no database. Extensions stay off; nothing that a file asks for is run. */
function openDatabase(path: string): DatabaseSync {
  const sqlite = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  return new sqlite.DatabaseSync(path, { allowExtension: false });
}
