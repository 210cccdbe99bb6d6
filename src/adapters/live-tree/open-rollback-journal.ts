import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../model/errors.ts';
import type { RollbackJournalFile } from '../../ports/rollback-journal.ts';
import { syncDirectory, writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** Opens the place of the rollback journal in the `run` folder of the private state. Nothing is read or written before it is asked for. */
export function openRollbackJournal(runDirectory: string): RollbackJournalFile {
  const path = join(runDirectory, 'rollback.ndjson');
  return {
    async load() {
      try {
        const stat = lstatSync(path, { throwIfNoEntry: false });
        if (stat === undefined) return null;
        if (stat.isFile()) return readFileSync(path);
      } catch (error) {
        throw mapFsError(error, 'read the journal of the rollback');
      }
      throw new HoldfastError('directory_unusable', `${JSON.stringify(path)} is not a file.`, {
        hint: 'The journal of an interrupted rollback belongs there. Move what is there out of the way.',
      });
    },
    async save(bytes) {
      try {
        writeFileDurably(path, bytes);
      } catch (error) {
        throw mapFsError(error, 'write the journal of the rollback');
      }
    },
    async remove() {
      try {
        unlinkSync(path);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw mapFsError(error, 'close the journal of the rollback');
      }
      try {
        syncDirectory(runDirectory);
      } catch (error) {
        throw mapFsError(error, 'close the journal of the rollback');
      }
    },
  };
}
