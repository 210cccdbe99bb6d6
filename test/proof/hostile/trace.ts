import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { forgedId, type HostileCase } from './cases.ts';

const program = resolve(import.meta.dirname, '../../support/run-holdfast.ts');
/** Calls that make, open for writing, move or change something. */
const calls =
  'open,openat,creat,rename,renameat,renameat2,mkdir,mkdirat,symlink,symlinkat,link,linkat,unlink,unlinkat,rmdir,chmod,fchmodat,truncate';

/**
 * Restores a hostile snapshot with the real process under strace, and returns every call that would have changed something outside
 * the vault's own two folders and the home (P5).
 * @throws when strace is not there: the proof cannot be given without it
 */
export function tracedRestore(place: string, honest: string, one: HostileCase): string[] {
  cpSync(honest, place, { recursive: true, verbatimSymlinks: true });
  const storage = createMemoryStorage();
  one.plant(storage);
  for (const key of storage.keys()) {
    const path = join(place, 'store', key.replaceAll(':', '-'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, storage.peek(key)!);
  }
  const log = `${place}.trace`;
  const words = ['restore', '--all', forgedId, '--store', join(place, 'store')];
  const home = join(place, 'home');
  const run = spawnSync(
    'strace',
    ['-f', '-y', '-qq', '-s', '512', '-o', log, '-e', `trace=${calls}`, process.execPath, program, ...words],
    {
      cwd: join(place, 'vault'),
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        XDG_DATA_HOME: join(home, 'data'),
        HOLDFAST_MACHINE: 'desk',
        GIT_CONFIG_NOSYSTEM: '1',
      },
    },
  );
  if (run.error !== undefined) throw new Error(`strace is needed: ${run.error.message}`);
  const allowed = [join(place, 'vault/_restore'), join(place, 'vault/state'), home, '/dev/', '/proc/self/', '/sys/'];
  return readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => changesSomething(line) && !allowed.some((folder) => line.includes(folder)));
}

function changesSomething(line: string): boolean {
  if (/ = -1 /.test(line) || !/\(/.test(line)) return false;
  return /\b(?:open|openat)\(/.test(line) ? /O_WRONLY|O_RDWR|O_CREAT/.test(line) : true;
}
