import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { HoldfastError } from '../../src/model/errors.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectStorage,
  RequestCounts,
  StorageBody,
  StorageKey,
  StorageOptions,
  StorageVersion,
  StoredObject,
  VersioningState,
} from '../../src/ports/object-storage.ts';

export type StorageOperation =
  | 'putIfAbsent'
  | 'put'
  | 'get'
  | 'head'
  | 'list'
  | 'versions'
  | 'delete'
  | 'versioning'
  | 'abortStaleUploads';

/**
 * Fault hooks. Throwing from `beforeCall` is a request that never arrived; throwing from `afterCall` is a lost reply:
 * the storage has done what was asked.
 */
export interface StorageHooks {
  beforeCall?(operation: StorageOperation, key: StorageKey): void | Promise<void>;
  afterCall?(operation: StorageOperation, key: StorageKey): void | Promise<void>;
}

export interface MemoryStorageOptions extends StorageHooks {
  readonly versioning?: VersioningState;
  readonly createIsExclusive?: boolean;
  readonly isLocal?: boolean;
  /** Time of writing of each object. */
  readonly now?: () => Date;
}

export interface MemoryStorage extends ObjectStorage {
  /** May be replaced at any time. */
  hooks: StorageHooks;
  /** Every call made, as "operation key", in order. */
  readonly calls: string[];
  /** Keys of all current objects, sorted. */
  keys(): StorageKey[];
  /** The current bytes themselves (not a copy), or undefined: for looking, and for damaging. */
  peek(key: StorageKey): Uint8Array | undefined;
  /** Writes behind the port's back: no check, no version kept. */
  poke(key: StorageKey, bytes: Uint8Array): void;
  /** Makes a key vanish without a trace. */
  drop(key: StorageKey): void;
}

interface Version {
  readonly id: string;
  readonly at: Date;
  /** Null for a delete marker. */
  bytes: Uint8Array | null;
}

