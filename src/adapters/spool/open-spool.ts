import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sha256Of } from '../../format/digest.ts';
import { folderNameOfSnapshotId } from '../../format/store-layout.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import type { DamagedSpoolEntry, Spool, SpoolDraft, SpooledSnapshot } from '../../ports/spool.ts';
import { syncDirectory, writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { checkEntry, type ProvedFiles } from './check-entry.ts';
import {
  encodeSpoolEntry,
  entryFileName,
  expectedFiles,
  type FileIdentity,
  identifyFile,
  recordFileName,
} from './entry-file.ts';
import { claimDraft, draftName, forgetDraft, isAbandoned, removalName } from './leftovers.ts';

const entryPattern = /^(\d{12})-/;
const damagedPrefix = 'damaged-';
const otherSpoolPattern = /^[0-9a-f]{16}$/;

/**
 * Opens the spool in `directory`, which exists and is ours. An entry is a folder whose name starts with its place in the
 * queue; the rename that gives it that name, after everything in it is durable, is what makes it a restore point.
 * Callers that write hold the vault lock.
 */
export function openSpool(directory: string, machineId: string): Spool {
  const proved: ProvedFiles = new Map();
  return {
    begin: () => attempt('begin a capture', () => beginDraft(directory, machineId)),
    pending: () => attempt('read the spool', () => readPending(directory, proved)),
    rewrite: (snapshot, record, recordBytes) =>
      attempt('rename a spooled snapshot', () => rewriteEntry(snapshot, { record, recordBytes, machineId })),
    remove: (snapshot) =>
      attempt('remove a published snapshot from the spool', () => removeFolder(directory, snapshot.directory)),
    setAside: (entry) => attempt('set a damaged spool entry aside', () => setAside(directory, entry)),
    sweep: () => attempt('clean up the spool', () => sweep(directory, machineId)),
    waitingElsewhere: () => attempt('look into the spools of other stores', () => countElsewhere(directory)),
  };
}

/** Entries in the spools beside this one: of stores this vault used before. */
function countElsewhere(directory: string): number {
  const parent = dirname(directory);
  const others = readdirSync(parent, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && otherSpoolPattern.test(entry.name) && entry.name !== basename(directory),
  );
  return others.reduce((sum, { name }) => {
    return sum + readdirSync(join(parent, name)).filter((entry) => entryPattern.test(entry)).length;
  }, 0);
}

async function attempt<T>(doing: string, action: () => T): Promise<T> {
  try {
    return action();
  } catch (error) {
    throw mapFsError(error, `${doing} (in the spool)`);
  }
}

function beginDraft(spool: string, machineId: string): SpoolDraft {
  const name = draftName(machineId, randomBytes(6).toString('hex'));
  const directory = join(spool, name);
  mkdirSync(directory, { mode: 0o700 });
  claimDraft(name);
  let isOpen = true;
  return {
    directory,
    finish: (record, recordBytes) =>
      attempt('keep the captured snapshot', () => {
        const finished = finishDraft(spool, directory, { record, recordBytes, machineId });
        isOpen = false;
        forgetDraft(name);
        return finished;
      }),
    async [Symbol.asyncDispose]() {
      if (!isOpen) return;
      isOpen = false;
      forgetDraft(name);
      try {
        rmSync(directory, { recursive: true, force: true });
      } catch {
        // What made the capture fail is the error to report, alone; the next command sweeps what is left here.
      }
    },
  };
}

interface RecordToKeep {
  readonly record: SnapshotRecord;
  readonly recordBytes: Uint8Array;
  readonly machineId: string;
}

function finishDraft(spool: string, draft: string, toKeep: RecordToKeep): SpooledSnapshot {
  const { record, recordBytes } = toKeep;
  writeRecordAndEntry(draft, toKeep);
  const sequence = 1 + Math.max(0, ...readdirSync(spool).map(sequenceOf));
  const directory = join(spool, entryName(sequence, record));
  renameSync(draft, directory);
  syncDirectory(spool);
  return { sequence, directory, record, recordBytes };
}

/** Everything but the rename: afterwards the folder is durable, record, entry and packs alike. */
function writeRecordAndEntry(directory: string, { record, recordBytes, machineId }: RecordToKeep): void {
  const recordSha256 = sha256Of(recordBytes);
  const files = expectedFiles(record).map((expected): FileIdentity => {
    const found = identifyFile(directory, expected.name);
    if (found?.sizeBytes === expected.sizeBytes) return found;
    throw new HoldfastError('invariant_broken', `The capture lacks ${expected.name}, or it has the wrong size.`, {
      hint: 'Nothing was kept. Run the command again.',
    });
  });
  writeFileDurably(join(directory, recordFileName(recordSha256)), recordBytes);
  // The entry names the record, so it comes second and decides: replacing it is the one step of a rewrite.
  const entry = { id: record.id, machine: machineId, recordSha256, files };
  writeFileDurably(join(directory, entryFileName), encodeSpoolEntry(entry));
}

function rewriteEntry(snapshot: SpooledSnapshot, toKeep: RecordToKeep): SpooledSnapshot {
  const { record, recordBytes } = toKeep;
  writeRecordAndEntry(snapshot.directory, toKeep);
  const oldName = recordFileName(sha256Of(snapshot.recordBytes));
  if (oldName !== recordFileName(sha256Of(recordBytes))) unlinkIfThere(join(snapshot.directory, oldName));
  const spool = join(snapshot.directory, '..');
  const directory = join(spool, entryName(snapshot.sequence, record));
  if (directory !== snapshot.directory) {
    renameSync(snapshot.directory, directory);
    syncDirectory(spool);
  }
  return { sequence: snapshot.sequence, directory, record, recordBytes };
}

function readPending(
  spool: string,
  proved: ProvedFiles,
): { snapshots: SpooledSnapshot[]; damaged: DamagedSpoolEntry[] } {
  const snapshots: SpooledSnapshot[] = [];
  const damaged: DamagedSpoolEntry[] = [];
  const names = readdirSync(spool).filter((name) => entryPattern.test(name));
  for (const name of names.toSorted()) {
    const directory = join(spool, name);
    const checked = checkEntry(directory, proved);
    if (checked.kind === 'damaged') {
      damaged.push({ directory, reason: checked.reason });
    } else {
      const { record, recordBytes } = checked;
      snapshots.push({ sequence: sequenceOf(name), directory, record, recordBytes });
    }
  }
  return { snapshots, damaged };
}

function setAside(spool: string, entry: DamagedSpoolEntry): void {
  const name = `${damagedPrefix}${basename(entry.directory)}`;
  const taken = new Set(readdirSync(spool));
  let free = name;
  for (let copy = 2; taken.has(free); copy++) free = `${name}-${copy}`;
  renameSync(entry.directory, join(spool, free));
  syncDirectory(spool);
}

function removeFolder(spool: string, directory: string): void {
  // Renamed first, and durably: a kill or power cut halfway through must not leave what looks like a damaged entry.
  const leaving = join(spool, removalName(basename(directory)));
  rmSync(leaving, { recursive: true, force: true });
  renameSync(directory, leaving);
  syncDirectory(spool);
  rmSync(leaving, { recursive: true, force: true });
}

function sweep(spool: string, machineId: string): number {
  let draftCount = 0;
  for (const name of readdirSync(spool)) {
    const leftover = isAbandoned(spool, name, machineId);
    if (leftover === null) continue;
    rmSync(join(spool, name), { recursive: true, force: true });
    if (leftover === 'draft') draftCount++;
  }
  return draftCount;
}

function entryName(sequence: number, record: SnapshotRecord): string {
  return `${String(sequence).padStart(12, '0')}-${folderNameOfSnapshotId(record.id)}`;
}

function sequenceOf(name: string): number {
  const own = name.startsWith(damagedPrefix) ? name.slice(damagedPrefix.length) : name;
  return Number(entryPattern.exec(own)?.[1] ?? 0);
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
