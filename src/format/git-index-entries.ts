import { byteStringOf, type ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import { brokenIndex as broken } from './git-index-error.ts';

/** One entry of a git index: what the file was when git last looked. */
export interface GitIndexEntry {
  readonly path: ByteString;
  /** Of the content as git keeps it, which filters may have changed. */
  readonly id: ObjectId;
  readonly sizeBytes: number;
  /** Milliseconds, with a fraction. */
  readonly mtimeMs: number;
  readonly isFile: boolean;
  /** Told not to be looked at (assume-unchanged, skip-worktree). */
  readonly isSkipped: boolean;
  /** Above 0 in a conflict. */
  readonly stage: number;
}

const idBytes = 20;
const fixedBytes = 40 + idBytes + 2;
const flags = { assumeValid: 0x8000, extended: 0x4000, stage: 0x3000, nameLength: 0xfff } as const;
const skipWorktree = 0x4000;
const kindMask = 0o170000;
const plainFile = 0o100000;

/**
 * Yields the entries of a SHA-1 index, versions 2 to 4, in order. For an index that `parseGitIndex` accepted.
 * @throws {HoldfastError} `object_corrupt` when an entry is cut
 */
export function* readGitIndexEntries(bytes: Uint8Array): Generator<GitIndexEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isCompressed = view.getUint32(4) === 4;
  const count = view.getUint32(8);
  let at = 12;
  let previous: ByteString = '';
  for (let row = 0; row < count; row++) {
    if (at + fixedBytes > bytes.length - idBytes) throw broken('it ends within an entry');
    const bits = view.getUint16(at + fixedBytes - 2);
    const isExtended = (bits & flags.extended) !== 0;
    const moreBits = isExtended ? view.getUint16(at + fixedBytes) : 0;
    const nameAt = at + fixedBytes + (isExtended ? 2 : 0);
    const kept = isCompressed ? readOffset(bytes, nameAt) : { value: 0, next: nameAt };
    const end = bytes.indexOf(0, kept.next);
    if (end < 0) throw broken('a name is cut');
    const rest = byteStringOf(bytes.subarray(kept.next, end));
    const path = isCompressed ? previous.slice(0, previous.length - kept.value) + rest : rest;
    yield {
      path,
      id: Buffer.from(bytes.buffer, bytes.byteOffset + at + 40, idBytes).toString('hex') as ObjectId,
      sizeBytes: view.getUint32(at + 36),
      mtimeMs: view.getUint32(at + 8) * 1000 + view.getUint32(at + 12) / 1e6,
      isFile: (view.getUint32(at + 24) & kindMask) === plainFile,
      isSkipped: (bits & flags.assumeValid) !== 0 || (moreBits & skipWorktree) !== 0,
      stage: (bits & flags.stage) >> 12,
    };
    previous = path;
    at = isCompressed ? end + 1 : at + ((end - at + 8) & ~7);
  }
}

/** Git's offset encoding: seven bits a byte, high first, each continuation adding one. */
function readOffset(bytes: Uint8Array, start: number): { value: number; next: number } {
  let at = start;
  let byte = bytes[at++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0 && at - start < 5) {
    byte = bytes[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, next: at };
}
