import { hash } from 'node:crypto';
import { idBytes } from './object-id.ts';
import { fanoutBytes, largeOffsetFrom, packIndexHeader } from './pack-index.ts';
import { sortIds } from './sort-ids.ts';

/** What a pack index lists, in any order: names (20 bytes each), CRC-32s and offsets of entries. */
export interface PackIndexColumns {
  readonly ids: Uint8Array;
  readonly crcs: Uint32Array;
  readonly offsets: Uint32Array | Float64Array;
  /** The 20 bytes that end the pack. */
  readonly packTrailer: Uint8Array;
}

/** Encodes a version 2 pack index, byte for byte as `git index-pack` writes it. */
export function encodePackIndex(columns: PackIndexColumns): Buffer {
  const { ids, crcs, offsets } = columns;
  const count = crcs.length;
  const order = sortIds(ids);
  let largeCount = 0;
  for (const offset of offsets) if (offset >= largeOffsetFrom) largeCount++;
  const namesStart = packIndexHeader.length + fanoutBytes;
  const crcsStart = namesStart + count * idBytes;
  const offsetsStart = crcsStart + count * 4;
  const largeStart = offsetsStart + count * 4;
  const trailerStart = largeStart + largeCount * 8;
  const out = Buffer.alloc(trailerStart + 2 * idBytes);
  const view = new DataView(out.buffer, out.byteOffset, out.length);

  out.set(packIndexHeader);
  const fanout = new Uint32Array(256);
  let largeUsed = 0;
  for (let i = 0; i < count; i++) {
    const position = order[i]!;
    const idStart = position * idBytes;
    fanout[ids[idStart]!]!++;
    out.set(ids.subarray(idStart, idStart + idBytes), namesStart + i * idBytes);
    view.setUint32(crcsStart + i * 4, crcs[position]!);
    const offset = offsets[position]!;
    if (offset < largeOffsetFrom) {
      view.setUint32(offsetsStart + i * 4, offset);
    } else {
      view.setUint32(offsetsStart + i * 4, largeOffsetFrom + largeUsed);
      view.setBigUint64(largeStart + largeUsed * 8, BigInt(offset));
      largeUsed++;
    }
  }
  let total = 0;
  for (let i = 0; i < 256; i++) {
    total += fanout[i]!;
    view.setUint32(packIndexHeader.length + i * 4, total);
  }
  out.set(columns.packTrailer, trailerStart);
  out.write(hash('sha1', out.subarray(0, trailerStart + idBytes), 'hex'), trailerStart + idBytes, 'hex');
  return out;
}
