import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checked, object } from '../../format/json-shape.ts';
import { prettyJson } from '../../format/pretty-json.ts';
import { isPlainId } from '../../format/store-layout.ts';
import { syncDirectory, writeFileDurably } from '../fs/durable-write.ts';
import { makeFolders } from '../fs/make-folders.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** Who writes: kept in records and in every row of the index. */
export interface Machine {
  /** 16 hex digits, drawn once; survives a change of the host's name. */
  readonly id: string;
  /** For people and for labels: `[a-z0-9-]`. */
  readonly name: string;
  readonly user: string;
}

export interface MachineSources {
  /** The user's data folder for holdfast; created when missing. */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  readonly username: string;
}

const fileName = 'machine.json';
const nameCharsMax = 40;

/**
 * Returns this machine's identity, drawing one on first use. It lies in the data folder, not in the vault: a vault that
 * two machines share must not make them one. `HOLDFAST_MACHINE` sets the name only.
 */
export function loadMachine(sources: MachineSources): Machine {
  const path = join(sources.dataDir, fileName);
  const name = machineName(sources.env['HOLDFAST_MACHINE']) ?? machineName(sources.hostname) ?? 'machine';
  try {
    return { id: readId(path) ?? createId(path, sources.dataDir), name, user: sources.username };
  } catch (error) {
    throw mapFsError(error, `keep this machine's identity in ${JSON.stringify(sources.dataDir)}`);
  }
}

function readId(path: string): string | null {
  try {
    return identity(JSON.parse(readFileSync(path, 'utf8'))).id;
  } catch (error) {
    const code = systemCode(error);
    // Without a system code the file is there but damaged (a zero-length file after a power cut, say).
    if (code === 'ENOENT' || code === '') return null;
    throw error;
  }
}

function createId(path: string, dataDir: string): string {
  const topmost = makeFolders(dataDir, 0o700);
  const id = randomBytes(8).toString('hex');
  const fresh = `${path}.${id}`;
  writeFileDurably(fresh, Buffer.from(prettyJson({ format: 1, id })));
  const chosen = settle(path, { fresh, id });
  // Records and the chain of the index carry it from now on: a power cut must not make this another machine.
  syncDirectory(dataDir);
  if (topmost !== undefined)
    for (let at = dataDir; at !== dirname(topmost); at = dirname(at)) syncDirectory(dirname(at));
  return chosen;
}

/** Gives the fresh file its name, or takes what another process was quicker to put there. */
function settle(path: string, { fresh, id }: { readonly fresh: string; readonly id: string }): string {
  // A damaged file is replaced; a missing one is created by exactly one of several processes starting together.
  if (isThere(path) && readId(path) === null) {
    renameSync(fresh, path);
    return id;
  }
  try {
    linkSync(fresh, path);
  } catch (error) {
    const theirs = readId(path);
    if (theirs === null && systemCode(error) !== 'EEXIST') {
      // No hard links on this file system: the narrow race is the price.
      renameSync(fresh, path);
      return id;
    }
    unlinkSync(fresh);
    if (theirs === null) throw error;
    return theirs;
  }
  unlinkSync(fresh);
  return id;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function machineName(raw: string | undefined): string | null {
  const slug = (raw ?? '')
    .split('.')[0]!
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, nameCharsMax)
    .replaceAll(/^-+|-+$/g, '');
  return slug === '' ? null : slug;
}

const identity = object<{ id: string }>({ id: checked(isPlainId, 'a machine id') });
