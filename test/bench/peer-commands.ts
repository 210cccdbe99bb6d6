import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './bench.ts';
import type { Job } from './measure.ts';

const resticEnv = { RESTIC_PASSWORD: 'bench', RESTIC_PROGRESS_FPS: '0' };

export function resticInit(restic: Peer, repository: string): Job {
  return { argv: [restic.path, 'init', '-q', '-r', repository, '--no-cache'], env: resticEnv };
}

/** With restic's cache in the repository's own folder, as it would be warm on a machine that uses it. */
export function resticBackup(restic: Peer, repository: string, vault: string): Job {
  return {
    argv: [restic.path, 'backup', '-q', '-r', repository, '--cache-dir', `${repository}.cache`, '.'],
    cwd: vault,
    env: resticEnv,
  };
}

export function resticRestore(restic: Peer, repository: string, target: string): Job {
  return {
    argv: [
      restic.path,
      'restore',
      'latest',
      '-q',
      '-r',
      repository,
      '--cache-dir',
      `${repository}.cache`,
      '--target',
      target,
    ],
    env: resticEnv,
  };
}

export function borgInit(borg: Peer, repository: string): Job {
  return { argv: [borg.path, 'init', '-e', 'none', repository], env: borgEnv(repository) };
}

export function borgCreate(borg: Peer, repository: string, vault: string): Job {
  return {
    argv: [borg.path, 'create', `${repository}::run-${process.hrtime.bigint()}`, '.'],
    cwd: vault,
    env: borgEnv(repository),
  };
}

function borgEnv(repository: string): Record<string, string> {
  return { BORG_BASE_DIR: `${repository}.base`, BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
}

export function gitInit(git: Peer, repository: string): Job {
  return { argv: [git.path, 'init', '-q', '--bare', repository] };
}

/** `git add -A` and `git write-tree`, with every object synced to disk, as the other contestants do. */
export function gitAdd(git: Peer, repository: string, vault: string): Job {
  const script =
    '"$1" --git-dir="$2" --work-tree=. -c core.bare=false add -A && "$1" --git-dir="$2" write-tree >/dev/null && sync -f "$2"';
  return { argv: ['sh', '-c', script, 'sh', git.path, repository], cwd: vault };
}

/** Bytes of all files below a folder. */
export function folderBytes(folder: string): number {
  let total = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) total += lstatSync(join(entry.parentPath, entry.name)).size;
  }
  return total;
}
