import { createHash } from 'node:crypto';
import { basename, isAbsolute, join } from 'node:path';
import { HoldfastError } from '../model/errors.ts';
import type { Host } from './host.ts';

const nameCharsMax = 40;

/**
 * The folder of holdfast's own data for this user, the way each system wants it.
 * @throws {HoldfastError} `directory_unusable` where the system names no such place
 */
export function dataRootOf(host: Host): string {
  const { env, home, platform } = host;
  if (platform === 'win32' && isUsable(env['LOCALAPPDATA'])) return join(env['LOCALAPPDATA'], 'holdfast');
  // The specification says a relative XDG_DATA_HOME is to be ignored.
  if (isUsable(env['XDG_DATA_HOME'])) return join(env['XDG_DATA_HOME'], 'holdfast');
  if (!isUsable(home)) {
    throw new HoldfastError('directory_unusable', 'There is no home folder to keep holdfast data in.', {
      hint: 'Set HOME (or XDG_DATA_HOME) to a folder of yours.',
    });
  }
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'holdfast');
  if (platform === 'win32') return join(home, 'AppData', 'Local', 'holdfast');
  return join(home, '.local', 'share', 'holdfast');
}

/** Where a vault's snapshots go when no store is named: readable, and different for each path. */
export function defaultStoreFolder(dataRoot: string, vaultRoot: string): string {
  const digest = createHash('sha256').update(vaultRoot).digest('hex').slice(0, 8);
  const name = basename(vaultRoot)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, nameCharsMax);
  return join(dataRoot, 'stores', `${name === '' ? 'vault' : name}-${digest}`);
}

function isUsable(folder: string | undefined): folder is string {
  return folder !== undefined && folder !== '' && isAbsolute(folder);
}
