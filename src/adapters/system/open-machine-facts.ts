import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What of this machine decides whether a vault can be watched and captured. Null where the system does not say. */
export interface MachineFacts {
  readonly nodeVersion: string;
  /** Folders one user may watch, over all programs. */
  readonly watchesMax: number | null;
  readonly watchInstancesMax: number | null;
  /** Files other people of this machine can read although they hold keys. */
  readonly openKeyFiles: readonly string[];
}

/** Reads them; `keyFiles` are looked at only for who may read them. */
export function readMachineFacts(keyFiles: readonly string[]): MachineFacts {
  return {
    nodeVersion: process.versions.node,
    watchesMax: readLimit('max_user_watches'),
    watchInstancesMax: readLimit('max_user_instances'),
    openKeyFiles: keyFiles.filter(isOpenToOthers),
  };
}

function readLimit(name: string): number | null {
  try {
    const value = Number(readFileSync(join('/proc/sys/fs/inotify', name), 'utf8').trim());
    return Number.isSafeInteger(value) ? value : null;
  } catch {
    return null;
  }
}

function isOpenToOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && process.platform !== 'win32' && (stat.mode & 0o077) !== 0;
}
