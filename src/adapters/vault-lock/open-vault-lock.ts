import { lstatSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../model/errors.ts';
import type { HeldLock, VaultLock } from '../../ports/vault-lock.ts';
import { systemCode } from '../fs/map-fs-error.ts';

export interface VaultLockOptions {
  /** The `run` folder of the private state; exists. */
  readonly directory: string;
  /** Which lock: the vault's own (`lock`) unless told. */
  readonly name?: string;
  readonly hostname: string;
  readonly now: () => Date;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly purpose: string;
  readonly since: string;
}

const sqliteBusy = 5;
const sqliteNotADatabase = 26;

/**
 * Opens the lock of a vault: an exclusive transaction on an empty SQLite database. The kernel holds it for the
 * process, so it is gone with a killed one: there is no stale lock, and no guess about pids. The file beside it only says
 * who holds it. Between machines that share a folder it protects as far as their file system's locks do.
 */
export function openVaultLock(options: VaultLockOptions): VaultLock {
  const name = options.name ?? 'lock';
  const databasePath = join(options.directory, `${name}.db`);
  const holderPath = join(options.directory, `${name}.json`);
  return {
    async acquire(purpose) {
      const database = await lockDatabase(databasePath, () =>
        lockedError(readHolder(holderPath, options.hostname), options.now()),
      );
      const holder: Holder = {
        pid: process.pid,
        host: options.hostname,
        purpose,
        since: options.now().toISOString(),
      };
      writeHolder(holderPath, holder);
      return heldLock(database, holderPath);
    },
  };
}

function heldLock(database: DatabaseSync, holderPath: string): HeldLock {
  let isHeld = true;
  const lock = {
    async [Symbol.asyncDispose](): Promise<void> {
      if (!isHeld) return;
      isHeld = false;
      // The name goes before the lock does: afterwards it might be the next holder's.
      try {
        unlinkIfThere(holderPath);
      } catch {
        // Only a message depends on it; what the command itself met is the error to report.
      }
      database.close();
    },
  };
  // The brand exists in types only: this adapter alone makes held locks.
  return lock as unknown as HeldLock;
}

async function lockDatabase(path: string, busyError: () => HoldfastError): Promise<DatabaseSync> {
  // SQLite would follow a symlink planted in the vault and create a database at its target.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) throw unusable(path, 'it is not a file');
  // Loaded here because most commands never write.
  const { DatabaseSync: Database } = await import('node:sqlite');
  for (let isRetry = false; ; isRetry = true) {
    let database;
    try {
      database = new Database(path, { timeout: 0 });
      // Never opened by any other means while held: closing any descriptor of the file would drop the kernel's lock.
      database.exec('BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database?.close();
      const code = sqliteCode(error);
      if (code === sqliteBusy) throw busyError();
      if (code !== sqliteNotADatabase || isRetry) throw unusable(path, describe(error), error);
      // Overwritten by something else: nobody can hold a lock on it, and it has no content of worth.
      unlinkIfThere(path);
    }
  }
}

function lockedError(holder: Holder | null, now: Date): HoldfastError {
  if (holder === null) {
    return new HoldfastError('vault_locked', 'Another holdfast is working on this vault.', {
      hint: 'Wait for it to finish, then run the command again.',
    });
  }
  const { pid, host, purpose, since } = holder;
  const age = describeAge(now.getTime() - Date.parse(since));
  const who = `${purpose}, pid ${pid} on ${host}, since ${age}`;
  return new HoldfastError('vault_locked', `Another holdfast (${who}) is working on this vault.`, {
    hint: 'Wait for it to finish, then run the command again.',
    data: { pid, host, purpose, since },
  });
}

function writeHolder(path: string, holder: Holder): void {
  try {
    unlinkIfThere(path);
    writeFileSync(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
  } catch {
    // Only a message depends on it; the lock itself is held.
  }
}

/** Who holds the lock, or null when the file cannot say: it may still be that of an earlier holder that was killed. */
function readHolder(path: string, hostname: string): Holder | null {
  try {
    const { pid, host, purpose, since } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || typeof since !== 'string' || Number.isNaN(Date.parse(since))) return null;
    if (host === hostname && !isRunning(pid as number)) return null;
    return { pid: pid as number, host: printable(host), purpose: printable(purpose), since };
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** The file could be anyone's: plain characters only, and few. */
function printable(value: unknown): string {
  return String(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 80);
}

function describeAge(ageMs: number): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function sqliteCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null;
  // The low byte is the primary code; the rest says which kind of it.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unusable(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('directory_unusable', `Cannot lock the vault with ${JSON.stringify(path)}: ${reason}.`, {
    hint: 'Check that folder, or choose another place with "stateDir".',
    cause,
  });
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
