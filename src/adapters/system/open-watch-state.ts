import { constants, closeSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { WatchState } from '../../ports/watch-state.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { readUnfollowed } from '../fs/read-unfollowed.ts';
import { isPidTaken, processStart } from './process-start.ts';

const bytesMax = 64 * 1024;

/** Opens the heartbeat of a vault in the `run` folder of its private state. `save` throws HoldfastError of kind local. */
export function openWatchState(runDirectory: string): WatchState {
  const path = join(runDirectory, 'watch.json');
  const self = { pid: process.pid, start: processStart(process.pid) };
  return {
    load: async () => readUnfollowed(path, bytesMax),
    async save(bytes) {
      const temporary = `${path}.${process.pid}.tmp`;
      const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
      try {
        const fd = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
        try {
          writeFully(fd, bytes);
        } finally {
          closeSync(fd);
        }
        renameSync(temporary, path);
      } catch (error) {
        throw mapFsError(error, 'write the heartbeat of the watcher');
      }
    },
    self: () => self,
    isRunning({ pid, start }) {
      if (pid === self.pid && start === self.start) return true;
      return isPidTaken(pid) && processStart(pid) === start;
    },
  };
}
