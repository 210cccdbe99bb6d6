import { displayName } from '../../../format/display-name.ts';
import { formatCounted } from '../../../format/size.ts';
import type { ByteString } from '../../../lib/bytes.ts';
import type { Notice } from '../../../model/problem.ts';
import { entryFlags, type VaultTree } from '../../../model/vault-tree.ts';
import { copyDatabase } from '../database/copy-database.ts';
import { hasLog, isDatabaseFile } from '../database/database-files.ts';
import { openTemporaryFolder } from '../database/temporary-folder.ts';
import { FileEncoder, writeStat } from './file-encoder.ts';
import type { Findings } from './findings.ts';
import { makeIngestResult, outcomes } from './ingest-job.ts';
import type { IngestFilesOptions } from './ingest-files.ts';

const namesMax = 20;

/** What to look at: rows of possible logs by the row of their database, and databases that were found while reading. */
export interface DatabaseWork {
  readonly logs: ReadonlyMap<number, readonly number[]>;
  readonly findings: Findings;
}

/**
 * Stores databases that are in use, each as one file that holds everything committed, and marks their logs as left out. Returns
 * the rows that must be stored as the bytes they are after all: logs of what is no database, and databases SQLite cannot read.
 */
export async function ingestDatabases(
  options: IngestFilesOptions,
  { logs, findings }: DatabaseWork,
): Promise<{ readonly plainRows: Uint32Array; readonly notices: readonly Notice[] }> {
  const { tree } = options.scan;
  const plainRows: number[] = [];
  const failed: ByteString[] = [];
  const found = new Set(findings.databases);
  for (const row of new Set([...found, ...logs.keys()])) {
    options.signal?.throwIfAborted();
    const logRows = logs.get(row) ?? [];
    const file = { path: tree.path(row), inode: tree.inodes[row]! };
    const { root, temporaryFolder } = options;
    const isDatabase = found.has(row) || (temporaryFolder !== undefined && isDatabaseFile(root, file));
    // A log that holds nothing, beside a database that is whole without it, is left out like one that was folded in.
    const isInUse = isDatabase && (found.has(row) || hasLog(root, file.path));
    const isStored = isDatabase && (!isInUse || (await storeDatabase(options, { row, findings })));
    if (isStored) for (const log of logRows) findings.applyFolded(log);
    else {
      plainRows.push(...logRows, ...(found.has(row) ? [row] : []));
      if (isDatabase) failed.push(file.path);
    }
  }
  return { plainRows: Uint32Array.from(plainRows).sort(), notices: [...failedNotices(failed), ...foldedNotices(tree)] };
}

/** Copies a database and stores the copy under the live file's stat data. False when there is no copy to be had. */
async function storeDatabase(
  options: IngestFilesOptions,
  { row, findings }: { row: number; findings: Findings },
): Promise<boolean> {
  const { root, chunkAbove, writer, temporaryFolder, scan } = options;
  using folder = openTemporaryFolder(temporaryFolder!);
  const path = scan.tree.path(row);
  const copied = await copyDatabase({ root, path, inode: scan.tree.inodes[row]!, target: folder.path });
  if (copied.kind === 'failed') return false;
  const encoder = new FileEncoder({
    root: folder.path,
    chunkAbove,
    appendedFile: null,
    isKnown: (ids, start) => writer.has(ids, start),
  });
  const result = makeIngestResult(1);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const job = { paths: name, inodes: new Float64Array(1), areLinks: new Uint8Array(1) };
  for (const batch of encoder.encode(job, result)) {
    await writer.addEncoded(batch.view());
    encoder.takeBack(batch);
  }
  if (result.outcomes[0] !== outcomes.stored) return false;
  writeStat(result.stats, 0, copied.stat);
  findings.apply({ rows: Uint32Array.of(row), makeJob: () => job }, result);
  return true;
}

function failedNotices(paths: readonly ByteString[]): Notice[] {
  if (paths.length === 0) return [];
  const message = `SQLite could not read ${named(paths)}; stored as the bytes on disk, which may be in the middle of a change`;
  return [{ code: 'database_as_bytes', message, count: paths.length }];
}

/** Every log that is left out is named, those of earlier captures too. */
function foldedNotices(tree: VaultTree): Notice[] {
  if (!tree.flags.subarray(0, tree.entryCount).some(isFolded)) return [];
  const paths = foldedPaths(tree);
  if (paths.length === 0) return [];
  const what = `${formatCounted(paths.length, 'log')} of SQLite databases`;
  const message = `${what} left out, because the databases were stored with what they hold: ${named(paths)}`;
  return [{ code: 'database_log', message, count: paths.length }];
}

function isFolded(flags: number): boolean {
  return (flags & entryFlags.foldedLog) !== 0;
}

/** From the root down: a tree kept in memory also has rows that nothing leads to any more. */
function foldedPaths(tree: VaultTree): ByteString[] {
  const paths: ByteString[] = [];
  const folders = [0];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const start = tree.folderEntryStarts[folder]!;
    const end = start + tree.folderEntryCounts[folder]!;
    for (let row = start; row < end; row++) {
      if (tree.isFolder(row) && tree.childFolders[row]! >= 0) folders.push(tree.childFolders[row]!);
      else if (isFolded(tree.flags[row]!)) paths.push(tree.path(row));
    }
  }
  return paths.sort();
}

function named(paths: readonly ByteString[]): string {
  const shown = paths.slice(0, namesMax).map((path) => displayName(path));
  const rest = paths.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
