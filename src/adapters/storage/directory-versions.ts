import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StorageKey, StorageVersion } from '../../ports/object-storage.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import {
  copyFileDurably,
  ensureDirectory,
  removeIfThere,
  temporaryNameFor,
  tryLink,
  writeNewFile,
} from './directory-files.ts';

/**
 * Prior versions of one key, oldest first: files `<n>` (bytes), `<n>.deleted` (a delete marker) and `<n>.gone` (removed
 * for good; kept where its number must not be used again). The current object's number is one above the highest.
 */
export interface VersionFolder {
  readonly root: string;
  readonly directory: string;
  /** The current object's file. */
  readonly path: string;
}

interface Entry {
  readonly number: number;
  readonly name: string;
  readonly state: 'bytes' | 'deleted' | 'gone';
}

const entryPattern = /^([1-9]\d{0,14})(?:\.(deleted|gone))?$/;

/** Keeps the current object's bytes under the next number. The object stays where it is. Returns the number. */
export async function archiveCurrent(folder: VersionFolder): Promise<number> {
  ensureDirectory(folder.root, folder.directory);
  for (let number = nextNumber(readEntries(folder)); ; number++) {
    const target = join(folder.directory, String(number));
    try {
      if (!tryLink(folder.path, target)) await copyInto(folder.path, target);
      syncDirectory(folder.directory);
      return number;
    } catch (error) {
      // Another process took the number.
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Hides the current object: its bytes become a version, and a marker says when. */
export async function archiveAndHide(folder: VersionFolder): Promise<void> {
  const number = await archiveCurrent(folder);
  writeNewFile(join(folder.directory, `${number + 1}.deleted`), new Uint8Array());
  syncDirectory(folder.directory);
  removeIfThere(folder.path);
  syncDirectory(dirname(folder.path));
}

/** Path of the bytes of one version, or null when it has none. */
export function versionPath(folder: VersionFolder, storageVersionId: string): string | null {
  const entries = readEntries(folder);
  const entry = entries.find((one) => one.state === 'bytes' && one.name === storageVersionId);
  if (entry !== undefined) return join(folder.directory, entry.name);
  return String(nextNumber(entries)) === storageVersionId ? folder.path : null;
}

/** Versions of one key, newest first. */
export function listVersions(key: StorageKey, folder: VersionFolder): StorageVersion[] {
  const versions: StorageVersion[] = [];
  const entries = readEntries(folder);
  const current = statFile(folder.path);
  if (current !== null)
    versions.push(describe(key, current, { id: nextNumber(entries), isLatest: true, isMarker: false }));
  for (const entry of entries.toReversed()) {
    if (entry.state === 'gone') continue;
    const stats = statFile(join(folder.directory, entry.name));
    if (stats === null) continue;
    // Archived, but the kill came before the replacement: the same file under two names is one version.
    if (current !== null && entry.state === 'bytes' && stats.ino === current.ino && stats.ino !== 0) continue;
    const isMarker = entry.state === 'deleted';
    versions.push(describe(key, stats, { id: entry.number, isLatest: versions.length === 0, isMarker }));
  }
  return versions;
}

/**
 * Removes one version for good. As in a bucket, when the newest goes the one before it takes its place: removing a
 * delete marker brings the object back.
 */
export function removeVersion(folder: VersionFolder, storageVersionId: string): void {
  const entries = readEntries(folder);
  const current = statFile(folder.path);
  const entry = entries.find((one) => String(one.number) === storageVersionId && one.state !== 'gone');
  if (entry === undefined) {
    if (current === null || String(nextNumber(entries)) !== storageVersionId) return;
    removeIfThere(folder.path);
    syncDirectory(dirname(folder.path));
    promoteNewest(folder);
    return;
  }
  const path = join(folder.directory, entry.name);
  if (current === null) {
    removeIfThere(path);
    promoteNewest(folder);
  } else if (entry === entries.at(-1)) {
    // The current object's number counts on this one.
    renameSync(path, join(folder.directory, `${entry.number}.gone`));
  } else {
    removeIfThere(path);
  }
  syncDirectory(folder.directory);
}

function promoteNewest(folder: VersionFolder): void {
  const entries = readEntries(folder);
  const newest = entries.findLast((entry) => entry.state !== 'gone');
  if (newest?.state !== 'bytes') return;
  for (const entry of entries) if (entry.number > newest.number) removeIfThere(join(folder.directory, entry.name));
  const path = join(folder.directory, newest.name);
  ensureDirectory(folder.root, dirname(folder.path));
  if (tryLink(path, folder.path)) unlinkSync(path);
  else renameSync(path, folder.path);
  syncDirectory(dirname(folder.path));
}

function readEntries(folder: VersionFolder): Entry[] {
  let names: string[];
  try {
    names = readdirSync(folder.directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const entries: Entry[] = [];
  for (const name of names) {
    const match = entryPattern.exec(name);
    if (match === null) continue;
    const state = match[2] === 'deleted' ? 'deleted' : match[2] === 'gone' ? 'gone' : 'bytes';
    entries.push({ number: Number(match[1]), name, state });
  }
  return entries.sort((a, b) => a.number - b.number);
}

function nextNumber(entries: readonly Entry[]): number {
  return (entries.at(-1)?.number ?? 0) + 1;
}

function statFile(path: string): { size: number; mtime: Date; ino: number } | null {
  try {
    const stats = lstatSync(path);
    return stats.isFile() ? stats : null;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

function describe(
  key: StorageKey,
  stats: { size: number; mtime: Date },
  version: { id: number; isLatest: boolean; isMarker: boolean },
): StorageVersion {
  return {
    key,
    sizeBytes: stats.size,
    modifiedAt: stats.mtime,
    storageVersionId: String(version.id),
    isLatest: version.isLatest,
    isDeleteMarker: version.isMarker,
  };
}

async function copyInto(from: string, to: string): Promise<void> {
  const temporary = temporaryNameFor(to);
  await copyFileDurably(from, temporary);
  try {
    // No links here, so the number is claimed by creating it, then filled in one step.
    writeNewFile(to, new Uint8Array());
    renameSync(temporary, to);
  } finally {
    removeIfThere(temporary);
  }
}
