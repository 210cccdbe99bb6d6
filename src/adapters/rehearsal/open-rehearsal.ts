import { lstatSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HoldfastError } from '../../model/errors.ts';
import type { ProgramRunner } from '../../ports/program-runner.ts';
import type { Rehearsal } from '../../ports/rehearsal.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { checkDatabase } from './check-database.ts';
import { openRestoredFolder } from './restored-folder.ts';

export interface RehearsalOptions {
  /** Absolute path of the holding directory: the only place anything is removed from. */
  readonly holdingDirectory: string;
  readonly programs: ProgramRunner;
}

const scriptMsMax = 6 * 3_600_000;

/** Opens what a drill looks with. */
export function openRehearsal(options: RehearsalOptions): Rehearsal {
  const { holdingDirectory, programs } = options;
  return {
    open: openRestoredFolder,
    checkDatabase,
    runScript(script, { directory, signal }) {
      return programs.run({
        words: ['sh', '-eu', '-c', script],
        cwd: directory,
        env: { HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C' },
        timeoutMs: scriptMsMax,
        signal,
      });
    },
    remove(directory) {
      if (dirname(resolve(directory)) !== resolve(holdingDirectory) || !isRealFolder(directory)) {
        throw new HoldfastError('invariant_broken', 'A drill was asked to remove a folder that is not its own.');
      }
      try {
        rmSync(directory, { recursive: true, force: true });
      } catch (error) {
        throw mapFsError(error, 'remove what the drill restored');
      }
    },
  };
}

function isRealFolder(directory: string): boolean {
  return lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}
