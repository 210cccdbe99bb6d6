import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageKey, StoredObject } from '../../ports/object-storage.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { diskNameOf, keyPartOf } from './check-key.ts';
import { isTemporaryName, removeIfThere } from './directory-files.ts';

interface Child {
  /** Key of the file, or of the folder with a '/' at its end: sorting these gives byte order of whole keys. */
  readonly key: string;
  readonly path: string;
  readonly isDirectory: boolean;
}

/** Yields the store's objects in byte order of keys. Names that are not ours, links and temporary files are passed over. */
export function* walkKeys(walk: { root: string; prefix: StorageKey; startAfter: StorageKey }): Generator<StoredObject> {
  for (const { key, path } of walkFiles(walk.root, walk.prefix, (child) => isWanted(child.key, walk))) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isFile() === true) yield { key, sizeBytes: stats.size, modifiedAt: stats.mtime };
  }
}

/** Yields, in byte order, every key that has a current object or prior versions. */
export function* walkVersionedKeys(walk: { root: string; prefix: StorageKey }): Generator<StorageKey> {
  const options = { ...walk, startAfter: '' };
  const keys = new Set<StorageKey>();
  for (const { key } of walkKeys(options)) keys.add(key);
  // In `.versions` a key is a folder of numbered files.
  const versions = join(walk.root, '.versions');
  const folderPrefix = walk.prefix.replace(/[^/]*$/, '');
  for (const { key } of walkFiles(versions, folderPrefix, () => true)) {
    const owner = key.slice(0, key.lastIndexOf('/'));
    if (owner.startsWith(walk.prefix)) keys.add(owner);
  }
  yield* [...keys].sort();
}

/** Removes temporary files last written before `limitMs`; returns how many. */
export function removeStaleTemporaries(root: string, limitMs: number): number {
  let removed = 0;
  for (const child of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, child.name);
    if (child.isDirectory() && (child.name === '.versions' || keyPartOf(child.name) !== null)) {
      removed += removeStaleTemporaries(path, limitMs);
    } else if (child.isFile() && isTemporaryName(child.name)) {
      // A hard link shares its times with the spooled file, so only the change time tells when this name was made.
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats !== undefined && stats.ctimeMs < limitMs && removeIfThere(path)) removed++;
    }
  }
  return removed;
}

function* walkFiles(root: string, prefix: string, wants: (child: Child) => boolean): Generator<Child> {
  const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const pending = readChildren(join(root, ...folderKey.split('/').map(diskNameOf)), folderKey)
    .filter(wants)
    .reverse();
  for (let child = pending.pop(); child !== undefined; child = pending.pop()) {
    if (!child.isDirectory) yield child;
    else pending.push(...readChildren(child.path, child.key).filter(wants).reverse());
  }
}

function isWanted(key: string, walk: { prefix: string; startAfter: string }): boolean {
  if (!key.endsWith('/')) return key.startsWith(walk.prefix) && key > walk.startAfter;
  // A folder: could any key below match?
  if (!key.startsWith(walk.prefix) && !walk.prefix.startsWith(key)) return false;
  return key > walk.startAfter || walk.startAfter.startsWith(key);
}

function readChildren(directory: string, folderKey: string): Child[] {
  let children;
  try {
    children = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    // Removed while we walked, or never there.
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
  const result: Child[] = [];
  for (const child of children) {
    const part = keyPartOf(child.name);
    if (part === null) continue;
    const path = join(directory, child.name);
    if (child.isDirectory()) result.push({ key: `${folderKey}${part}/`, path, isDirectory: true });
    else if (child.isFile()) result.push({ key: `${folderKey}${part}`, path, isDirectory: false });
  }
  return result.sort((a, b) => (a.key < b.key ? -1 : 1));
}
