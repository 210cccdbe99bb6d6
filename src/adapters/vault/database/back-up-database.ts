import { rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { byteStringOfText, bytesOf } from '../../../lib/bytes.ts';
import { type DatabaseToCopy, liveStat, targetOf } from './copy-database.ts';

/** All pages in one step: a backup in steps begins anew whenever somebody writes. */
const pagesPerStep = 0x7fff_ffff;

/**
 * Copies a live database in WAL mode by SQLite's own backup, as a reader that no writer waits for. `readonly_shm` keeps
 * SQLite from writing its reader's mark into the `-shm` file: without it even a read-only connection changes that file.
 * @throws when there is no log in shared use (then nobody writes, and copying could not have failed), or SQLite says no
 */
export async function backUpDatabase(database: DatabaseToCopy): Promise<void> {
  if (!liveStat(database, '-shm').isFile()) throw new Error('it changed while it was read');
  const { backup, DatabaseSync } = await import('node:sqlite');
  for (const suffix of ['', '-wal', '-journal']) rmSync(targetOf(database, suffix), { force: true });
  const live = new DatabaseSync(urlOf(database), { readOnly: true, timeout: 0 });
  try {
    const target = targetOf(database, '');
    await backup(live, target, { rate: pagesPerStep });
  } finally {
    live.close();
  }
}

function urlOf({ root, path }: DatabaseToCopy): URL {
  const query = '?mode=ro&readonly_shm=1';
  if (process.platform === 'win32')
    return new URL(pathToFileURL(`${root}/${bytesOf(path).toString('utf8')}`).href + query);
  // Names are bytes; SQLite undoes the escapes byte by byte.
  const escaped = bytesOf(`${byteStringOfText(root)}/${path}`)
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9/_-]/g, escapeByte);
  return new URL(`file://${escaped}${query}`);
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
}
