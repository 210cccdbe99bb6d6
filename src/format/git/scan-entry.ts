import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isHoldfastError } from '../../model/errors.ts';
import type { ByteWindow } from './byte-window.ts';
import { packCorrupt } from './corrupt.ts';
import { inflateStreamed } from './inflate-streamed.ts';
import { idBytes, objectHeader, writeObjectId } from './object-id.ts';
import { decodeEntryHeader, type EntryHeader, entryHeaderBytesMax, inflateContent } from './pack-entry.ts';
import type { PackEntries } from './pack-entries.ts';

const heldBytesMax = 8 * 1024 * 1024;

/**
 * Reads the entry at the start of the window, records its offset, CRC-32, and name or base, and moves the window behind
 * it. Where it ends is only known once it is inflated.
 */
export async function scanEntry(
  window: ByteWindow,
  entries: PackEntries,
  options: { readonly entry: number; readonly entriesEnd: number },
): Promise<void> {
  const { entry, entriesEnd } = options;
  const start = window.start;
  if (start >= entriesEnd) throw packCorrupt('A pack holds fewer objects than it states.');
  entries.offsets[entry] = start;
  if (window.bytes.length < entryHeaderBytesMax) await window.extend();
  const header = decodeEntryHeader(window.bytes, 0);
  if (header.kind === 'offset_delta') entries.baseOffsets[entry] = start - header.baseDistance;
  if (header.kind === 'ref_delta') entries.setBaseId(entry, window.bytes, header.baseIdStart);

  const scan = { window, entries, entry, header };
  const end = (await scanHeld(scan)) ?? (await scanStreamed(scan));
  if (end > entriesEnd) throw packCorrupt('A pack ends in the middle of an entry.');
}

interface EntryScan {
  readonly window: ByteWindow;
  readonly entries: PackEntries;
  readonly entry: number;
  readonly header: EntryHeader;
}

/** The common way: the entry lies in the window and is small. Returns where it ends, or null when it does not. */
async function scanHeld(scan: EntryScan): Promise<number | null> {
  const { window, entries, entry, header } = scan;
  if (header.sizeBytes > heldBytesMax) return null;
  for (;;) {
    try {
      const { content, consumedBytes } = inflateContent(window.bytes.subarray(header.dataStart), header.sizeBytes);
      if (header.kind === 'object') writeObjectId(header.type, content, { out: entries.ids, start: entry * idBytes });
      const length = header.dataStart + consumedBytes;
      entries.crcs[entry] = crc32(window.bytes.subarray(0, length));
      window.moveTo(window.start + length);
      return window.start;
    } catch (error) {
      // It may only be cut off by the end of the window. What two steps cannot hold is read piece by piece.
      if (!isHoldfastError(error, 'object_corrupt') || window.isAtEnd) throw error;
      if (window.bytes.length > heldBytesMax) return null;
      await window.extend();
    }
  }
}

/** The way of large objects: inflated and hashed piece by piece, never held. */
async function scanStreamed(scan: EntryScan): Promise<number> {
  const { window, entries, entry, header } = scan;
  const start = window.start;
  const sha1 = createHash('sha1');
  if (header.kind === 'object') sha1.update(objectHeader(header.type, header.sizeBytes), 'latin1');
  let crc = crc32(window.bytes.subarray(0, header.dataStart));
  window.moveTo(start + header.dataStart);
  let piece: Uint8Array = new Uint8Array(0);
  const nextPiece = async (): Promise<Uint8Array | null> => {
    crc = crc32(piece, crc);
    window.moveTo(window.start + piece.length);
    if (window.bytes.length === 0 && !(await window.extend())) return null;
    piece = window.bytes;
    return piece;
  };
  const { consumedBytes } = await inflateStreamed(nextPiece, {
    sizeBytes: header.sizeBytes,
    onOutput: (bytes) => void (header.kind === 'object' && sha1.update(bytes)),
  });
  const length = header.dataStart + consumedBytes;
  const rest = start + length - window.start;
  entries.crcs[entry] = crc32(piece.subarray(0, rest), crc);
  window.moveTo(start + length);
  if (header.kind === 'object') entries.ids.set(sha1.digest(), entry * idBytes);
  return window.start;
}
