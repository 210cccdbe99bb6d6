import { type PackAccess, openPackAccess } from '../../format/git/pack-access.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import type { PackIndex } from '../../format/git/pack-index.ts';
import { ByteLru } from '../../lib/byte-lru.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { PackFacts } from '../../ports/object-access.ts';
import type { GitObject, KnownPack, ObjectLocation, ObjectReader } from '../../ports/object-reader.ts';
import type { PackBytes } from './pack-bytes.ts';
import type { PackLocator } from './pack-locator.ts';

export interface ReadablePack {
  readonly ref: PackFacts;
  readonly packIndex: PackIndex;
  readonly bytes: PackBytes;
}

// Trees of a folder with a million files come to 40 MB; nothing holdfast writes is larger.
const sizeBytesMaxUsual = 256 * 1024 * 1024;
const baseCacheBytes = 8 * 1024 * 1024;
const openPacksMax = 8;

/** Reads objects out of packs whose indexes are loaded. */
export function createPackedObjectReader(packs: readonly ReadablePack[], locator: PackLocator): ObjectReader {
  // What an open pack keeps are bases of deltas; a few packs at a time bound it.
  const accesses = new ByteLru<number, PackAccess>(openPacksMax);

  function accessOf(pack: number): PackAccess {
    const known = accesses.get(pack);
    if (known !== undefined) return known;
    const { packIndex, bytes } = packs[pack]!;
    const access = openPackAccess({
      packIndex,
      readRange: (start, end) => bytes.read(start, end),
      sizeBytesMax: sizeBytesMaxUsual,
      baseCacheBytes,
    });
    accesses.set(pack, access, 1);
    return access;
  }

  /** After damage in one pack: another may hold the object whole. */
  async function readElsewhere(
    id: ObjectId,
    damage: HoldfastError,
    options: { sizeBytesMax?: number },
  ): Promise<GitObject> {
    for (const place of locator.findAll(rawObjectId(id), 0)) {
      try {
        return await accessOf(place.pack).read(place.position, options);
      } catch (error) {
        if (!isHoldfastError(error, ...damageCodes)) throw error;
      }
    }
    throw damage;
  }

  return {
    packs: packs.map(({ ref, packIndex }): KnownPack => ({
      key: ref.key,
      sizeBytes: ref.sizeBytes,
      objectCount: packIndex.objectCount,
    })),
    has: (id) => locator.find(rawObjectId(id), 0) !== null,
    locate(id): ObjectLocation | null {
      const place = locator.find(rawObjectId(id), 0);
      if (place === null) return null;
      const { packIndex } = packs[place.pack]!;
      return { pack: place.pack, start: packIndex.offsetAt(place.position), end: packIndex.endAt(place.position) };
    },
    async read(id, { signal, sizeBytesMax } = {}) {
      signal?.throwIfAborted();
      const place = locator.find(rawObjectId(id), 0);
      if (place === null) throw objectMissing(id);
      const options = sizeBytesMax === undefined ? {} : { sizeBytesMax };
      try {
        return await accessOf(place.pack).read(place.position, options);
      } catch (error) {
        if (isHoldfastError(error, ...damageCodes)) return readElsewhere(id, error, options);
        throw error;
      }
    },
    async readRange(pack, start, end, { signal } = {}) {
      signal?.throwIfAborted();
      return packs[pack]!.bytes.readOnce(start, end, signal);
    },
    *entries(pack) {
      const { packIndex } = packs[pack]!;
      const order = packIndex.byOffset();
      for (let i = 0; i < order.length; i++) {
        const start = packIndex.offsetAt(order[i]!);
        const end = i + 1 < order.length ? packIndex.offsetAt(order[i + 1]!) : packIndex.endAt(order[i]!);
        yield { id: packIndex.idAt(order[i]!), start, end };
      }
    },
  };
}

const damageCodes = ['object_corrupt', 'pack_corrupt', 'pack_missing'] as const;

function objectMissing(id: ObjectId): HoldfastError {
  return new HoldfastError('object_missing', `No pack holds the object ${id}.`, {
    hint: 'Run `holdfast verify` to see which snapshots need it.',
    data: { id },
  });
}
