import { closeSync, constants, fsyncSync, lstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { syncDirectory, writeFileDurably } from '../adapters/fs/durable-write.ts';
import { mapFsError, systemCode } from '../adapters/fs/map-fs-error.ts';
import { readRegularFile } from '../adapters/fs/read-regular.ts';
import type { Config } from './config.ts';
import { settingsFileName } from './read-settings.ts';

/** What `init` writes into the vault. */
export interface VaultFilesOptions {
  /** URL to keep in the settings; null leaves the default store. */
  readonly store: string | null;
  readonly keepAll: boolean;
  /** Demand an encrypted store from now on. */
  readonly encrypted: boolean;
  /** Add the holding directory to the vault's own `.gitignore`. */
  readonly gitignore: boolean;
}

/**
 * Writes the settings, `.syncignore` and the one line of `.gitignore`, as far as they are missing. An existing settings
 * file keeps its comments and gets nothing but the store; nothing else of the user's is ever replaced. Returns the names
 * of the files that changed.
 */
export function writeVaultFiles(config: Config, options: VaultFilesOptions): string[] {
  const changed: string[] = [];
  try {
    if (writeSettings(config, options)) changed.push(settingsFileName);
    if (createFile(join(config.vaultRoot, '.syncignore'), syncignoreExample())) changed.push('.syncignore');
    if (options.gitignore && addGitignoreLine(config)) changed.push('.gitignore');
    syncDirectory(config.vaultRoot);
  } catch (error) {
    throw mapFsError(error, `set up the vault in ${JSON.stringify(config.vaultRoot)}`);
  }
  return changed;
}

/** The line that keeps git away from restored files. */
export function gitignoreLine(config: Pick<Config, 'holdingDir'>): string {
  return `/${config.holdingDir}/`;
}

const ignoreBytesMax = 16 * 1024 * 1024;

/** True where the vault's `.gitignore` has the line already. */
export function hasGitignoreLine(config: Config): boolean {
  const text = readIfThere(join(config.vaultRoot, '.gitignore')) ?? '';
  const bare = config.holdingDir;
  return text.split(/\r?\n/).some((line) => [`/${bare}/`, `/${bare}`, `${bare}/`, bare].includes(line.trim()));
}

function writeSettings(config: Config, options: VaultFilesOptions): boolean {
  const path = join(config.vaultRoot, settingsFileName);
  if (config.settingsFile === null) return createFile(path, newSettings(options));
  const before = readFileSync(path, 'utf8');
  const set = (text: string, key: string[], value: unknown): string =>
    applyEdits(text, modify(text, key, value, { formattingOptions: { insertSpaces: true, tabSize: 2 } }));
  const stored = options.store === null ? before : set(before, ['store'], options.store);
  const mustSay = options.encrypted && !config.encryption.required;
  const after = mustSay ? set(stored, ['encryption', 'required'], true) : stored;
  if (after === before) return false;
  writeFileDurably(path, Buffer.from(after), lstatSync(path).mode & 0o777);
  return true;
}

/**
 * Adds a replica to the settings, keeping comments and everything else; makes a settings file when there is none. False when
 * it is there already.
 */
export function addReplicaSetting(config: Config, url: string): boolean {
  if (config.replicas.includes(url)) return false;
  const path = join(config.vaultRoot, settingsFileName);
  try {
    if (config.settingsFile === null)
      createFile(path, newSettings({ store: null, keepAll: false, encrypted: false, gitignore: false }));
    const before = readFileSync(path, 'utf8');
    const formattingOptions = { insertSpaces: true, tabSize: 2 };
    const after = applyEdits(before, modify(before, ['replicas'], [...config.replicas, url], { formattingOptions }));
    writeFileDurably(path, Buffer.from(after), lstatSync(path).mode & 0o777);
  } catch (error) {
    throw mapFsError(error, `add the replica to ${settingsFileName}`);
  }
  return true;
}

function newSettings({ store, keepAll, encrypted }: VaultFilesOptions): string {
  const storeLine =
    store === null
      ? '// "store": "s3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1",'
      : `"store": ${JSON.stringify(store)},`;
  const retention = keepAll ? '"all"' : '{ "within": "48h", "daily": 30, "weekly": 13, "monthly": 12 }';
  return `{
  // Settings of holdfast for this vault. Every key is optional; all of them are explained by: holdfast help settings
  // Credentials never belong here: they stay in the environment or in ~/.aws.
  "format": 1,

  // Where snapshots go. Without it: a folder of this user's own data.
  ${storeLine}

  // How long snapshots are kept; labelled ones for ever. "all" keeps every one.
  "retention": ${retention}${encrypted ? encryptionLines : ''}
}
`;
}

const encryptionLines = `,

  // The store is encrypted, and must stay so. The key is never written here.
  "encryption": { "required": true }`;

/** Creates a file that must not be there yet; false when it is. */
function createFile(path: string, text: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return true;
}

/** Appends only, and never through a link: what stands in the file, and where a link leads, is the user's. */
function addGitignoreLine(config: Config): boolean {
  if (hasGitignoreLine(config)) return false;
  const path = join(config.vaultRoot, '.gitignore');
  const before = readIfThere(path) ?? '';
  const kinds = constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | kinds;
  let fd: number;
  try {
    fd = openSync(path, flags, 0o644);
  } catch (error) {
    // A link, or a fifo nobody reads.
    if (['ELOOP', 'ENXIO'].includes(systemCode(error))) return false;
    throw error;
  }
  try {
    writeSync(fd, `${before === '' || before.endsWith('\n') ? '' : '\n'}${gitignoreLine(config)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return true;
}

function readIfThere(path: string): string | null {
  try {
    const bytes = readRegularFile(path, ignoreBytesMax);
    return bytes instanceof Buffer ? bytes.toString('utf8') : null;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function syncignoreExample(): string {
  return readFileSync(new URL('../../.syncignore.example', import.meta.url), 'utf8');
}
