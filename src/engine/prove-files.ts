import { isHoldfastError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { PackedBatch } from '../ports/holding-area.ts';
import { decodeEntry } from './decode-entry.ts';
import { describeDamage } from './describe-damage.ts';
import type { FilesTarget } from './write-files.ts';

/** Takes files as a holding directory does, decodes and hashes every byte, and keeps nothing. */
export function createProver(): FilesTarget {
  return {
    createFolder() {},
    addLink() {},
    async writePacked(batch: PackedBatch): Promise<readonly Problem[]> {
      const problems: Problem[] = [];
      for (const file of batch.files) {
        try {
          decodeEntry(batch.bytes, file);
        } catch (error) {
          if (!isHoldfastError(error, 'object_corrupt', 'pack_corrupt')) throw error;
          problems.push({ path: file.path, code: 'damaged', message: describeDamage(error) });
        }
      }
      return problems;
    },
    async writeFile(_file, pieces) {
      for await (const piece of pieces) void piece;
      return [];
    },
  };
}
