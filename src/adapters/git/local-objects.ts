import { join } from 'node:path';
import type { GitObject } from '../../ports/object-reader.ts';
import type { ObjectId } from '../../model/ids.ts';
import { openLocalPack } from './local-pack.ts';
import type { LocalPack } from './local-pack.ts';
import { readLooseObject } from './loose-object.ts';
import { listPacks } from './object-folders.ts';

/** Single objects of a repository, wherever they lie. */
export interface LocalObjects extends Disposable {
  /** Returns an object, checked against its name; null when it is not here, damaged, or too large for memory. */
  read(id: ObjectId): Promise<GitObject | null>;
}

/**
 * Opens all packs of these folders for a few look-ups.
 * @throws {HoldfastError} `local_io` when a pack's index is larger than `indexBytesMax`, or something cannot be read
 */
export function openLocalObjects(folders: readonly string[], options: { indexBytesMax: number }): LocalObjects {
  const packs: LocalPack[] = [];
  const close = (): void => packs.forEach((pack) => pack[Symbol.dispose]());
  try {
    for (const folder of folders) {
      for (const files of listPacks(folder).packs) packs.push(openLocalPack(files, options));
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    async read(id) {
      try {
        for (const { access } of packs) {
          const position = access.packIndex.findId(id);
          if (position >= 0) return await access.read(position);
        }
        for (const folder of folders) {
          const object = readLooseObject(join(folder, id.slice(0, 2), id.slice(2)), id);
          if (object !== null) return object === 'large' ? null : object;
        }
      } catch {
        return null;
      }
      return null;
    },
    [Symbol.dispose]: close,
  };
}
