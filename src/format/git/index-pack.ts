import type { Sha256 } from '../../model/ids.ts';
import { ByteWindow } from './byte-window.ts';
import { packCorrupt } from './corrupt.ts';
import { encodePackIndex } from './encode-pack-index.ts';
import type { ReadRange } from './entry-reader.ts';
import { decodePackHeader, packHeaderBytes, packTrailerBytes } from './pack-entry.ts';
import { resolveDeltas } from './resolve-deltas.ts';
import { scanEntry } from './scan-entry.ts';
import { PackEntries } from './pack-entries.ts';

export interface IndexPackOptions {
  readonly sizeBytes: number;
  /** Called for consecutive ranges once, then for single entries that are deltas or their bases. */
  readonly readRange: ReadRange;
  readonly signal?: AbortSignal | undefined;
}

export interface IndexedPack {
  /** A pack index, byte for byte as `git index-pack` writes it. */
  readonly indexBytes: Buffer;
  readonly objectCount: number;
  /** SHA-256 of all bytes of the pack. */
  readonly sha256: Sha256;
}

const stepBytes = 4 * 1024 * 1024;
// A header byte and the shortest zlib stream.
const entryBytesMin = 9;

/**
 * Reads a whole pack and builds its index: every byte accounted for, every entry inflated, every delta resolved, every
 * object hashed. Memory stays bounded whatever the pack: objects that are not deltas are never held when large.
 * @throws {HoldfastError} `pack_corrupt` or `object_corrupt` at the first thing that is wrong
 */
export async function indexPack(options: IndexPackOptions): Promise<IndexedPack> {
  const { sizeBytes, readRange } = options;
  if (sizeBytes < packHeaderBytes + packTrailerBytes) throw packCorrupt('A pack is too short to be one.');
  const window = new ByteWindow({ sizeBytes, readRange, stepBytes });
  while (window.end < packHeaderBytes) await window.extend();
  const objectCount = decodePackHeader(window.bytes);
  if (objectCount === null) throw packCorrupt('A pack does not begin as a version 2 pack.');
  const entriesEnd = sizeBytes - packTrailerBytes;
  // Before making room for as many objects as it claims to have.
  if (objectCount > (entriesEnd - packHeaderBytes) / entryBytesMin) {
    throw packCorrupt('A pack states more objects than it has room for.');
  }
  const entries = new PackEntries(objectCount, entriesEnd);
  window.moveTo(packHeaderBytes);
  for (let entry = 0; entry < objectCount; entry++) {
    options.signal?.throwIfAborted();
    await scanEntry(window, entries, { entry, entriesEnd });
  }
  if (window.start !== entriesEnd) throw packCorrupt('A pack holds bytes that belong to no object.');
  const checksums = await window.finish();
  if (checksums.trailer.toString('hex') !== checksums.sha1) {
    throw packCorrupt('A pack does not match its trailing checksum.');
  }
  await resolveDeltas(entries, options);
  return {
    indexBytes: encodePackIndex({
      ids: entries.ids,
      crcs: entries.crcs,
      offsets: entries.offsets,
      packTrailer: checksums.trailer,
    }),
    objectCount,
    sha256: checksums.sha256 as Sha256,
  };
}
