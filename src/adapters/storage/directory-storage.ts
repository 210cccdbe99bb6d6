import { closeSync, lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../model/errors.ts';
import type {
  GetOptions,
  ObjectStorage,
  RequestCounts,
  StorageBody,
  StorageKey,
  StorageOptions,
  StorageVersion,
  StoredObject,
} from '../../ports/object-storage.ts';
import { syncDirectory } from '../fs/durable-write.ts';
import { makeFolders } from '../fs/make-folders.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { checkKey, checkPrefix, diskNameOf } from './check-key.ts';
import { checkRange, objectMissing, storageConflict, tooLarge, tooShort } from './storage-answers.ts';
import {
  ensureDirectory,
  hashFile,
  isRealDirectory,
  openRegular,
  readFully,
  removeIfThere,
  replaceWith,
  stageBody,
  temporaryNameFor,
  tryLink,
  writeNewFile,
} from './directory-files.ts';
import { removeStaleTemporaries, walkKeys, walkVersionedKeys } from './directory-walk.ts';
import { archiveAndHide, archiveCurrent, listVersions, removeVersion, versionPath } from './directory-versions.ts';
import type { VersionFolder } from './directory-versions.ts';

export interface DirectoryStorageOptions {
  readonly url: string;
  /** Creates the store's own folder when it is missing. Otherwise a missing one is an error: a disk may not be mounted. */
  readonly create: boolean;
  readonly now: () => Date;
}

/**
 * A store in a directory. Objects are files under their keys (times with `-` for `:`), written beside their place, synced,
 * and linked in, so a name appears once and whole. Overwritten and deleted objects stay under `.versions/`.
 */
export function openDirectoryStorage(root: string, options: DirectoryStorageOptions): ObjectStorage {
  const requests: RequestCounts = { put: 0, get: 0, head: 0, list: 0, delete: 0 };
  let canLink: boolean | null = null;
  if (options.create) createRoot(root);

  const pathOf = (key: StorageKey): string => join(root, ...key.split('/').map(diskNameOf));
  const folderOf = (key: StorageKey): VersionFolder => ({
    root,
    directory: join(root, '.versions', ...key.split('/').map(diskNameOf)),
    path: pathOf(key),
  });

  async function run<Result>(doing: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (systemCode(error) === 'ABORT_ERR' || systemCode(error) === '') throw error;
      throw mapFsError(error, `${doing} in ${JSON.stringify(root)}`);
    }
  }

  async function put(key: StorageKey, body: StorageBody, mode: 'new' | 'replace', signal?: AbortSignal) {
    signal?.throwIfAborted();
    checkKey(key);
    requests.put++;
    return run(`store ${key}`, async () => {
      const path = pathOf(key);
      requireRoot(root);
      ensureDirectory(root, dirname(path));
      const temporary = await stageBody(body, path, signal);
      try {
        signal?.throwIfAborted();
        if (mode === 'new') return await linkIn(temporary, key, body);
        if (openAndClose(path)) await archiveCurrent(folderOf(key));
        replaceWith(temporary, path);
        return 'created';
      } finally {
        removeIfThere(temporary);
      }
    });
  }

  async function linkIn(temporary: string, key: StorageKey, body: StorageBody): Promise<'created' | 'exists'> {
    const path = pathOf(key);
    try {
      // Without links the check and the rename are two steps; `createIsExclusive` is false there.
      if (tryLink(temporary, path)) syncDirectory(dirname(path));
      else if (lstatSync(path, { throwIfNoEntry: false }) === undefined) replaceWith(temporary, path);
      else throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      return 'created';
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const existing = openRegular(path);
    if (existing === null) throw storageConflict(key);
    try {
      const found = await hashFile(existing.fd);
      if (found.sha256 !== body.sha256) throw storageConflict(key);
    } finally {
      closeSync(existing.fd);
    }
    // The process that made it may have died before its sync.
    syncDirectory(dirname(path));
    return 'exists';
  }

  async function get(key: StorageKey, getOptions: GetOptions = {}): Promise<Uint8Array> {
    const { signal, range, storageVersionId } = getOptions;
    signal?.throwIfAborted();
    checkKey(key);
    checkRange(range);
    requests.get++;
    return run(`read ${key}`, async () => {
      const path = storageVersionId === undefined ? pathOf(key) : versionPath(folderOf(key), storageVersionId);
      const file = path === null || !hasRealParents(root, path) ? null : openRegular(path);
      if (file === null) {
        requireRoot(root);
        throw objectMissing(key, { deletedAt: deletionOf(key) });
      }
      try {
        const start = range?.start ?? 0;
        const end = range?.end ?? file.sizeBytes;
        if (end > file.sizeBytes) throw tooShort(key, { wanted: end, found: file.sizeBytes });
        if (end - start > (getOptions.sizeBytesMax ?? Infinity)) throw tooLarge(key, end - start);
        const bytes = new Uint8Array(end - start);
        const got = await readFully(file.fd, bytes, start, signal);
        if (got !== bytes.length) throw tooShort(key, { wanted: end, found: start + got });
        return bytes;
      } finally {
        closeSync(file.fd);
      }
    });
  }

  /** When the object was deleted, if a version of it can be brought back (S12). */
  function deletionOf(key: StorageKey): Date | null {
    const [newest, ...older] = listVersions(key, folderOf(key));
    return newest?.isDeleteMarker === true && older.some((one) => !one.isDeleteMarker) ? newest.modifiedAt : null;
  }

  async function* list(prefix: StorageKey, listOptions: StorageOptions & { startAfter?: StorageKey } = {}) {
    checkPrefix(prefix);
    requests.list++;
    const walk = walkKeys({ root, prefix, startAfter: listOptions.startAfter ?? '' });
    yield* translated(walk, 'list the store', listOptions.signal);
  }

  async function* versions(prefix: StorageKey, versionOptions: StorageOptions = {}): AsyncGenerator<StorageVersion> {
    checkPrefix(prefix);
    requests.list++;
    const keys = walkVersionedKeys({ root, prefix });
    for await (const key of translated(keys, 'list versions in the store', versionOptions.signal)) {
      yield* listVersions(key, folderOf(key));
    }
  }

  async function* translated<Item>(items: Iterable<Item>, doing: string, signal?: AbortSignal): AsyncGenerator<Item> {
    try {
      requireRoot(root);
      for (const item of items) {
        signal?.throwIfAborted();
        yield item;
      }
    } catch (error) {
      if (systemCode(error) === '') throw error;
      throw mapFsError(error, doing);
    }
  }

  return {
    url: options.url,
    isLocal: true,
    requests,
    get createIsExclusive() {
      canLink ??= probeLinks(root);
      return canLink;
    },
    putIfAbsent: (key, body, putOptions) => put(key, body, 'new', putOptions?.signal),
    put: async (key, body, putOptions) => {
      await put(key, body, 'replace', putOptions?.signal);
    },
    get,
    async head(key, headOptions): Promise<StoredObject | null> {
      headOptions?.signal?.throwIfAborted();
      checkKey(key);
      requests.head++;
      return run(`look up ${key}`, async () => {
        requireRoot(root);
        const path = pathOf(key);
        const stats = hasRealParents(root, path) ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
        return stats?.isFile() === true ? { key, sizeBytes: stats.size, modifiedAt: stats.mtime } : null;
      });
    },
    list,
    versions,
    async delete(key, deleteOptions = {}) {
      deleteOptions.signal?.throwIfAborted();
      checkKey(key);
      requests.delete++;
      await run(`delete ${key}`, async () => {
        requireRoot(root);
        const folder = folderOf(key);
        if (deleteOptions.storageVersionId !== undefined) removeVersion(folder, deleteOptions.storageVersionId);
        else if (hasRealParents(root, folder.path) && openAndClose(folder.path)) await archiveAndHide(folder);
      });
    },
    versioning: async () => 'on',
    enableVersioning: async () => 'on',
    async abortStaleUploads({ olderThanMs }) {
      const limit = options.now().getTime() - olderThanMs;
      return run('clean up the store', async () => {
        requireRoot(root);
        return removeStaleTemporaries(root, limit);
      });
    },
    async [Symbol.asyncDispose]() {},
  };
}

function createRoot(root: string): void {
  try {
    if (makeFolders(root, 0o700) !== undefined) syncDirectory(dirname(root));
  } catch (error) {
    throw mapFsError(error, `create the store ${JSON.stringify(root)}`);
  }
}

function requireRoot(root: string): void {
  // The root itself may be a link: choosing it was the person's decision.
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new HoldfastError('storage_unavailable', `The store's folder is not there: ${JSON.stringify(root)}.`, {
    hint: 'Is its disk mounted? A new store is made with: holdfast init',
    data: { transient: false },
  });
}

function hasRealParents(root: string, path: string): boolean {
  const parent = dirname(path);
  return parent === root || (hasRealParents(root, parent) && isRealDirectory(parent));
}

function openAndClose(path: string): boolean {
  const file = openRegular(path);
  if (file === null) return false;
  closeSync(file.fd);
  return true;
}

function probeLinks(root: string): boolean {
  const first = temporaryNameFor(join(root, 'probe'));
  const second = temporaryNameFor(join(root, 'probe'));
  try {
    writeNewFile(first, new Uint8Array());
    return tryLink(first, second);
  } catch {
    return false;
  } finally {
    for (const path of [first, second]) {
      try {
        removeIfThere(path);
      } catch {
        // A read-only store answers false; there is nothing to clean.
      }
    }
  }
}
