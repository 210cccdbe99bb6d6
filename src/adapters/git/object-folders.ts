import { lstatSync, realpathSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join, resolve } from 'node:path';
import { byteStringOf, textOfByteString } from '../../lib/bytes.ts';
import { sha256Of } from '../../format/digest.ts';
import type { ObjectId } from '../../model/ids.ts';
import { listGitFolder, readGitFile } from './read-git-file.ts';

/** The object folders of a repository: its own first, then those it borrows from. */
export interface ObjectFolders {
  readonly folders: readonly string[];
  /** Why some could not be found, as clauses; objects in them are missing. */
  readonly troubles: readonly string[];
}

/** A pack with its index, by the paths of both files. */
export interface PackFiles {
  /** `pack-<40 hex digits>` */
  readonly name: string;
  readonly packPath: string;
  readonly indexPath: string;
}

export interface PackListing {
  readonly packs: readonly PackFiles[];
  /** Packs left out because git's own tools would not have named them so. */
  readonly oddNames: number;
  /** A partial clone marks the packs a server sent it. */
  readonly hasPromisor: boolean;
}

/** Follows `info/alternates`, relative ones too, as deep as git does; a circle ends where it closes. */
export function findObjectFolders(commonDir: string): ObjectFolders {
  const folders: string[] = [];
  const troubles: string[] = [];
  const follow = (folder: string, depth: number): void => {
    if (folders.includes(folder)) return;
    if (depth > alternatesDepthMax || folders.length >= foldersMax) {
      troubles.push('its alternates borrow from too many folders');
      return;
    }
    folders.push(folder);
    try {
      for (const path of readAlternates(folder)) follow(path, depth + 1);
    } catch (error) {
      troubles.push(clauseOf(error));
    }
  };
  const readAlternates = (folder: string): string[] => {
    const bytes = readGitFile(join(folder, 'info', 'alternates'), { sizeBytesMax: 1 << 20 });
    if (bytes === null) return [];
    const found: string[] = [];
    for (const line of byteStringOf(bytes).split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const path = line.startsWith('"') ? null : textOfByteString(line);
      const target = path === null ? null : realFolder(resolve(folder, path));
      if (target === null)
        troubles.push(`it borrows objects from ${JSON.stringify(line.slice(0, 200))}, which cannot be read`);
      else found.push(target);
    }
    return found;
  };
  follow(join(commonDir, 'objects'), 0);
  return { folders, troubles };
}

/**
 * Lists packs that have an index; one without is unfinished to git as well.
 * @throws {HoldfastError} `local_io` when the folder cannot be listed
 */
export function listPacks(objectFolder: string): PackListing {
  const folder = join(objectFolder, 'pack');
  const names = new Set((listGitFolder(folder, { entriesMax }) ?? []).map((entry) => entry.name));
  const packs: PackFiles[] = [];
  let oddNames = 0;
  let hasPromisor = false;
  for (const file of names) {
    if (file.endsWith('.promisor')) hasPromisor = true;
    if (!file.endsWith('.idx') || !file.startsWith('pack-')) continue;
    const name = file.slice(0, -'.idx'.length);
    if (!names.has(`${name}.pack`)) continue;
    if (/^pack-[0-9a-f]{40}$/.test(name)) {
      packs.push({ name, packPath: join(folder, `${name}.pack`), indexPath: join(folder, file) });
    } else {
      oddNames++;
    }
  }
  packs.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { packs, oddNames, hasPromisor };
}

/** Names of the 256 folders loose objects are kept in. */
export const looseFolders: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Names of loose objects, 40 hex digits, in one of these folders. */
export function listLoose(objectFolder: string, looseFolder: string): ObjectId[] {
  const names: ObjectId[] = [];
  for (const entry of listGitFolder(join(objectFolder, looseFolder), { entriesMax }) ?? []) {
    if (/^[0-9a-f]{38}$/.test(entry.name)) names.push((looseFolder + entry.name) as ObjectId);
  }
  return names;
}

/**
 * Names the state of object folders without reading one: pack files by name, size and time, loose folders by time. Empty
 * when something changed so lately (by `nowMs`) that a later change could carry the same time.
 */
export function fingerprintOf(folders: readonly string[], nowMs: number): string {
  const parts: string[] = [];
  const quiet = BigInt(Math.max(0, nowMs - racyMs)) * 1_000_000n;
  let isRacy = false;
  const note = (path: string): void => {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.mtimeNs >= quiet) isRacy = true;
    parts.push(`${path}\0${stampOf(stat)}`);
  };
  for (const folder of folders) {
    parts.push(folder);
    note(join(folder, 'info', 'alternates'));
    for (const name of looseFolders) note(join(folder, name));
    for (const { packPath, indexPath } of listPacks(folder).packs) {
      note(packPath);
      note(indexPath);
    }
  }
  return isRacy ? '' : sha256Of(Buffer.from(parts.join('\n')));
}

/** Bytes that packs and loose objects take on disk; folders that cannot be read count nothing. */
export function objectBytesIn(folders: readonly string[]): number {
  let total = 0;
  const count = (path: string): void => {
    total += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  };
  for (const folder of folders) {
    try {
      for (const { packPath } of listPacks(folder).packs) count(packPath);
      for (const name of looseFolders) {
        for (const id of listLoose(folder, name)) count(join(folder, name, id.slice(2)));
      }
    } catch {
      // An estimate: capturing meets the same trouble and reports it.
    }
  }
  return total;
}

/** The reason within an error, to stand inside a sentence. */
export function clauseOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.$/, '');
}

const alternatesDepthMax = 5;
const foldersMax = 100;
const entriesMax = 10_000_000;
/** File systems keep times in steps of up to two seconds. */
const racyMs = 2_000;

function stampOf(stat: BigIntStats): string {
  // Size and inode of a folder say nothing more than its time, and differ between file systems.
  return stat.isDirectory() ? `${stat.mtimeNs}` : `${stat.mtimeNs}:${stat.size}:${stat.ino}`;
}

function realFolder(path: string): string | null {
  try {
    return statSync(path).isDirectory() ? realpathSync(path) : null;
  } catch {
    return null;
  }
}
