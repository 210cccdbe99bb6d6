import { closeSync, lstatSync } from 'node:fs';
import type { ByteString } from '../../../lib/bytes.ts';
import { modeBits, type VaultTree } from '../../../model/vault-tree.ts';
import { withReachablePath } from '../../fs/byte-path.ts';
import { openStable, readUpTo } from '../../fs/stable-read.ts';

/** What SQLite keeps beside a database while it is in use. */
export const logSuffixes = ['-wal', '-shm', '-journal'] as const;

const magic = Buffer.from('SQLite format 3\0', 'latin1');

/** True for the first bytes of a SQLite database. */
export function isDatabaseStart(bytes: Uint8Array): boolean {
  // Almost every file is told apart by its first byte.
  return bytes[0] === magic[0] && bytes.length >= magic.length && magic.equals(bytes.subarray(0, magic.length));
}

/** True when part of a database's content lies in a log beside it, so that its own bytes alone may be of no one moment. */
export function hasLog(root: string, path: ByteString): boolean {
  return isFilled(root, `${path}-wal`) || isFilled(root, `${path}-journal`);
}

/** True when the file at a path begins as a database does; false for whatever cannot be read. */
export function isDatabaseFile(root: string, file: { readonly path: ByteString; readonly inode: number }): boolean {
  try {
    const opened = openStable({ root, ...file });
    if (opened === null) return false;
    try {
      const start = Buffer.alloc(magic.length);
      return readUpTo(opened.fd, start, 0) === start.length && isDatabaseStart(start);
    } finally {
      closeSync(opened.fd);
    }
  } catch {
    return false;
  }
}

/** Rows to read, those that may be logs of a database apart: a log alone means nothing. */
export interface SeparatedRows {
  readonly rows: Uint32Array;
  /** Rows of possible logs, by the row of the file they would belong to. */
  readonly logs: ReadonlyMap<number, readonly number[]>;
}

const noLogs: ReadonlyMap<number, readonly number[]> = new Map();

/** Takes rows apart whose names end as logs do beside a file of the name without that. Costs two comparisons a row. */
export function separateLogs(tree: VaultTree, rows: Uint32Array): SeparatedRows {
  let logs: Map<number, number[]> | null = null;
  const rest: number[] = [];
  for (const [position, row] of rows.entries()) {
    const base = endsAsLog(tree, row) ? baseOf(tree, row) : -1;
    if (base >= 0) {
      // Until the first one is found nothing is copied.
      if (logs === null) rest.push(...rows.subarray(0, position));
      logs ??= new Map();
      logs.set(base, [...(logs.get(base) ?? []), row]);
    } else if (logs !== null) rest.push(row);
  }
  return logs === null ? { rows, logs: noLogs } : { rows: Uint32Array.from(rest), logs };
}

/** By the last byte and the dash alone: "-wal" and "-journal" end in l, "-shm" in m. */
function endsAsLog(tree: VaultTree, row: number): boolean {
  const end = tree.nameStarts[row]! + tree.nameLengths[row]!;
  const last = tree.names[end - 1];
  if (last === 0x6d) return tree.names[end - 4] === dash;
  return last === 0x6c && (tree.names[end - 4] === dash || tree.names[end - 8] === dash);
}

const dash = 0x2d;

function baseOf(tree: VaultTree, row: number): number {
  const name = tree.name(row);
  const suffix = logSuffixes.find((ending) => name.endsWith(ending) && name.length > ending.length);
  if (suffix === undefined || !isFile(tree, row)) return -1;
  const base = tree.findInFolder(tree.folderOf(row), name.slice(0, -suffix.length));
  return base >= 0 && isFile(tree, base) ? base : -1;
}

function isFile(tree: VaultTree, row: number): boolean {
  return (tree.modes[row]! & modeBits.kindMask) === modeBits.file;
}

function isFilled(root: string, path: ByteString): boolean {
  try {
    const stat = withReachablePath(root, path, (reachable) => lstatSync(reachable));
    return stat.isFile() && stat.size > 0;
  } catch {
    return false;
  }
}
