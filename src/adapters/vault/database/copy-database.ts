import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  statfsSync,
  type BigIntStats,
  type Stats,
} from 'node:fs';
import type { ByteString } from '../../../lib/bytes.ts';
import { joinBytePath, withReachablePath } from '../../fs/byte-path.ts';
import { writeFully } from '../../fs/durable-write.ts';
import { systemCode } from '../../fs/map-fs-error.ts';
import { openStable, readUpTo } from '../../fs/stable-read.ts';
import { backUpDatabase } from './back-up-database.ts';

export interface DatabaseToCopy {
  /** Absolute path of the vault. */
  readonly root: string;
  readonly path: ByteString;
  readonly inode: number;
  /** Private, empty folder for the copy. */
  readonly target: string;
  /** For tests: called after each attempt at copying has read the database itself. */
  readonly onRead?: (() => void) | undefined;
}

/** A database on its own, in the target folder, under its own name. */
export interface DatabaseCopy {
  readonly kind: 'copied';
  /** Of the live file, from before anything was read. */
  readonly stat: Stats;
}

export type CopyOutcome = DatabaseCopy | { readonly kind: 'failed'; readonly reason: string };

const attemptsMax = 4;
const spareBytes = 64 * 1024 * 1024;

/**
 * Makes a copy of a SQLite database in which everything committed is in the one file. First by copying database and log while
 * provably nothing else wrote to the database (the log may grow: SQLite reads it up to its last whole commit), and letting
 * SQLite fold the one into the other in the copy: the live files are only read, no lock is taken, no program has to wait for us.
 * A database that never holds still is copied by SQLite itself, which is held up by nobody but needs its own lock.
 */
export async function copyDatabase(database: DatabaseToCopy): Promise<CopyOutcome> {
  try {
    if (!hasRoom(database)) return { kind: 'failed', reason: 'there is no room for a copy of it' };
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const stat = copyQuietly(database);
      if (stat === null) continue;
      await foldLog(database);
      return finish(database, stat);
    }
    const stat = liveStat(database, '');
    await backUpDatabase(database);
    return finish(database, stat);
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  }
}

function finish(database: DatabaseToCopy, stat: Stats): DatabaseCopy {
  // Whether it is executable is part of what is stored.
  chmodSync(targetOf(database, ''), (stat.mode & 0o777) | 0o600);
  return { kind: 'copied', stat };
}

/** The file a copy is made into, or one of its logs. */
export function targetOf({ path, target }: DatabaseToCopy, suffix: string): string | Buffer {
  return joinBytePath(target, path.slice(path.lastIndexOf('/') + 1) + suffix);
}

/** Copies database and logs; null when the database changed meanwhile, or a log was begun anew. */
function copyQuietly(database: DatabaseToCopy): Stats | null {
  const before = identities(database);
  const stat = copyFile(database, '');
  database.onRead?.();
  const walStart = before.wal === null ? null : copyLog(database, '-wal');
  if (before.journal !== null) copyLog(database, '-journal');
  const after = identities(database);
  const isSame =
    isSameFile(before.database, after.database) &&
    isSameFile(before.journal, after.journal) &&
    (before.wal === null ? after.wal === null : after.wal !== null && before.wal.ino === after.wal.ino) &&
    // The head of a log has other salts after every restart; within one life a log only grows.
    (walStart === null || walStart.equals(startOfLog(database)));
  return isSame ? stat : null;
}

interface Identities {
  readonly database: BigIntStats | null;
  readonly wal: BigIntStats | null;
  readonly journal: BigIntStats | null;
}

function identities(database: DatabaseToCopy): Identities {
  const statOf = (suffix: string): BigIntStats | null => {
    try {
      const path = database.path + suffix;
      return withReachablePath(database.root, path, (reachable) => lstatSync(reachable, { bigint: true }));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  };
  return { database: statOf(''), wal: statOf('-wal'), journal: statOf('-journal') };
}

function isSameFile(a: BigIntStats | null, b: BigIntStats | null): boolean {
  if (a === null || b === null) return a === b;
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

const walHeadBytes = 32;
const copyBytes = 1024 * 1024;

function copyLog(database: DatabaseToCopy, suffix: string): Buffer {
  copyFile(database, suffix);
  const fd = openSync(targetOf(database, suffix), constants.O_RDONLY);
  try {
    return headOf(fd);
  } finally {
    closeSync(fd);
  }
}

function startOfLog({ root, path }: DatabaseToCopy): Buffer {
  const fd = withReachablePath(root, `${path}-wal`, (reachable) => openSync(reachable, constants.O_RDONLY | noFollow));
  try {
    return headOf(fd);
  } finally {
    closeSync(fd);
  }
}

const noFollow = constants.O_NOFOLLOW ?? 0;

function headOf(fd: number): Buffer {
  const head = Buffer.alloc(walHeadBytes);
  return head.subarray(0, readUpTo(fd, head, 0));
}

function copyFile(database: DatabaseToCopy, suffix: string): Stats {
  const { root, path } = database;
  const inode = suffix === '' ? database.inode : liveStat(database, suffix).ino;
  const from = openStable({ root, path: path + suffix, inode });
  if (from === null) throw new Error('it was replaced by something else');
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | noFollow;
    const to = openSync(targetOf(database, suffix), flags, 0o600);
    try {
      const buffer = Buffer.allocUnsafeSlow(copyBytes);
      for (let position = 0; ;) {
        const got = readUpTo(from.fd, buffer, position);
        writeFully(to, buffer.subarray(0, got));
        position += got;
        if (got < buffer.length) break;
      }
    } finally {
      closeSync(to);
    }
    return from.stat;
  } finally {
    closeSync(from.fd);
  }
}

/** Lets SQLite write what the log holds into the copy; closing it takes the log away. */
async function foldLog(database: DatabaseToCopy): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const copy = new DatabaseSync(targetOf(database, ''));
  try {
    // The first read rolls a journal back; a damaged database fails here, and its bytes are stored as they are.
    copy.prepare('PRAGMA schema_version').get();
    copy.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    copy.close();
  }
}

export function liveStat({ root, path }: DatabaseToCopy, suffix: string): Stats {
  return withReachablePath(root, path + suffix, (reachable) => lstatSync(reachable));
}

/** Twice the size: the log may rewrite every page of the copy. */
function hasRoom(database: DatabaseToCopy): boolean {
  const fileSystem = statfsSync(database.target);
  const { database: main, wal } = identities(database);
  const neededBytes = Number((main?.size ?? 0n) + (wal?.size ?? 0n)) * 2 + spareBytes;
  return fileSystem.bavail * fileSystem.bsize > neededBytes;
}

function reasonOf(error: unknown): string {
  const code = systemCode(error);
  if (code === '' || code === 'ERR_SQLITE_ERROR') return error instanceof Error ? error.message : 'of an unknown error';
  return code;
}
