import { realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { HoldfastError } from '../model/errors.ts';
import type { VaultFoundBy } from './config.ts';
import type { Host } from './host.ts';
import { settingsFileName } from './read-settings.ts';

export interface FoundVault {
  /** Absolute, links resolved. */
  readonly root: string;
  readonly foundBy: VaultFoundBy;
}

/** Folders that are never a vault, whole or in part. */
const systemTrees = ['/dev', '/proc', '/sys'];
/** Folders that are never a vault themselves, though one may lie inside. */
const linuxFolders =
  '/bin /boot /etc /home /lib /lib64 /media /mnt /opt /root /run /sbin /srv /tmp /usr /usr/local /var /var/lib /var/tmp';
const macFolders = '/Applications /Library /System /Users /Volumes /private /private/tmp /private/var';
const windowsFolders = ['C:\\Windows', 'C:\\Program Files', 'C:\\Program Files (x86)', 'C:\\ProgramData', 'C:\\Users'];
const systemFolders: ReadonlySet<string> = new Set([...`${linuxFolders} ${macFolders}`.split(' '), ...windowsFolders]);

/**
 * Finds the vault: the folder named by `--vault` or HOLDFAST_VAULT, else the nearest folder upwards that was set up as one,
 * else the nearest git repository, else the current folder.
 * @throws {HoldfastError} `vault_missing`, `vault_unsuitable`
 */
export function findVault(flag: string | undefined, host: Host): FoundVault {
  const named = nameOfVault(flag, host);
  if (named !== null) {
    const root = realFolder(named.path, named.from);
    assertSuitable(root, host);
    return { root, foundBy: named.foundBy };
  }
  if (host.cwd === '') {
    throw new HoldfastError('vault_missing', 'The current folder no longer exists.', {
      hint: 'Go to the vault with cd, or name it with --vault.',
    });
  }
  const found = searchUpwards(realFolder(host.cwd, 'the current folder'));
  assertSuitable(found.root, host);
  return found;
}

function nameOfVault(flag: string | undefined, host: Host) {
  const variable = host.env['HOLDFAST_VAULT'];
  if (flag !== undefined) return { path: absolutePath(flag, host), from: '--vault', foundBy: 'flag' as const };
  if (variable === undefined || variable === '') return null;
  return { path: absolutePath(variable, host), from: 'HOLDFAST_VAULT', foundBy: 'environment' as const };
}

/** Makes a path a person gave absolute; `~` is the home folder (shells leave it alone after `=`). */
export function absolutePath(path: string, host: Host): string {
  if (host.home !== '' && (path === '~' || path.startsWith('~/'))) return join(host.home, path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(host.cwd, path);
}

function searchUpwards(start: string): FoundVault {
  let repository: string | null = null;
  for (let folder = start; ; folder = dirname(folder)) {
    const settings = statOf(join(folder, settingsFileName));
    if (settings?.isFile() === true) {
      if (folder !== start) assertOurs(join(folder, settingsFileName), settings);
      return { root: folder, foundBy: 'settings' };
    }
    if (statOf(join(folder, 'state', '.holdfast'))?.isDirectory() === true) return { root: folder, foundBy: 'state' };
    if (repository === null && statOf(join(folder, '.git')) !== undefined) repository = folder;
    if (dirname(folder) === folder) break;
  }
  return repository === null ? { root: start, foundBy: 'current_folder' } : { root: repository, foundBy: 'repository' };
}

/** Somebody else's settings in a shared parent folder must not decide where this user's files are sent. */
function assertOurs(path: string, stats: Stats): void {
  const user = process.getuid?.();
  if (user === undefined || user === 0 || stats.uid === user || stats.uid === 0) return;
  throw new HoldfastError('config_invalid', `The settings in ${JSON.stringify(path)} belong to another user.`, {
    hint: `If you trust them, name the vault: --vault ${JSON.stringify(dirname(path))}`,
  });
}

function assertSuitable(root: string, host: Host): void {
  const reason = unsuitableReason(root, host);
  if (reason === null) return;
  throw new HoldfastError('vault_unsuitable', `${JSON.stringify(root)} cannot be a vault: ${reason}.`, {
    hint: 'Go into the folder that matters and run the command there, or name it with --vault.',
    data: { vault: root },
  });
}

function unsuitableReason(root: string, host: Host): string | null {
  if (dirname(root) === root) return 'it is the root of the disk';
  const home = host.home === '' ? null : (realPathOrNull(host.home) ?? host.home);
  if (home !== null && root === home) return 'it is your home folder';
  if (home !== null && home.startsWith(root + sep)) return 'your home folder lies inside it';
  if (systemFolders.has(root) || systemTrees.some((tree) => root === tree || root.startsWith(`${tree}/`))) {
    return 'it belongs to the system';
  }
  if (root.split(sep).includes('.git')) return "it is part of a git repository's own data";
  return null;
}

function realFolder(path: string, from: string): string {
  const real = realPathOrNull(path);
  if (real !== null && statOf(real)?.isDirectory() === true) return real;
  const what = real === null ? 'does not exist or cannot be entered' : 'is not a folder';
  throw new HoldfastError('vault_missing', `The vault ${JSON.stringify(path)} (from ${from}) ${what}.`, {
    hint: 'Check the path; nothing was captured and nothing was changed.',
    data: { vault: path },
  });
}

function realPathOrNull(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A parent that cannot be entered, or is no folder: as good as not there.
    return undefined;
  }
}
