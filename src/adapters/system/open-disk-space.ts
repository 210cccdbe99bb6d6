import { statfsSync } from 'node:fs';

/** Makes the function that tells the room on the disk a folder is on, in bytes; null when the system does not say. */
export function openDiskSpace(folder: string): () => Promise<{ freeBytes: number; sizeBytes: number } | null> {
  return async () => {
    try {
      const { bavail, blocks, bsize } = statfsSync(folder);
      // Some network file systems say 0 of everything.
      return blocks === 0 ? null : { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    } catch {
      return null;
    }
  };
}
