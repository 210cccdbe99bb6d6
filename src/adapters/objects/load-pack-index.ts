import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256Of } from '../../format/digest.ts';
import { packCorrupt } from '../../format/git/corrupt.ts';
import { indexPack } from '../../format/git/index-pack.ts';
import { type PackIndex, parsePackIndex } from '../../format/git/pack-index.ts';
import { type HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { PackSource, PackFacts } from '../../ports/object-access.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { systemCode } from '../fs/map-fs-error.ts';
import { fetcherOf, indexNameOf } from './fetch-pack.ts';
import type { PackCache } from './pack-cache.ts';
import { createStepReader } from './step-reader.ts';

export interface LoadedPackIndex {
  readonly packIndex: PackIndex;
  /** The stored index was missing or wrong, and this one was made from the pack. */
  readonly wasRebuilt: boolean;
}

/**
 * Returns the index of a pack: from the cache (unless `fresh`), else from beside the pack, else made anew from the pack itself.
 * @throws {HoldfastError} `pack_corrupt`, `pack_missing` when even the pack does not give one
 */
export async function loadPackIndex(
  source: PackSource,
  options: {
    readonly storage: ObjectStorage;
    readonly cache: PackCache;
    readonly fresh: boolean;
    /** Thrown in place of a request: the store is known to be out of reach. */
    readonly failure?: HoldfastError | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<LoadedPackIndex> {
  const { ref, localDirectory } = source;
  const mayUseCache = localDirectory === null && !options.fresh;
  const cached = mayUseCache && ref.indexSha256 !== null ? options.cache.load('idx', ref.indexSha256) : null;
  const stored =
    cached ?? (localDirectory === null ? null : readIndex(ref, localDirectory)) ?? (await fetchOrNull(source, options));
  const packIndex = stored === null ? null : parseIfRight(stored, ref);
  if (packIndex !== null) {
    if (cached === null && localDirectory === null)
      options.cache.save('idx', sha256Of(packIndex.bytes), packIndex.bytes);
    return { packIndex, wasRebuilt: false };
  }
  const rebuilt = await rebuild(source, options);
  const rebuiltSha256 = sha256Of(rebuilt.bytes);
  if (localDirectory === null && rebuiltSha256 === ref.indexSha256) {
    options.cache.save('idx', rebuiltSha256, rebuilt.bytes);
  }
  return { packIndex: rebuilt, wasRebuilt: true };
}

/** For a spooled pack the store is asked only when the spool has lost it (it was published meanwhile), and need not answer. */
async function fetchOrNull(
  { ref, localDirectory }: PackSource,
  options: { readonly storage: ObjectStorage; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array | null> {
  try {
    return await fetchIndex(ref, options);
  } catch (error) {
    const isAway = isHoldfastError(error) && (error.kind === 'storage' || error.kind === 'access');
    if (localDirectory !== null && isAway) return null;
    throw error;
  }
}

/** Null when the stored index is not there or is shorter than it should be. */
async function fetchIndex(
  ref: PackFacts,
  options: {
    readonly storage: ObjectStorage;
    readonly failure?: HoldfastError | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Uint8Array | null> {
  if (options.failure) throw options.failure;
  const range = { start: 0, end: ref.indexSizeBytes };
  try {
    return await options.storage.get(indexNameOf(ref.key), { range, signal: options.signal });
  } catch (error) {
    if (isHoldfastError(error, 'object_missing', 'object_corrupt')) return null;
    throw error;
  }
}

function readIndex(ref: PackFacts, directory: string): Uint8Array | null {
  try {
    return readFileSync(join(directory, indexNameOf(basename(ref.key))));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The checksum in the record is the proof; the parsing is there because records can be forged too. */
function parseIfRight(bytes: Uint8Array, ref: PackFacts): PackIndex | null {
  if (ref.indexSha256 !== null && sha256Of(bytes) !== ref.indexSha256) return null;
  try {
    const packIndex = parsePackIndex(bytes, { packSizeBytes: ref.sizeBytes });
    const isCount = ref.objectCount === null || packIndex.objectCount === ref.objectCount;
    return isCount && ref.key.includes(packIndex.packHash) ? packIndex : null;
  } catch (error) {
    if (isHoldfastError(error, 'pack_corrupt')) return null;
    throw error;
  }
}

async function rebuild(
  source: PackSource,
  options: { readonly storage: ObjectStorage; readonly signal?: AbortSignal | undefined },
): Promise<PackIndex> {
  const { ref } = source;
  const { signal } = options;
  const readRange = createStepReader(fetcherOf(source, options.storage), { sizeBytes: ref.sizeBytes, signal });
  const built = await indexPack({ sizeBytes: ref.sizeBytes, readRange, signal });
  if (ref.sha256 !== null && built.sha256 !== ref.sha256)
    throw packCorrupt(`The pack ${ref.key} does not match its checksum in the record.`);
  return parsePackIndex(built.indexBytes, { packSizeBytes: ref.sizeBytes });
}
