import { join } from 'node:path';
import { hostname } from 'node:os';
import { systemClock } from '../adapters/system/system-clock.ts';
import { openDiskSpace } from '../adapters/system/open-disk-space.ts';
import { openMountMark } from '../adapters/system/open-mount-mark.ts';
import { openVaultLock } from '../adapters/vault-lock/open-vault-lock.ts';
import { prepareWatcher } from '../adapters/watcher/open-watcher.ts';
import type { WatchDeps } from '../engine/watch/watch-deps.ts';
import type { Config } from './config.ts';
import type { Session } from './compose.ts';

/** How long the watcher lets one call to the store try: its own loop tries again, and meanwhile the vault is locked. */
export const watchRetryMs = 30_000;

/** Opens what the watcher needs besides a session on a prepared vault. */
export async function openWatch(session: Session, config: Config): Promise<WatchDeps> {
  const { vaultRoot, stateDir, holdingDir } = config;
  const privateFolder = join(stateDir, '.holdfast');
  const run = join(vaultRoot, privateFolder, 'run');
  const { infoExclude, vaultPrefix } = await session.repository.ignoreSources();
  return {
    ...session,
    openWatcher: await prepareWatcher({
      root: vaultRoot,
      logFolder: join(stateDir, 'log'),
      privateFolder,
      holdingFolder: holdingDir,
      // A repository around the vault is not the vault's to capture.
      gitFolder: infoExclude === null || vaultPrefix !== '' ? null : join(infoExclude, '..', '..'),
    }),
    watchLock: openVaultLock({
      directory: run,
      name: 'watch.lock',
      hostname: hostname(),
      now: () => systemClock.now(),
    }),
    freeSpace: openDiskSpace(run),
    mountMark: openMountMark(vaultRoot),
  };
}