/** An ObjectStorage that lives in memory: passes the contract suite, counts calls, fails on command. */
export function createMemoryStorage(options: MemoryStorageOptions = {}): MemoryStorage {
  const requests: RequestCounts = { put: 0, get: 0, head: 0, list: 0, delete: 0 };
  const calls: string[] = [];
  // Newest version last.
  const objects = new Map<StorageKey, Version[]>();
  const now = options.now ?? (() => new Date('2026-01-02T03:04:05Z'));
  let state: VersioningState = options.versioning ?? 'on';
  let nextId = 1;

  const keepsVersions = (): boolean => state === 'on';
  const latest = (key: StorageKey): Version | undefined => objects.get(key)?.at(-1);
  const current = (key: StorageKey): Uint8Array | undefined => latest(key)?.bytes ?? undefined;
  const sortedKeys = (): StorageKey[] => [...objects.keys()].sort();

  async function call<Result>(
    operation: StorageOperation,
    key: StorageKey,
    options_: { signal?: AbortSignal | undefined; counts?: keyof RequestCounts; work: () => Result },
  ): Promise<Result> {
    options_.signal?.throwIfAborted();
    if (options_.counts !== undefined) requests[options_.counts]++;
    calls.push(`${operation} ${key}`);
    await storage.hooks.beforeCall?.(operation, key);
    options_.signal?.throwIfAborted();
    const result = options_.work();
    await storage.hooks.afterCall?.(operation, key);
    return result;
  }

  function write(key: StorageKey, bytes: Uint8Array | null): void {
    const versions = keepsVersions() ? (objects.get(key) ?? []) : [];
    if (bytes === null && !keepsVersions()) {
      objects.delete(key);
      return;
    }
    versions.push({ id: `v${nextId++}`, at: now(), bytes });
    objects.set(key, versions);
  }

  function read(key: StorageKey, getOptions: GetOptions): Uint8Array {
    const wanted = getOptions.storageVersionId;
    const found =
      wanted === undefined ? current(key) : objects.get(key)?.find((version) => version.id === wanted)?.bytes;
    if (found === undefined || found === null) throw missing(key);
    const { start, end } = getOptions.range ?? { start: 0, end: found.length };
    if (getOptions.range !== undefined && (start < 0 || end <= start)) throw broken(`range ${start}-${end}`);
    if (end > found.length) throw new HoldfastError('object_corrupt', `${key} is shorter than ${end} bytes.`);
    if (end - start > (getOptions.sizeBytesMax ?? Infinity)) {
      throw new HoldfastError('storage_answer_invalid', `${key} is larger than expected.`);
    }
    return found.slice(start, end);
  }

  function missing(key: StorageKey): HoldfastError {
    const marker = latest(key);
    const recoverable = marker?.bytes === null && (objects.get(key)?.length ?? 0) > 1;
    const data = recoverable ? { key, deletedAt: marker.at.toISOString(), recoverable } : { key };
    return new HoldfastError('object_missing', `The store has no ${key}.`, { data });
  }

  async function* list(prefix: StorageKey, listOptions: ListOptions = {}): AsyncGenerator<StoredObject> {
    const keys = await call('list', prefix, {
      signal: listOptions.signal,
      counts: 'list',
      work: () => sortedKeys().filter((key) => key.startsWith(prefix) && key > (listOptions.startAfter ?? '')),
    });
    for (const key of keys) {
      listOptions.signal?.throwIfAborted();
      const version = latest(key);
      if (version?.bytes) yield { key, sizeBytes: version.bytes.length, modifiedAt: version.at };
    }
  }

  async function* versions(prefix: StorageKey, versionOptions: StorageOptions = {}): AsyncGenerator<StorageVersion> {
    const keys = await call('versions', prefix, {
      signal: versionOptions.signal,
      counts: 'list',
      work: () => sortedKeys().filter((key) => key.startsWith(prefix)),
    });
    for (const key of keys) {
      for (const [age, version] of (objects.get(key) ?? []).toReversed().entries()) {
        yield {
          key,
          sizeBytes: version.bytes?.length ?? 0,
          modifiedAt: version.at,
          storageVersionId: version.id,
          isLatest: age === 0,
          isDeleteMarker: version.bytes === null,
        };
      }
    }
  }

  function removeVersion(key: StorageKey, id: string): void {
    const rest = (objects.get(key) ?? []).filter((version) => version.id !== id);
    if (rest.length === 0) objects.delete(key);
    else objects.set(key, rest);
  }

  const storage: MemoryStorage = {
    url: 'memory:',
    isLocal: options.isLocal ?? false,
    requests,
    createIsExclusive: options.createIsExclusive ?? true,
    hooks: options,
    calls,
    keys: () => sortedKeys().filter((key) => current(key) !== undefined),
    peek: current,
    poke(key, bytes) {
      objects.set(key, [...(objects.get(key)?.slice(0, -1) ?? []), { id: `v${nextId++}`, at: now(), bytes }]);
    },
    drop(key) {
      objects.delete(key);
    },
    async putIfAbsent(key, body, putOptions = {}) {
      const bytes = contentOf(key, body);
      return call('putIfAbsent', key, {
        signal: putOptions.signal,
        counts: 'put',
        work: () => {
          const there = current(key);
          if (there === undefined) {
            write(key, bytes);
            return 'created' as const;
          }
          if (Buffer.compare(there, bytes) === 0) return 'exists' as const;
          throw new HoldfastError('storage_conflict', `The store already holds ${key} with other contents.`);
        },
      });
    },
    async put(key, body, putOptions = {}) {
      const bytes = contentOf(key, body);
      await call('put', key, { signal: putOptions.signal, counts: 'put', work: () => write(key, bytes) });
    },
    async get(key, getOptions = {}) {
      checkTestKey(key);
      return call('get', key, { signal: getOptions.signal, counts: 'get', work: () => read(key, getOptions) });
    },
    async head(key, headOptions = {}) {
      checkTestKey(key);
      return call('head', key, {
        signal: headOptions.signal,
        counts: 'head',
        work: () => {
          const version = latest(key);
          return version?.bytes ? { key, sizeBytes: version.bytes.length, modifiedAt: version.at } : null;
        },
      });
    },
    list,
    versions,
    async delete(key, deleteOptions = {}) {
      checkTestKey(key);
      await call('delete', key, {
        signal: deleteOptions.signal,
        counts: 'delete',
        work: () => {
          if (deleteOptions.storageVersionId !== undefined) removeVersion(key, deleteOptions.storageVersionId);
          else if (current(key) !== undefined) write(key, null);
        },
      });
    },
    async versioning(versioningOptions = {}) {
      return call('versioning', '', { signal: versioningOptions.signal, work: () => state });
    },
    async enableVersioning(versioningOptions = {}) {
      if (state !== 'unsupported') state = 'on';
      return storage.versioning(versioningOptions);
    },
    async abortStaleUploads(abortOptions) {
      return call('abortStaleUploads', '', { signal: abortOptions.signal, work: () => 0 });
    },
    async [Symbol.asyncDispose]() {},
  };
  return storage;
}

function contentOf(key: StorageKey, body: StorageBody): Uint8Array {
  checkTestKey(key);
  const bytes = body.kind === 'bytes' ? new Uint8Array(body.bytes) : new Uint8Array(readFileSync(body.path));
  if (createHash('sha256').update(bytes).digest('hex') !== body.sha256)
    throw broken(`body of ${key} is not what its hash says`);
  return bytes;
}

function checkTestKey(key: StorageKey): void {
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(key) || key.split('/').some((part) => part === '' || part.startsWith('.'))) {
    throw broken(`not a key: ${JSON.stringify(key)}`);
  }
}

function broken(message: string): HoldfastError {
  return new HoldfastError('invariant_broken', `${message}.`);
}
