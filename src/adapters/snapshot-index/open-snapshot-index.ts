import { closeSync, constants, fstatSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ChainLink, decodeIndexLine, encodeIndexLine } from '../../format/index-line.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { IndexEvent, IndexRow } from '../../model/index-row.ts';
import type { SnapshotIndex } from '../../ports/snapshot-index.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { findLastLink } from './find-last-link.ts';
import { readRows } from './read-rows.ts';

export interface SnapshotIndexOptions {
  /** Absolute path of `snapshots.ndjson`; it and its folder are created by the first append. */
  readonly path: string;
  /** Id of this machine. */
  readonly machine: string;
  readonly user: string;
  readonly now: () => Date;
}

/** Where this machine's chain ended when the file had this size. */
interface ChainEnd {
  readonly inode: bigint;
  readonly sizeBytes: number;
  readonly link: ChainLink | null;
}

const newline = 0x0a;

/**
 * Opens the snapshot index. Appending is one write in append mode, so rows of other processes and machines are never
 * overwritten; two processes of one machine that append at once continue from the same row, which readers accept.
 */
export function openSnapshotIndex(options: SnapshotIndexOptions): SnapshotIndex {
  const { path } = options;
  let end: ChainEnd | null = null;

  function appendAll(events: readonly IndexEvent[]): readonly IndexRow[] {
    if (events.length === 0) return [];
    try {
      const appended = appendRows(options, { events, end });
      end = appended.end;
      return appended.rows;
    } catch (error) {
      end = null;
      throw mapFsError(error, `write the snapshot index ${JSON.stringify(path)}`);
    }
  }

  return {
    path,
    append: async (event) => appendAll([event])[0]!,
    appendAll: async (events) => appendAll(events),
    async isEmpty() {
      const found = lstatSync(path, { throwIfNoEntry: false });
      return found === undefined || found.size === 0;
    },
    async read() {
      try {
        return { ...readRows(readRegular(path)), exists: true };
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return { rows: [], damage: [], exists: false };
        throw mapFsError(error, `read the snapshot index ${JSON.stringify(path)}`);
      }
    },
  };
}

function appendRows(
  options: SnapshotIndexOptions,
  { events, end }: { events: readonly IndexEvent[]; end: ChainEnd | null },
): { rows: IndexRow[]; end: ChainEnd } {
  const fd = openForAppend(options.path);
  try {
    const { ino: inode, size } = fstatSync(fd, { bigint: true });
    const sizeBytes = Number(size);
    let link = lastLink(fd, { inode, sizeBytes, machine: options.machine, end });
    const rows: IndexRow[] = [];
    // A torn last line (a kill, a full disk) is closed first, so that it damages itself alone.
    const lines: Uint8Array[] = endsWithNewline(fd, sizeBytes) ? [] : [Buffer.of(newline)];
    for (const event of events) {
      const { row, line } = nextRow(options, event, link);
      link = { machine: row.machine, sequence: row.sequence, previous: row.previous, checksum: row.checksum };
      rows.push(row);
      lines.push(line);
    }
    const bytes = Buffer.concat(lines);
    writeAtOnce(fd, bytes);
    fsyncSync(fd);
    if (sizeBytes === 0) syncNewFile(options.path);
    return { rows, end: { inode, sizeBytes: sizeBytes + bytes.length, link } };
  } finally {
    closeSync(fd);
  }
}

function nextRow(
  options: SnapshotIndexOptions,
  event: IndexEvent,
  last: ChainLink | null,
): { row: IndexRow; line: Uint8Array } {
  const row = {
    at: options.now().toISOString(),
    machine: options.machine,
    user: options.user,
    sequence: (last?.sequence ?? 0) + 1,
    previous: last?.checksum ?? null,
    event,
  };
  const { line, checksum } = encodeIndexLine(row);
  assertReadable(line);
  return { row: { ...row, checksum }, line };
}

/** The vault may come from anywhere: a link or a fifo in the place of the index is neither followed nor waited for. */
function readRegular(path: string): Buffer {
  let fd;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw systemCode(error) === 'ELOOP' ? unusable(path) : error;
  }
  try {
    if (!fstatSync(fd).isFile()) throw unusable(path);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function openForAppend(path: string): number {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  // The vault may come from anywhere: a symlink in place of the folder or the file would send our rows elsewhere.
  if (!lstatSync(directory).isDirectory()) throw unusable(directory);
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let fd;
  try {
    fd = openSync(path, flags, 0o644);
  } catch (error) {
    throw systemCode(error) === 'ELOOP' ? unusable(path) : error;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw unusable(path);
}

/** The end of this machine's chain: remembered while nobody else wrote, otherwise read from what is new. */
function lastLink(
  fd: number,
  now: { inode: bigint; sizeBytes: number; machine: string; end: ChainEnd | null },
): ChainLink | null {
  const { end, sizeBytes, machine } = now;
  const isSameFile = end !== null && end.inode === now.inode && end.sizeBytes <= sizeBytes;
  if (isSameFile && end.sizeBytes === sizeBytes) return end.link;
  const start = isSameFile ? end.sizeBytes : 0;
  return findLastLink(fd, { start, end: sizeBytes, machine }) ?? (isSameFile ? end.link : null);
}

function endsWithNewline(fd: number, sizeBytes: number): boolean {
  if (sizeBytes === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, sizeBytes - 1);
  return last[0] === newline;
}

function writeAtOnce(fd: number, bytes: Uint8Array): void {
  // One call: going on with a second write after a short one could interleave with another machine's row.
  const written = writeSync(fd, bytes);
  if (written < bytes.length) {
    throw new HoldfastError('disk_full', `Only ${written} of ${bytes.length} bytes of a row could be written.`, {
      hint: 'Free some space and run the command again. Earlier rows are whole; the torn one is ignored.',
    });
  }
}

/** A row that could not be read back must not be written: it would break the chain for good. */
function assertReadable(line: Uint8Array): void {
  const decoded = decodeIndexLine(line.subarray(0, -1));
  if (decoded.kind === 'row') return;
  throw new HoldfastError('invariant_broken', `A row for the snapshot index is not valid: ${decoded.reason}.`);
}

function syncNewFile(path: string): void {
  const directory = dirname(path);
  syncDirectory(directory);
  syncDirectory(dirname(directory));
}

function unusable(path: string): HoldfastError {
  const message = `${JSON.stringify(path)} is a link or no plain file or folder, so the snapshot index cannot be kept there.`;
  return new HoldfastError('directory_unusable', message, {
    hint: 'Move it out of the way; holdfast reindex rebuilds the index from the store.',
    data: { path },
  });
}
