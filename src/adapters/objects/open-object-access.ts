import { basename, join } from 'node:path';
import { ByteLru } from '../../lib/byte-lru.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { type HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { ObjectAccess, OpenedReader, PackSource } from '../../ports/object-access.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { packTightly } from './pack-tightly.ts';
import { fetcherOf, indexNameOf } from './fetch-pack.ts';
import { knownObjectsOf } from './known-objects.ts';
import { loadPackIndex, type LoadedPackIndex } from './load-pack-index.ts';
import { openObjectWriter, type ObjectWriterOptions } from './open-object-writer.ts';
import { PackBytes, wholePackBytesMax } from './pack-bytes.ts';
import { openPackCache, type PackCache } from './pack-cache.ts';
import { createPackLocator } from './pack-locator.ts';
import { createPackedObjectReader, type ReadablePack } from './packed-object-reader.ts';
import { verifyPack } from './verify-pack.ts';

export interface ObjectAccessOptions {
  readonly storage: ObjectStorage;
  /** Where indexes and small packs of the store are kept on this machine; null to keep none (a store in a directory). */
  readonly cacheDirectory: string | null;
  readonly writer?: ObjectWriterOptions;
}

const indexesAtOnce = 16;
const blockCacheBytes = 32 * 1024 * 1024;
/** Indexes kept between readers: a process that stays opens one for each snapshot, and an index never changes. */
const indexCacheBytes = 128 * 1024 * 1024;

/** Opens access to the git objects of a store. Makes no request yet. */
export function openObjectAccess(options: ObjectAccessOptions): ObjectAccess {
  const { storage } = options;
  const cache = openPackCache(options.cacheDirectory);
  const indexes = new ByteLru<string, LoadedPackIndex>(indexCacheBytes);
  return {
    openWriter: (directory, known) => openObjectWriter(directory, known, options.writer),
    openReader: (packs, { fresh = false, skipUnreachable = false, signal } = {}) =>
      openReader(packs, { storage, cache, indexes, fresh, reach: { skipUnreachable, failure: null }, signal }),
    packTightly,
    async remember(ref, directory) {
      const packPath = join(directory, basename(ref.key));
      cache.adopt('idx', ref.indexSha256, indexNameOf(packPath));
      if (ref.sizeBytes <= wholePackBytesMax) cache.adopt('pack', ref.sha256, packPath);
    },
    verify: (source, { depth = 'objects', signal } = {}) => verifyPack(source, { storage, depth, signal }),
  };
}

interface ReaderOptions {
  readonly storage: ObjectStorage;
  readonly cache: PackCache;
  readonly indexes: ByteLru<string, LoadedPackIndex>;
  readonly fresh: boolean;
  readonly reach: Reach;
  readonly signal: AbortSignal | undefined;
}

interface Reach {
  readonly skipUnreachable: boolean;
  /** Set by the first request that failed so: others would wait as long for the same answer. */
  failure: HoldfastError | null;
}

async function openReader(sources: readonly PackSource[], options: ReaderOptions): Promise<OpenedReader> {
  const { storage, cache, signal } = options;
  const blocks = new ByteLru<string, Uint8Array>(blockCacheBytes);
  const packs: ReadablePack[] = [];
  const rebuiltIndexes: string[] = [];
  const unusable: { key: string; reason: string }[] = [];
  // Of two packs with an object the later one is read: the one that stays.
  const ordered = sources.toSorted((a, b) => Number(b.isCondemned === true) - Number(a.isCondemned === true));
  let condemnedCount = 0;
  const results = mapConcurrent(ordered, { limit: indexesAtOnce, signal }, (source) => tryLoad(source, options));
  for await (const { source, loaded } of results) {
    const { ref } = source;
    if ('code' in loaded) {
      // Deleted since it was condemned.
      if (source.isCondemned === true) continue;
      unusable.push({ key: ref.key, reason: loaded.message });
      continue;
    }
    if (loaded.wasRebuilt) rebuiltIndexes.push(ref.key);
    const isLocal = source.localDirectory !== null || storage.isLocal;
    const bytes = new PackBytes({ source, fetch: fetcherOf(source, storage), isLocal, blocks, cache });
    if (source.isCondemned === true) condemnedCount++;
    packs.push({ ref, packIndex: loaded.packIndex, bytes });
  }
  const packIndexes = packs.map(({ packIndex }) => packIndex);
  const locator = createPackLocator(packIndexes);
  const kept = packIndexes.slice(condemnedCount);
  return {
    reader: createPackedObjectReader(packs, locator),
    known: knownObjectsOf(kept, condemnedCount === 0 ? locator : createPackLocator(kept)),
    rebuiltIndexes,
    unusable,
  };
}

/** Damage of one pack must not keep the others from being read; a store that cannot be reached must, unless told otherwise. */
async function tryLoad(
  source: PackSource,
  options: ReaderOptions,
): Promise<{ source: PackSource; loaded: LoadedPackIndex | HoldfastError }> {
  try {
    return { source, loaded: await recallIndex(source, options) };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    if (error.kind === 'integrity') return { source, loaded: error };
    if (!options.reach.skipUnreachable || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
    options.reach.failure = error;
    return { source, loaded: error };
  }
}

/** What was rebuilt is not kept: that it had to be is to be told each time. */
async function recallIndex(source: PackSource, options: ReaderOptions): Promise<LoadedPackIndex> {
  const { key, indexSha256 } = source.ref;
  if (indexSha256 === null || options.fresh) {
    return loadPackIndex(source, { ...options, failure: options.reach.failure });
  }
  const name = `${key} ${indexSha256}`;
  const known = options.indexes.get(name);
  if (known !== undefined) return known;
  const loaded = await loadPackIndex(source, { ...options, failure: options.reach.failure });
  if (!loaded.wasRebuilt) options.indexes.set(name, loaded, loaded.packIndex.bytes.length);
  return loaded;
}
