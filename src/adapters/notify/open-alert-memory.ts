import { alertTimesBytesMax, decodeAlertTimes, encodeAlertTimes } from '../../format/alert-times.ts';
import type { AlertMemory } from '../../ports/notifier.ts';
import { writeFileDurably } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { readRegularFile } from '../fs/read-regular.ts';

/** Keeps when alerts were sent in a private file; one that cannot be read counts as none sent. */
export function openAlertMemory(path: string): AlertMemory {
  return {
    async load() {
      try {
        const bytes = readRegularFile(path, alertTimesBytesMax);
        return typeof bytes === 'string' ? {} : decodeAlertTimes(bytes);
      } catch {
        return {};
      }
    },
    async save(times) {
      try {
        writeFileDurably(path, encodeAlertTimes(times));
      } catch (error) {
        throw mapFsError(error, `keep when alerts were sent in ${JSON.stringify(path)}`);
      }
    },
  };
}
